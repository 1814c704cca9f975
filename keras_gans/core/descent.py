"""Descent of many points at once, each down an objective of its own."""

from typing import NamedTuple

from keras import ops

from keras_gans.core import gradients


class Descent(NamedTuple):
    """Where a descent ended, a row for each point.

    `point` and `value` are those after the last step, `best` and `lowest` those of the
    lowest value on the way.
    """

    point: object
    value: object
    best: object
    lowest: object


def descend(objective, start, steps, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Follows Adam down an objective of each row; rows do not touch each other.

    One loop of tensors, without variables: so it also runs inside an exported model,
    on a batch of any size. That is why the three lines of Adam are written out.

    Args:
        objective: Differentiable function from `(batch, dimensions)` to `(batch,)`,
            of which no row depends on another one: no batch statistics.
        start: Tensor `(batch, dimensions)`, usually float32.
        steps: int.
        rate: Learning rate; or a function of the step's number, a scalar tensor from 0
            on, to one.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment, as in the paper of Adam.

    Returns:
        `Descent`.

    Reference: Kingma and Ba 2014, arXiv 1412.6980, algorithm 1.
    """
    rate_at = rate if callable(rate) else lambda step: rate

    def step_down(step, state):
        point, first, second, best, lowest = state
        value, slope = gradients.value_and_input_gradient(objective, point)
        best, lowest = _better(best, lowest, point, value)
        count = ops.cast(step, point.dtype)
        first = beta_1 * first + (1.0 - beta_1) * slope
        second = beta_2 * second + (1.0 - beta_2) * ops.square(slope)
        mean = first / (1.0 - beta_1 ** (count + 1.0))
        root = ops.sqrt(second / (1.0 - beta_2 ** (count + 1.0)))
        point = point - rate_at(count) * mean / (root + epsilon)
        return point, first, second, best, lowest

    still, endless = ops.zeros_like(start), ops.zeros_like(start[:, 0]) + float("inf")
    state = (start, still, still, start, endless)
    point, _, _, best, lowest = ops.fori_loop(0, steps, step_down, state)
    value = objective(point)
    return Descent(point, value, *_better(best, lowest, point, value))


def _better(best, lowest, point, value):
    improves = value < lowest
    return (
        ops.where(improves[:, None], point, best),
        ops.where(improves, value, lowest),
    )
