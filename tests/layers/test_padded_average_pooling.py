import numpy as np
import pytest
from keras import ops

import keras_gans as kg


@pytest.mark.every_backend
@pytest.mark.parametrize("sides", [(4, 6), (5, 8)])
@pytest.mark.parametrize("window", [(3, 2, 1), (2, 2, 0), (5, 1, 2)])
def test_zeros_of_the_border_count(sides, window):
    size, stride, padding = window
    shape = (2, *sides, 3)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = kg.layers.PaddedAveragePooling2D(*window)
    found = ops.convert_to_numpy(layer(x))
    assert found.shape == layer.compute_output_shape(shape)
    wide = np.zeros((2, sides[0] + 2 * padding, sides[1] + 2 * padding, 3))
    wide[:, padding : padding + sides[0], padding : padding + sides[1]] = x
    for i, j in np.ndindex(found.shape[1:3]):
        part = wide[:, i * stride : i * stride + size, j * stride : j * stride + size]
        mean = part.sum(axis=(1, 2)) / size**2
        np.testing.assert_allclose(found[:, i, j], mean, atol=1e-6)


def test_corner_of_ones():
    ones = np.ones((1, 4, 4, 1), "float32")
    found = ops.convert_to_numpy(kg.layers.PaddedAveragePooling2D()(ones))[0, :, :, 0]
    # Four and six of nine values lie in the image.
    np.testing.assert_allclose(found, [[4 / 9, 6 / 9], [6 / 9, 1.0]], rtol=1e-6)


def test_config():
    layer = kg.layers.PaddedAveragePooling2D(5, 1, 2)
    config = layer.get_config()
    assert layer.from_config(config).get_config() == config
    assert (config["pool_size"], config["strides"], config["padding"]) == (5, 1, 2)
