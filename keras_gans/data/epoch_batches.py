"""What all batches from memory share: epochs that can be chosen, and resumed."""

import keras
import numpy as np

from keras_gans.data.order import epoch_order, natural_number, num_batches


class EpochBatches(keras.utils.PyDataset):
    """A data set of batches whose epoch e depends on `(seed, e)` alone.

    A subclass says in `set_epoch` what comes at each place of an epoch, and in
    `batch_of(positions)` what a batch of such places holds.

    Args:
        num_examples: int, places in one epoch.
        batch_size: int, examples per batch.
        shuffle: Whether each epoch has its own order.
        seed: Non-negative int.
        drop_remainder: Whether what is left after the last full batch is left out.
        **kwargs: Those of `keras.utils.PyDataset`.

    Raises:
        ValueError: If `num_examples` do not fill one batch, or `batch_size` or `seed`
            is not a natural number.
    """

    def __init__(
        self, num_examples, batch_size, shuffle, seed, drop_remainder, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_examples = num_examples
        self.batch_size = natural_number("batch_size", batch_size, minimum=1)
        self.seed = natural_number("seed", seed)
        self.shuffle = shuffle
        self._num_batches = num_batches(num_examples, self.batch_size, drop_remainder)
        self.set_epoch(0)

    @property
    def epoch(self):
        """The epoch that batches are served of."""
        return self._epoch

    def set_epoch(self, epoch):
        """Serves `epoch`, a non-negative int, from now on."""
        self._epoch = natural_number("epoch", epoch)
        self._begun = False

    def order_of_epoch(self):
        """The examples in the order of this epoch, one at each place."""
        if self.shuffle:
            return epoch_order(self.num_examples, self.seed, self.epoch)
        return np.arange(self.num_examples)

    def batch_of(self, positions):
        """The examples at these places of the epoch, ints `(batch,)`."""
        raise NotImplementedError

    def on_epoch_begin(self):
        """Notes that the epoch was begun; `fit` and iterating call it."""
        self._begun = True

    def on_epoch_end(self):
        """Goes on to the next epoch, if this one was begun."""
        # Keras calls this once before the first epoch, and twice per pass over
        # validation data: only an epoch that was begun can end.
        if self._begun:
            self.set_epoch(self._epoch + 1)

    def __len__(self):
        return self._num_batches

    def __getitem__(self, index):
        if not 0 <= index < self._num_batches:
            raise IndexError(f"Batch {index} of {self._num_batches}.")
        start = index * self.batch_size
        stop = min(start + self.batch_size, self.num_examples)
        return self.batch_of(np.arange(start, stop))

    def __iter__(self):
        self.on_epoch_begin()
        return super().__iter__()
