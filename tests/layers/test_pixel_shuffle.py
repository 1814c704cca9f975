import numpy as np
import pytest
from keras import ops

import keras_gans as kg


@pytest.mark.every_backend
def test_channels_of_a_point_become_a_block():
    x = np.array([1.0, 2.0, 3.0, 4.0], "float32").reshape(1, 1, 1, 4)
    found = ops.convert_to_numpy(kg.layers.PixelShuffle(2)(x))
    np.testing.assert_array_equal(found[0, :, :, 0], [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.every_backend
@pytest.mark.parametrize("factor", [2, 3])
def test_channel_order_is_the_references(factor):
    """out[y r + i, x r + j, c] = in[y, x, c r^2 + i r + j], place by place."""
    height, width, channels = 2, 5, 3
    shape = (2, height, width, channels * factor**2)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = kg.layers.PixelShuffle(factor)
    found = ops.convert_to_numpy(layer(x))
    assert found.shape == layer.compute_output_shape(shape)
    for y, i, column, j, c in np.ndindex(height, factor, width, factor, channels):
        np.testing.assert_array_equal(
            found[:, y * factor + i, column * factor + j, c],
            x[:, y, column, c * factor**2 + i * factor + j],
        )


def test_number_of_channels():
    layer = kg.layers.PixelShuffle(2)
    assert layer.compute_output_shape((None, 3, 4, 8)) == (None, 6, 8, 2)
    with pytest.raises(ValueError, match="divisible by 4"):
        layer.compute_output_shape((None, 3, 4, 6))
    again = kg.layers.PixelShuffle.from_config(kg.layers.PixelShuffle(3).get_config())
    assert again.factor == 3
