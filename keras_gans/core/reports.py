"""Epoch means of the loss terms that a system reports, and of what float16 skipped."""

import contextlib

import keras
from keras import ops

from keras_gans.core import gradients


class Reports:
    """One float32 mean per report name.

    Where a player's optimizer scales its loss (float16), two more: how many of its
    steps the epoch skipped, and the scale they have reached.

    Args:
        names: The system's `reports`.
    """

    def __init__(self, names):
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self._skipped = {}
        self._scaled = {}

    @property
    def means(self):
        """The `keras.metrics.Metric` objects, in the order of the names."""
        return [*self._means.values(), *self._skipped.values()]

    def watch_scaling(self, optimizers):
        """Counts the skipped steps of these optimizers from now on.

        Args:
            optimizers: Dict of player name to optimizer; those that do not scale
                their loss never skip.
        """
        self._scaled = {
            player: optimizer
            for player, optimizer in optimizers.items()
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        }
        self._skipped = {
            player: _Count(name=f"{player}_skipped_steps") for player in self._scaled
        }

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

    @contextlib.contextmanager
    def step_of(self, player, when):
        """Around a step of `player`: counts it if its gradients were not finite.

        Args:
            player: Player name.
            when: Scalar boolean tensor, false where no step was meant; or `None`.
        """
        if player not in self._skipped:
            yield
            return
        iterations = self._scaled[player].iterations
        before = ops.copy(iterations.value)
        yield
        skipped = 1.0 - ops.cast(iterations.value - before, "float32")
        if when is not None:
            skipped = skipped * ops.cast(when, "float32")
        self._skipped[player].update_state(skipped)

    def results(self, evaluating=False):
        """Dict of name to scalar mean; with what was skipped, unless `evaluating`."""
        results = {name: mean.result() for name, mean in self._means.items()}
        if not evaluating:
            for player, skipped in self._skipped.items():
                results[skipped.name] = skipped.result()
                scale = self._scaled[player].dynamic_scale
                results[f"{player}_loss_scale"] = ops.cast(scale.value, "float32")
        if gradients.replica().across_hosts:
            # Keras averages logs of several hosts over axis 0, which a scalar lacks
            # (keras issue 20585).
            results = {name: value[None] for name, value in results.items()}
        return results


class _Count(keras.metrics.Metric):
    """How often something happened that happens on all replicas together."""

    def __init__(self, name):
        super().__init__(name=name)
        self._count = self.add_variable(
            (), "zeros", dtype="float32", aggregation="mean", name="count"
        )

    def update_state(self, times):
        self._count.assign_add(times)

    def result(self):
        return ops.copy(self._count.value)
