import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests import golden_translation as golden


@pytest.mark.every_backend
@pytest.mark.parametrize("sides", [(4, 6), (5, 8)])
@pytest.mark.parametrize("window", [(3, 2, 1), (2, 2, 0), (5, 1, 2)])
@pytest.mark.parametrize("counted", [True, False])
def test_zeros_of_the_border_count_or_not(sides, window, counted):
    size, stride, padding = window
    shape = (2, *sides, 3)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = kg.layers.PaddedAveragePooling2D(*window, count_padding=counted)
    found = ops.convert_to_numpy(layer(x))
    assert found.shape == layer.compute_output_shape(shape)
    outside = 0.0 if counted else np.nan
    wide = np.full((2, sides[0] + 2 * padding, sides[1] + 2 * padding, 3), outside)
    wide[:, padding : padding + sides[0], padding : padding + sides[1]] = x
    for i, j in np.ndindex(found.shape[1:3]):
        part = wide[:, i * stride : i * stride + size, j * stride : j * stride + size]
        mean = np.nanmean(part, axis=(1, 2))
        np.testing.assert_allclose(found[:, i, j], mean, atol=1e-6)


def test_corner_of_ones():
    ones = np.ones((1, 4, 4, 1), "float32")
    found = ops.convert_to_numpy(kg.layers.PaddedAveragePooling2D()(ones))[0, :, :, 0]
    # Four and six of nine values lie in the image.
    np.testing.assert_allclose(found, [[4 / 9, 6 / 9], [6 / 9, 1.0]], rtol=1e-6)


def test_pyramid_of_the_reference():
    """H5 of the translation fixtures: AvgPool2d(3, 2, 1), count_include_pad=False."""
    layer = kg.layers.PaddedAveragePooling2D(count_padding=False)
    found = layer(golden.source(2, (6, 10)))
    assert found.shape == (2, 3, 5, 3)
    found = ops.convert_to_numpy(found)
    moments = found.mean(dtype="float64"), found.std(dtype="float64")
    exact = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(moments, (-0.042949, 0.594682), **exact)
    first, last = found[1, 0, 0], found[1, -1, -1]
    np.testing.assert_allclose(first, [0.065702, -0.744122, -0.869804], **exact)
    np.testing.assert_allclose(last, [0.044142, -0.663572, -0.761201], **exact)


def test_config():
    layer = kg.layers.PaddedAveragePooling2D(5, 1, 2, count_padding=False)
    config = layer.get_config()
    assert layer.from_config(config).get_config() == config
    assert (config["pool_size"], config["strides"], config["padding"]) == (5, 1, 2)
    assert config["count_padding"] is False
