import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.layers import SelfAttention, SNConv2D

pytestmark = pytest.mark.every_backend
MAPS = np.random.default_rng(0).normal(size=(2, 4, 6, 16)).astype("float32")


def built(**arguments):
    layer = SelfAttention(**arguments)
    layer.build(MAPS.shape)
    return layer


def test_is_the_identity_at_first():
    np.testing.assert_array_equal(ops.convert_to_numpy(built()(MAPS)), MAPS)


def test_rows_of_the_attention_sum_to_one():
    attention = ops.convert_to_numpy(built().attention(MAPS))
    assert attention.shape == (2, 24, 6)
    np.testing.assert_allclose(attention.sum(axis=2), 1.0, atol=1e-6)
    assert (attention >= 0).all() and attention.std() > 1e-3


def test_parameters():
    """C^2 / 8 twice, C^2 / 2 twice, and gamma."""
    count = sum(np.prod(w.shape, dtype=int) for w in built().trainable_weights)
    assert count == 16**2 * (1 / 8 + 1 / 8 + 1 / 2 + 1 / 2) + 1


def test_equals_its_formula():
    layer = built()
    layer.gamma.assign(0.7)

    def normalised(conv):
        return conv.folded_weights()[0][0, 0].astype("float64")

    def pooled(x):
        return x.reshape(2, 2, 2, 3, 2, -1).max(axis=(2, 4)).reshape(2, 6, -1)

    queries = (MAPS @ normalised(layer.theta)).reshape(2, 24, 2)
    keys = pooled(MAPS @ normalised(layer.phi))
    values = pooled(MAPS @ normalised(layer.g))
    products = queries @ keys.transpose(0, 2, 1)
    weights = np.exp(products - products.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    read = (weights @ values).reshape(2, 4, 6, 8) @ normalised(layer.o)
    found = ops.convert_to_numpy(layer(MAPS, training=False))
    np.testing.assert_allclose(found, MAPS + 0.7 * read, atol=1e-5)


def test_kernels_start_different_and_normalised():
    layer = built(kernel_initializer="orthogonal")
    assert isinstance(layer.theta, SNConv2D)
    theta, phi = (ops.convert_to_numpy(c.kernel) for c in (layer.theta, layer.phi))
    assert np.abs(theta - phi).max() > 0.01
    assert type(built(spectral=False).theta) is keras.layers.Conv2D


def test_plain_layer_with_folded_weights_is_the_same():
    layer = built(stored=True)
    layer.gamma.assign(0.3)
    layer(MAPS, training=True)
    plain = layer.plain()
    plain.build(MAPS.shape)
    plain.set_weights(layer.folded_weights())
    first, second = layer(MAPS, training=False), plain(MAPS, training=False)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (first, second)), atol=1e-6)


def test_config_round_trip():
    layer = built(stored=True, epsilon=1e-4)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()
    assert again.theta.stored and again.theta.epsilon == 1e-4


@pytest.mark.parametrize("shape", [(4, 4, 4), (3, 4, 8), (4, 5, 8)])
def test_maps_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="even height and width with 8 channels"):
        SelfAttention().build((None, *shape))
