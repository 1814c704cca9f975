"""Batches from arrays in memory, under any Keras backend."""

import keras
import numpy as np

from keras_gans.data.epoch_batches import EpochBatches


class ArrayBatches(EpochBatches):
    """Shuffled batches of arrays, in an order that survives a restart.

    The order in epoch e is a permutation that depends on `(seed, e)` alone, on every
    machine. `set_epoch(e)` chooses the epoch; without it, each epoch that was begun
    (by `fit`, or by iterating) and ended with `on_epoch_end` is followed by the next.
    A batch is one NumPy gather per array; nothing is converted, so uint8 images stay
    uint8 until the model scales them on the device.

    Keras's own `fit` shuffles the *batches* of a `PyDataset` once more, with
    Python's global random state: pass it `shuffle=False`. Leave `steps_per_epoch`
    unset, or epochs would no longer be whole passes.

    Args:
        arrays: One array, or a tuple, list or dict of arrays, nested as you like, of
            equal length, examples along the first axis: `images`,
            `(images, labels)`, `(source, target)`.
        batch_size: int, examples per batch.
        shuffle: Whether each epoch has its own order; `False` keeps the arrays'.
        seed: Non-negative int, the seed of the order.
        drop_remainder: Whether the examples left after the last full batch are left
            out of this epoch. `True` by default: a shape that changes makes XLA
            compile again, and a batch smaller than the replica count gives NaN.
        **kwargs: `workers`, `use_multiprocessing`, `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If there are no arrays, their lengths differ, they do not fill
            one batch, or `batch_size` or `seed` is not a natural number.

    Example:

    >>> images, labels = np.zeros((10, 8, 8, 1), "uint8"), np.arange(10)
    >>> batches = ArrayBatches((images, labels), batch_size=4, seed=7)
    >>> len(batches)
    2
    >>> batches.set_epoch(3)  # from here on as if epochs 0 to 2 had been trained
    >>> x, y = batches[0]
    """

    def __init__(
        self,
        arrays,
        batch_size,
        shuffle=True,
        seed=0,
        drop_remainder=True,
        **kwargs,
    ):
        self.arrays, num_examples = aligned_arrays(arrays)
        super().__init__(
            num_examples, batch_size, shuffle, seed, drop_remainder, **kwargs
        )

    def set_epoch(self, epoch):
        """Serves the order of `epoch`, a non-negative int, from now on."""
        super().set_epoch(epoch)
        self._order = self.order_of_epoch()

    def batch_of(self, positions):
        """The examples that come at these places of the epoch."""
        return self.examples(self._order[positions])

    def examples(self, chosen):
        """The examples of these indices, in this epoch."""
        return keras.tree.map_structure(lambda array: array[chosen], self.arrays)


def aligned_arrays(arrays):
    """Returns the structure with NumPy leaves, and their common length."""
    arrays = tuple(arrays) if isinstance(arrays, list) else arrays
    leaves = keras.tree.flatten(arrays)
    for leaf in leaves:
        if len(getattr(leaf, "shape", ())) == 0:
            raise ValueError(
                "Expected arrays with examples along the first axis, got "
                f"{type(leaf).__name__} {str(leaf)[:40]!r}."
            )
    lengths = [leaf.shape[0] for leaf in leaves]
    if len(set(lengths)) != 1:
        found = ", ".join(map(str, lengths)) or "no arrays"
        raise ValueError(f"Arrays must have one common length, got {found}.")
    return keras.tree.map_structure(np.asarray, arrays), lengths[0]
