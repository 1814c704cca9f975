import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg

RNG = np.random.default_rng(0)


def same_as(ours, keras_kind, shape):
    """Checks `ours` against Keras' layer of the same arguments and weights."""
    theirs = keras_kind(
        ours.filters, ours.kernel_size, padding="valid", use_bias=ours.use_bias
    )
    for layer in (ours, theirs):
        layer.build((None, *shape))
    assert ours.kernel.path.endswith("/kernel")
    if ours.use_bias:
        ours.bias.assign(RNG.normal(size=ours.bias.shape))
    theirs.set_weights([ops.convert_to_numpy(w) for w in ours.weights])
    x = RNG.normal(size=(3, *shape)).astype("float32")
    a, b = (ops.convert_to_numpy(layer(x)) for layer in (ours, theirs))
    assert a.shape == b.shape == (3, *ours.compute_output_shape((3, *shape))[1:])
    np.testing.assert_allclose(a, b, atol=1e-5)
    again = type(ours).from_config(ours.get_config())
    assert again.get_config() == ours.get_config()


@pytest.mark.parametrize("use_bias", [False, True])
def test_convolution_of_a_whole_map(use_bias):
    layer = kg.layers.WholeMapConv2D(3, (4, 5), use_bias)
    same_as(layer, keras.layers.Conv2D, (4, 5, 2))
    layer = kg.layers.WholeMapConv3D(3, (4, 5, 3), use_bias)
    same_as(layer, keras.layers.Conv3D, (4, 5, 3, 2))


@pytest.mark.parametrize("use_bias", [False, True])
def test_transposed_convolution_of_a_point(use_bias):
    layer = kg.layers.WholeMapConv2DTranspose(3, (4, 5), use_bias)
    same_as(layer, keras.layers.Conv2DTranspose, (1, 1, 7))
    layer = kg.layers.WholeMapConv3DTranspose(3, (4, 5, 3), use_bias)
    same_as(layer, keras.layers.Conv3DTranspose, (1, 1, 1, 7))


def test_computes_in_the_layers_precision():
    layer = kg.layers.WholeMapConv2D(1, 4, dtype="mixed_bfloat16")
    y = layer(np.ones((2, 4, 4, 3), "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
