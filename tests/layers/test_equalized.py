import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg

LAYERS = [
    (kg.layers.EqualizedDense, (5,), {"units": 7}),
    (kg.layers.EqualizedConv2D, (4, 4, 5), {"filters": 7, "kernel_size": 3}),
]
pytestmark = pytest.mark.every_backend


@pytest.mark.parametrize(("layer", "shape", "size"), LAYERS)
def test_plain_layer_with_scaled_weights(layer, shape, size):
    """Gain / sqrt(fan in) on the kernel; the bias is scaled by the multiplier alone."""
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")
    own = layer(**size, gain=1.5, lr_multiplier=0.1)
    own.build(x.shape)
    own.bias.assign(np.arange(7.0))
    dense = layer is kg.layers.EqualizedDense
    plain = (
        keras.layers.Dense(7) if dense else keras.layers.Conv2D(7, 3, padding="same")
    )
    plain.build(x.shape)
    kernel = ops.convert_to_numpy(own.kernel)
    scale = 1.5 * 0.1 / math.sqrt(5 if dense else 45)
    plain.set_weights([kernel * scale, 0.1 * np.arange(7.0)])
    np.testing.assert_allclose(
        ops.convert_to_numpy(own(x)), ops.convert_to_numpy(plain(x)), atol=1e-5
    )
    plain.set_weights([kernel * scale, scale * np.arange(7.0)])
    own.scale_bias = True
    np.testing.assert_allclose(
        ops.convert_to_numpy(own(x)), ops.convert_to_numpy(plain(x)), atol=1e-5
    )


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_stored_weights_are_standard_normal_over_the_multiplier(multiplier):
    layer = kg.layers.EqualizedDense(200, lr_multiplier=multiplier, bias_init=1.0)
    layer.build((None, 300))
    kernel = ops.convert_to_numpy(layer.kernel) * multiplier
    assert kernel.std() == pytest.approx(1.0, rel=0.01)
    assert abs(kernel.mean()) < 0.02
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.bias), 1.0)


def test_gain_keeps_the_variance():
    x = np.random.default_rng(0).normal(size=(500, 300)).astype("float32")
    for multiplier in (1.0, 0.01):
        layer = kg.layers.EqualizedDense(400, lr_multiplier=multiplier)
        assert ops.convert_to_numpy(layer(x)).std() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2])
def test_shapes_of_convolutions(padding, strides):
    layer = kg.layers.EqualizedConv2D(2, 3, padding=padding, strides=strides)
    for side in (7, 8):
        x = np.zeros((1, side, side, 3), "float32")
        assert layer.compute_output_shape(x.shape) == layer(x).shape
    assert layer.compute_output_shape((None, None, 8, 3))[:2] == (None, None)


@pytest.mark.parametrize(("layer", "shape", "size"), LAYERS)
def test_config(layer, shape, size):
    made = layer(**size, gain=2.0, lr_multiplier=0.5, use_bias=False, scale_bias=True)
    again = layer.from_config(made.get_config())
    assert again.get_config() == made.get_config()
    again.build((None, *shape))
    assert len(again.weights) == 1
