import numpy as np
import pytest
from keras import ops

from keras_gans.core import gradients
from keras_gans.core.descent import descend

pytestmark = pytest.mark.every_backend
START = np.array([[1.0, -2.0], [0.5, 3.0], [4.0, 0.0]], "float32")


def objective(at):
    """A bowl for each row, tilted so that its slope is never zero."""
    return ops.sum(ops.square(at) * ops.convert_to_tensor([1.0, 10.0]), axis=1)


def by_hand(start, steps, rate, beta_1, beta_2, epsilon=1e-8):
    """Adam as its paper has it, in float64."""
    point, first, second = start.astype("float64"), 0.0, 0.0
    for t in range(1, steps + 1):
        slope = 2 * point * [1.0, 10.0]
        first = beta_1 * first + (1 - beta_1) * slope
        second = beta_2 * second + (1 - beta_2) * slope**2
        root = np.sqrt(second / (1 - beta_2**t)) + epsilon
        point = point - rate(t - 1) * first / (1 - beta_1**t) / root
    return point


def run(start, steps, rate, **options):
    found = gradients.compiled(
        lambda at: descend(objective, at, steps, rate, **options)
    )
    return [ops.convert_to_numpy(part) for part in found(ops.convert_to_tensor(start))]


def test_steps_are_those_of_adam():
    point, value, _, _ = run(START, 7, 0.3, beta_1=0.5, beta_2=0.99)
    expected = by_hand(START, 7, lambda t: 0.3, 0.5, 0.99)
    np.testing.assert_allclose(point, expected, rtol=1e-5, atol=1e-5)
    values = (np.square(expected) * [1.0, 10.0]).sum(axis=1)
    np.testing.assert_allclose(value, values, rtol=1e-4)


def test_a_rate_may_fall():
    point, *_ = run(START, 5, lambda step: 0.2 / (1.0 + step))
    expected = by_hand(START, 5, lambda t: 0.2 / (1 + t), 0.9, 0.999)
    np.testing.assert_allclose(point, expected, rtol=1e-5, atol=1e-5)


def test_rows_do_not_touch_each_other():
    together = run(START, 9, 0.1)[0]
    for i, row in enumerate(START):
        np.testing.assert_allclose(run(row[None], 9, 0.1)[0][0], together[i], atol=1e-6)


def test_the_best_point_is_the_lowest_on_the_way():
    point, value, best, lowest = run(START, 30, 2.0)
    assert (lowest <= value).all() and (lowest < value).any()
    found = ops.convert_to_numpy(objective(ops.convert_to_tensor(best)))
    np.testing.assert_allclose(found, lowest, rtol=1e-6)


def test_no_steps_leave_the_start():
    point, value, best, lowest = run(START, 0, 0.1)
    np.testing.assert_array_equal(point, START)
    np.testing.assert_array_equal(best, START)
    np.testing.assert_array_equal(value, lowest)


def test_compiled_functions_see_new_values_of_the_variables_they_name():
    import keras

    weight = keras.Variable(2.0)
    double = gradients.compiled(lambda x: x * weight, [weight])
    three = ops.convert_to_tensor(3.0)
    assert float(double(three)) == 6.0
    weight.assign(5.0)
    assert float(double(three)) == 15.0
