"""A metric fed batch by batch."""

import inspect

from keras_gans.metrics.rows import FeatureRows


class Accumulator:
    """Gathers the sides of a metric batch by batch, then calls its function.

    Args:
        **options: The keyword arguments of the metric's function: `protocol`,
            `seed`, ... . A side may be given as well, as statistics made earlier.

    Raises:
        TypeError: If the function has no such argument.

    Example:

    >>> from keras_gans import metrics
    >>> distance = metrics.FrechetDistance()
    >>> distance.update(real=[[0.0], [2.0]], generated=[[3.0]])
    >>> distance.update(generated=[[5.0]])
    >>> distance.result().value
    9.0
    """

    metric = None
    sides = {"real": FeatureRows, "generated": FeatureRows}

    def __init__(self, **options):
        self._gathered = {
            name: options.pop(name) if name in options else make()
            for name, make in self.sides.items()
        }
        inspect.signature(self.metric).bind_partial(**options)
        self.options = options

    def update(self, **batches):
        """Adds a batch to each side named: `update(real=..., generated=...)`."""
        unknown = sorted(set(batches) - set(self._gathered))
        if unknown:
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(self._gathered)}; found "
                f"{', '.join(unknown)}."
            )
        for name, batch in batches.items():
            self._gathered[name].update(batch)

    def merge(self, other):
        """Adds all that another accumulator of this metric, equally set, was given."""
        if type(other) is not type(self) or other.options != self.options:
            raise ValueError(
                f"{type(self).__name__} merges with its like, equally set. Found "
                f"{type(other).__name__} with {getattr(other, 'options', None)}, not "
                f"{self.options}."
            )
        for name, side in self._gathered.items():
            side.merge(other._gathered[name])

    def result(self):
        """The `Result` of all batches so far; more may follow."""
        return self.metric(**self._gathered, **self.options)
