import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.random import SeedStream


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
