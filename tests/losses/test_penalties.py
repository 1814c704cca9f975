import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients
from keras_gans.core.random import SeedStream
from tests.contract import on_tensorflow, two_replicas


def test_gradient_penalty_of_a_linear_critic_is_closed_form():
    weight = np.array([[3.0], [4.0]], "float32")
    penalty = kg.losses.gradient_penalty(lambda x: x @ weight, ops.ones((5, 2)))
    assert float(penalty) == pytest.approx((5.0 - 1.0) ** 2)


def test_gradient_penalty_golden_value():
    x = ops.array([[1.0, 1.0], [2.0, 0.0]])
    penalty = kg.losses.gradient_penalty(lambda t: t[:, 0] ** 2 + 2 * t[:, 1] ** 2, x)
    assert float(penalty) == pytest.approx(10.527864, abs=1e-5)


def test_interpolation_has_one_coefficient_per_sample():
    real, fake = ops.zeros((4, 3, 3, 1)), ops.ones((4, 3, 3, 1))
    blend = kg.losses.interpolate(real, fake, seed=SeedStream(0))
    blend = ops.convert_to_numpy(blend)
    assert np.ptp(blend, axis=(1, 2, 3)).max() == 0
    assert np.ptp(blend) > 0.01


def test_slope_scale_changes_the_unit_of_the_data():
    """Pixels of [0, 1] held in [-1, 1]: slopes per pixel unit are twice as large."""
    x = np.random.default_rng(0).uniform(-1, 1, (4, 3)).astype("float32")
    in_unit_range = kg.losses.gradient_penalty(lambda t: ops.sum(t**2, 1), (x + 1) / 2)
    held = kg.losses.gradient_penalty(lambda t: ops.sum(((t + 1) / 2) ** 2, 1), x, 2.0)
    assert float(in_unit_range) == pytest.approx(float(held), rel=1e-5)


@pytest.mark.every_backend
def test_zero_centered_penalty_golden_value():
    x = ops.array([[1.0, 1.0], [2.0, 0.0]])
    penalty = kg.losses.zero_centered_penalty(
        lambda t: t[:, 0] ** 2 + 2 * t[:, 1] ** 2, x
    )
    # The squared slopes are 20 and 16; R1 with gamma = 10 is 5 times their mean, 90.
    assert float(penalty) == pytest.approx(18.0)


@pytest.mark.every_backend
def test_perturbed_points_lie_around_the_data():
    """alpha std(X) U / 2 above x: one alpha per sample, std(X) of N - 1."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3, 3, 1)).astype("float32")
    shift = ops.convert_to_numpy(kg.losses.perturb(x, SeedStream(0))) - x
    same = SeedStream(0)
    alpha = ops.convert_to_numpy(same.uniform((4, 1, 1, 1)))
    unit = ops.convert_to_numpy(same.uniform((4, 3, 3, 1)))
    expected = alpha * 0.5 * x.std(ddof=1) * unit
    np.testing.assert_allclose(shift, expected, atol=1e-6)


@on_tensorflow
def test_perturbation_knows_the_batch_of_all_replicas():
    """Replica 0 holds zeros: its own deviation would leave it where it is."""
    strategy = two_replicas()
    rows = np.array([[[0.0], [0.0]], [[1.0], [5.0]]], "float32")

    def shift():
        index = gradients.replica().index
        real = ops.take(ops.convert_to_tensor(rows), index, axis=0)
        return kg.losses.perturb(real, _Ones()) - real

    for found in strategy.experimental_local_results(strategy.run(shift)):
        expected = 0.5 * rows.std(ddof=1)
        np.testing.assert_allclose(found.numpy(), np.full((2, 1), expected), rtol=1e-5)


class _Ones:
    def uniform(self, shape):
        return ops.ones(shape)
