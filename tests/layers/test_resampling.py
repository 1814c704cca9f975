import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.layers.resampling import TAPS, upfirdn

pytestmark = pytest.mark.every_backend


def maps(rows):
    return np.array(rows, "float32")[None, :, :, None]


def square(x):
    return ops.convert_to_numpy(x)[0, :, :, 0]


TWO_BY_TWO = maps([[1, 2], [3, 4]])
RAMP = maps(np.arange(16).reshape(4, 4))


def test_upsampling_matches_reference():
    expected = [
        [0.5625, 0.9375, 1.3125, 1.125],
        [1.125, 1.75, 2.25, 1.875],
        [1.875, 2.75, 3.25, 2.625],
        [1.6875, 2.4375, 2.8125, 2.25],
    ]
    found = square(kg.layers.FilteredUpsampling2D()(TWO_BY_TWO))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_downsampling_matches_reference():
    expected = [[2.734375, 3.9375], [7.546875, 8.75]]
    found = square(kg.layers.FilteredDownsampling2D()(RAMP))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    pointwise = kg.layers.FilteredConv2DDown(1, 1, use_bias=False)
    pointwise.build(RAMP.shape)
    pointwise.kernel.assign(np.ones((1, 1, 1, 1)))
    np.testing.assert_allclose(square(pointwise(RAMP)), expected, atol=1e-6)


def test_convolution_down_matches_reference():
    layer = kg.layers.FilteredConv2DDown(1, 3)
    layer.build(RAMP.shape)
    # The layer divides by sqrt(fan-in), which is 3.
    layer.kernel.assign(3.0 * np.arange(1, 10).reshape(3, 3, 1, 1))
    expected = [[183.921875, 206.46875], [264.359375, 268.53125]]
    np.testing.assert_allclose(square(layer(RAMP)), expected, rtol=1e-6)
    assert layer.compute_output_shape((None, 4, 4, 1)) == (None, 2, 2, 1)


@pytest.mark.parametrize(
    ("up", "down", "pad", "gain"),
    [(1, 1, (2, 1), 1.0), (2, 1, (2, 1), 4.0), (1, 2, (1, 1), 1.0), (3, 2, (0, 4), 9)],
)
def test_is_zeros_padding_filter_and_dropping(up, down, pad, gain):
    """Against the definition, written out with loops, on maps that are not square."""
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype("float32")
    wide = np.zeros((2, 5 * up, 7 * up, 3))
    wide[:, ::up, ::up] = x
    wide = np.pad(wide, ((0, 0), pad, pad, (0, 0)))
    rows, columns = (range(0, side - 3, down) for side in wide.shape[1:3])
    taps = np.outer(TAPS, TAPS)[None, :, :, None] * gain
    expected = [
        [(wide[:, i : i + 4, j : j + 4] * taps).sum((1, 2)) for j in columns]
        for i in rows
    ]
    found = ops.convert_to_numpy(upfirdn(x, up, down, pad, gain))
    np.testing.assert_allclose(
        found, np.array(expected).transpose(2, 0, 1, 3), atol=1e-5
    )


def test_interior_of_a_constant_stays_constant():
    ones = np.ones((1, 8, 8, 1), "float32")
    for layer in (kg.layers.FilteredUpsampling2D(), kg.layers.FilteredDownsampling2D()):
        found = square(layer(ones))
        np.testing.assert_allclose(found[2:-2, 2:-2], 1.0, atol=1e-6)
        assert found[0, 0] < 0.8


def test_configurations():
    layer = kg.layers.FilteredConv2DDown(5, 3, gain=2.0, use_bias=False, name="down")
    again = kg.layers.FilteredConv2DDown.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.filters, again.kernel_size, again.gain) == (5, 3, 2.0)
    assert not again.use_bias
