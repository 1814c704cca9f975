import numpy as np
import pytest
from keras import ops

import keras_gans as kg

pytestmark = pytest.mark.every_backend


def test_a_point_becomes_the_filter():
    x = np.zeros((1, 5, 7, 2), "float32")
    x[0, 2, 3, 1] = 1.0
    found = ops.convert_to_numpy(kg.layers.Blur()(x))
    expected = np.outer([1, 2, 1], [1, 2, 1]) / 16
    np.testing.assert_array_equal(found[0, 1:4, 2:5, 1], expected)
    assert found.sum() == 1.0


def test_constant_inside_and_smaller_at_the_border():
    found = ops.convert_to_numpy(kg.layers.Blur()(np.ones((1, 4, 4, 1), "float32")))
    found = found[0, ..., 0]
    np.testing.assert_array_equal(found[1:-1, 1:-1], 1.0)
    np.testing.assert_array_equal(found[0, 1:-1], 0.75)
    np.testing.assert_array_equal(found[[0, 0, -1, -1], [0, -1, 0, -1]], 0.5625)
