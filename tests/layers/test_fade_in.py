import numpy as np
import pytest
from keras import ops

import keras_gans as kg

pytestmark = pytest.mark.every_backend


def faded(alpha, dtype="float32"):
    layer = kg.layers.FadeIn(alpha, dtype=dtype)
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, 2, 3, 3, 2)).astype(dtype)
    return old, new, ops.convert_to_numpy(layer([old, new])), layer


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_exact_at_both_ends(dtype):
    old, _, found, layer = faded(0.0, dtype)
    np.testing.assert_array_equal(found, old)
    assert layer.compute_output_shape([old.shape, old.shape]) == found.shape
    _, new, found, _ = faded(1.0, dtype)
    np.testing.assert_array_equal(found, new)


def test_alpha_is_the_weight_of_the_new():
    old, new, found, layer = faded(0.25)
    np.testing.assert_allclose(found, 0.75 * old + 0.25 * new, rtol=1e-6)
    layer.alpha.assign(0.5)
    found = ops.convert_to_numpy(layer([old, new]))
    np.testing.assert_allclose(found, 0.5 * old + 0.5 * new, rtol=1e-6)


def test_alpha_is_state_and_float32():
    *_, layer = faded(0.3, "float16")
    assert not layer.trainable_weights and layer.alpha.dtype == "float32"
    assert layer.from_config(layer.get_config()).first_alpha == 0.3
