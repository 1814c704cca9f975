"""Batches of rows of several tables at once."""

import numpy as np

from keras_gans.data.array_batches import aligned_arrays
from keras_gans.data.epoch_batches import EpochBatches
from keras_gans.data.order import epoch_order, natural_number


class DomainBatches(EpochBatches):
    """Batches `(rows, labels)`, each a tuple with as many examples of every domain.

    Each domain is shuffled by itself. An epoch is `repeats` passes over the largest; of
    the others, rows come several times, none of them twice more often than another.
    What comes in epoch e depends on `(seed, e)` alone, as in `data.ArrayBatches`.

    Args:
        rows: Arrays `(num_rows, width)`, one per domain.
        labels: Arrays `(num_rows,)`, one per domain.
        batch_size: int, rows of each domain per batch.
        repeats: int. Tables are small, and what is done once an epoch (a checkpoint,
            say) would take longer than the epoch.
        shuffle: Whether each domain has an order of its own in each epoch.
        seed: Non-negative int.
        **kwargs: Those of `keras.utils.PyDataset`.

    Raises:
        ValueError: As `data.ArrayBatches`; also if a domain is empty.

    Example:

    >>> a, b = np.zeros((6, 3)), np.zeros((9, 2))
    >>> batches = DomainBatches((a, b), (np.zeros(6), np.zeros(9)), batch_size=3)
    >>> rows, labels = batches[0]
    >>> len(batches), [part.shape for part in rows]
    (3, [(3, 3), (3, 2)])
    """

    def __init__(
        self, rows, labels, batch_size, repeats=1, shuffle=True, seed=0, **kwargs
    ):
        pairs = zip(rows, labels, strict=True)
        self.domains = [aligned_arrays(pair)[0] for pair in pairs]
        lengths = [len(part) for part, _ in self.domains]
        if min(lengths) == 0:
            raise ValueError(f"A domain is empty: found {lengths} rows.")
        number = max(lengths) * natural_number("repeats", repeats, minimum=1)
        super().__init__(number, batch_size, shuffle, seed, True, **kwargs)

    def set_epoch(self, epoch):
        """Serves the orders of `epoch` from now on."""
        super().set_epoch(epoch)
        number = self.num_examples
        self._orders = [
            epoch_order(len(rows), self.seed, epoch, domain, length=number)
            if self.shuffle
            else np.arange(number) % len(rows)
            for domain, (rows, _) in enumerate(self.domains)
        ]

    def batch_of(self, positions):
        """The rows and labels of all domains at these places of the epoch."""
        chosen = [order[positions] for order in self._orders]
        pairs = list(zip(self.domains, chosen, strict=True))
        return (
            tuple(rows[places] for (rows, _), places in pairs),
            tuple(labels[places] for (_, labels), places in pairs),
        )
