import numpy as np
import pytest
from keras import ops

import keras_gans as kg

pytestmark = pytest.mark.every_backend


def test_golden():
    found = kg.layers.PixelNormalization()(np.array([[3.0, 4.0]], "float32"))
    expected = [[0.848528, 1.131371]]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-6)


def test_each_pixel_by_itself_and_no_overflow_in_half_precision():
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 8)) * 1000
    layer = kg.layers.PixelNormalization(dtype="float16")
    found = ops.convert_to_numpy(layer(x.astype("float16"))).astype("float64")
    assert found.shape == x.shape
    np.testing.assert_allclose(np.mean(found**2, axis=-1), 1.0, atol=2e-3)
    assert layer.from_config(layer.get_config()).epsilon == 1e-8
