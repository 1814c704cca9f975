"""L-BFGS down a differentiable objective: scipy steps, the backend differentiates."""

from typing import NamedTuple

import numpy as np
from keras import ops

from keras_gans.core import gradients


class Minimum(NamedTuple):
    """Where a search ended: `point`, float32; its `value`, never above the start's.

    `values` holds the start's value and that after each step, from high to low.
    """

    point: np.ndarray
    value: float
    values: tuple


class LBFGS:
    """Limited-memory BFGS with a line search, of `scipy.optimize`.

    One object serves many searches: what it compiles for an objective it compiles once.

    Args:
        objective: Function from a float32 tensor, and whatever else `minimize` is
            given, to a differentiable float32 scalar. Of several rows, each with an
            objective of its own, one is searched at a time.
        memory: Steps from which the curvature is guessed; 10. (PyTorch's default: 100.)
        bounds: `(low, high)` of all numbers of a point; `None` for none.
        variables: `keras.Variable`s of the objective that may change between two
            searches; see `gradients.compiled`.

    Example:

    >>> bowl = LBFGS(lambda point, middle: ops.sum(ops.square(point - middle)))
    >>> found = bowl.minimize(np.zeros((2, 3)), np.ones((2, 3)))
    >>> round(found.value, 6), found.point.shape
    (0.0, (2, 3))

    Reference: Byrd, Lu, Nocedal and Zhu 1995, SIAM J. Sci. Comput. 16(5).
    """

    def __init__(self, objective, memory=10, bounds=None, variables=()):
        def slope(point, *given):
            return gradients.value_and_input_gradient(
                lambda at: objective(at, *given), point
            )

        self._slope = gradients.compiled(slope, variables)
        self._memory = memory
        self._bounds = bounds

    def minimize(self, start, *given, steps=100):
        """Searches from a point on.

        Args:
            start: Array of any shape.
            *given: Arrays, or lists of them, that the objective also takes.
            steps: Most steps; fewer if nothing lower is found.

        Returns:
            `Minimum`.

        Raises:
            ValueError: if the objective is not finite at the start.
        """
        from scipy import optimize

        start = np.asarray(start, "float32")
        given = [_tensors(part) for part in given]
        values = []

        def value_and_slope(flat):
            # The library counts in float64, the networks in float32.
            point = ops.convert_to_tensor(flat.reshape(start.shape).astype("float32"))
            value, slope = (
                ops.convert_to_numpy(part) for part in self._slope(point, *given)
            )
            if not values:
                values.append(float(value))
                if not np.isfinite(value):
                    raise ValueError(f"The objective is {value} at the start.")
            return float(value), slope.astype("float64").ravel()

        def record(intermediate_result):
            values.append(float(intermediate_result.fun))

        found = optimize.minimize(
            value_and_slope,
            start.astype("float64").ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=None if self._bounds is None else optimize.Bounds(*self._bounds),
            callback=record,
            options={
                "maxiter": steps,
                "maxfun": 20 * steps,
                "maxcor": self._memory,
                # Float32 ends it: no lower value is found any more.
                "ftol": 0.0,
                "gtol": 0.0,
            },
        )
        point = found.x.reshape(start.shape).astype("float32")
        return Minimum(point, float(found.fun), tuple(values))


def _tensors(part):
    if isinstance(part, (list, tuple)):
        return [_tensors(one) for one in part]
    return ops.convert_to_tensor(part)
