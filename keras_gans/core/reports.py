"""Epoch means of the loss terms that a system reports."""

import keras
from keras import ops

from keras_gans.core import gradients


class Reports:
    """One float32 mean per report name.

    Args:
        names: The system's `reports`.
    """

    def __init__(self, names):
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def means(self):
        """The `keras.metrics.Mean` objects, in the order of the names."""
        return list(self._means.values())

    def add(self, name, value):
        """Counts one batch's value of a loss term.

        Raises:
            KeyError: when the system's `reports` does not name the term.
        """
        if name not in self._means:
            raise KeyError(
                f"'{name}' is a loss term but not one of the system's reports "
                f"{tuple(self._means)}: add it there, so that fit() logs it."
            )
        self._means[name].update_state(ops.cast(value, "float32"))

    def results(self):
        """Dict of name to scalar mean."""
        results = {name: mean.result() for name, mean in self._means.items()}
        if gradients.replica().across_hosts:
            # Keras averages logs of several hosts over axis 0, which a scalar lacks
            # (keras issue 20585).
            results = {name: value[None] for name, value in results.items()}
        return results
