import numpy as np
import pytest
from keras import ops
from scipy import optimize

from keras_gans.core.lbfgs import LBFGS

pytestmark = pytest.mark.every_backend


def rosenbrock(point):
    return ops.sum(
        100.0 * ops.square(point[1:] - ops.square(point[:-1]))
        + ops.square(1.0 - point[:-1])
    )


def test_it_goes_where_scipy_goes_in_float64():
    start = np.array([-1.2, 1.0, 0.5, -0.3], "float32")
    found = LBFGS(rosenbrock).minimize(start, steps=200)
    expected = optimize.minimize(
        optimize.rosen, start.astype("float64"), jac=optimize.rosen_der
    )
    np.testing.assert_allclose(found.point, expected.x, atol=2e-3)
    assert found.value < 1e-5


def test_no_step_goes_up():
    random = np.random.default_rng(0)
    slopes = np.logspace(0, 4, 12).astype("float32")

    def bowl(point, middle):
        return ops.sum(slopes * ops.square(point - middle)) + ops.sum(ops.cos(point))

    search = LBFGS(bowl)
    for middle in random.normal(size=(2, 12)).astype("float32"):
        found = search.minimize(np.zeros(12), middle, steps=60)
        values = np.array(found.values)
        assert len(values) > 3 and (np.diff(values) <= 0).all()
        assert found.value == values[-1] < values[0]
        here = float(bowl(ops.convert_to_tensor(found.point), middle))
        assert here == pytest.approx(found.value, rel=1e-5)


def test_few_steps_are_as_many():
    found = LBFGS(rosenbrock).minimize(np.array([-1.2, 1.0]), steps=3)
    assert len(found.values) == 4


def test_any_shape_and_bounds():
    def objective(point, parts):
        return ops.sum(ops.square(point - parts[0])) + ops.sum(parts[1])

    target = np.linspace(-3, 3, 12).reshape(3, 4).astype("float32")
    found = LBFGS(objective, bounds=(-1.0, 1.0)).minimize(
        np.zeros((3, 4)), [target, np.ones(2, "float32")]
    )
    np.testing.assert_allclose(found.point, np.clip(target, -1, 1), atol=1e-5)
    assert found.point.dtype == np.float32


def test_a_start_without_a_value_is_refused():
    with pytest.raises(ValueError, match="objective is nan at the start"):
        LBFGS(lambda x: ops.sum(ops.log(x))).minimize(np.array([-1.0]))
