import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.layers.modulated_convolution import modulated_convolution

pytestmark = pytest.mark.every_backend


def to_numpy(x):
    return ops.convert_to_numpy(x)


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_pointwise_matches_reference():
    # The fixture's rows are output channels.
    kernel = np.array([[1, 2], [3, 4]], "float32").T[None, None]
    x, s = np.ones((1, 1, 1, 2), "float32"), np.array([[1, 2]], "float32")
    plain = modulated_convolution(x, kernel, s, demodulate=False)
    np.testing.assert_allclose(to_numpy(plain).ravel(), [5, 11], rtol=1e-6)
    found = to_numpy(modulated_convolution(x, kernel, s)).ravel()
    np.testing.assert_allclose(found, [1.212678, 1.287453], rtol=1e-6)


def test_upsampling_matches_reference():
    kernel = np.arange(1, 10, dtype="float32").reshape(3, 3, 1, 1)
    x = np.array([[1, 2], [3, 4]], "float32")[None, :, :, None]
    s = np.ones((1, 1), "float32")
    found = modulated_convolution(x, kernel, s, upsample=True, demodulate=False)
    expected = [
        [17.0625, 29.6875, 37.25, 33.9375],
        [36, 60.625, 73.4375, 64.6875],
        [56.25, 90.625, 105.3125, 89.4375],
        [63.9375, 99.4375, 111.875, 92.0625],
    ]
    np.testing.assert_allclose(to_numpy(found)[0, :, :, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("upsample", [False, True])
def test_equals_a_kernel_for_each_sample(upsample):
    """Equations 1 and 3 of the paper, applied to the weights themselves."""
    x, kernel, styles = draws(3, 4, 4, 5), draws(3, 3, 5, 6, seed=1), draws(3, 5)
    found = to_numpy(modulated_convolution(x, kernel, styles, upsample))
    ones = np.ones((1, 5), "float32")
    for i in range(3):
        modulated = kernel * styles[i][None, None, :, None]
        norms = np.sqrt(np.sum(modulated**2, axis=(0, 1, 2)) + 1e-8)
        own = modulated_convolution(
            x[i : i + 1], modulated / norms, ones, upsample, demodulate=False
        )
        np.testing.assert_allclose(found[i], to_numpy(own)[0], atol=1e-5)


def test_scale_of_a_style_does_not_matter_when_demodulated():
    x, kernel, styles = draws(2, 4, 4, 5), draws(3, 3, 5, 6, seed=1), draws(2, 5)
    found = to_numpy(modulated_convolution(x, kernel, styles))
    scaled = modulated_convolution(x, kernel, styles * [[3.0], [0.2]])
    np.testing.assert_allclose(found, to_numpy(scaled), atol=1e-5)
    plain = to_numpy(modulated_convolution(x, kernel, styles, demodulate=False))
    scaled = modulated_convolution(x, kernel, styles * 3.0, demodulate=False)
    np.testing.assert_allclose(3.0 * plain, to_numpy(scaled), rtol=1e-4, atol=1e-4)


def test_unit_inputs_give_unit_outputs():
    found = modulated_convolution(draws(8, 8, 8, 64), draws(3, 3, 64, 64), draws(8, 64))
    inner = to_numpy(found)[:, 1:-1, 1:-1]
    assert inner.std() == pytest.approx(1.0, abs=0.02)


def test_layer_hides_the_scale_of_its_weights():
    """Demodulated, 1 / sqrt(fan-in) cancels to the last epsilon; else it stays."""
    x, styles = draws(2, 4, 4, 5), draws(2, 5, seed=1)
    for demodulate in (True, False):
        layer = kg.layers.ModulatedConv2D(6, 3, demodulate=demodulate)
        layer.build(x.shape, styles.shape)
        kernel = 1e-3 * draws(3, 3, 5, 6, seed=2)
        layer.kernel.assign(kernel)
        layer.bias.assign(np.arange(6))
        expected = modulated_convolution(x, kernel, styles, demodulate=demodulate)
        expected = to_numpy(expected) * (1.0 if demodulate else 45**-0.5)
        found = to_numpy(layer(x, styles)) - np.arange(6)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_activation_matches_reference():
    x = np.array([-1, 0, 2], "float32") + np.float32(0.5)
    found = to_numpy(kg.layers.ScaledLeakyReLU()(x))
    np.testing.assert_allclose(found, [-0.141421, 0.707107, 3.535534], rtol=1e-5)


def test_activation_is_limited_in_float16_alone():
    x = np.array([-9e3, 1e3], "float32")
    limited = kg.layers.ScaledLeakyReLU(dtype="mixed_float16")(x)
    np.testing.assert_allclose(to_numpy(limited), [-362, 362], rtol=1e-3)
    free = kg.layers.ScaledLeakyReLU(dtype="mixed_bfloat16")(x)
    np.testing.assert_allclose(
        to_numpy(ops.cast(free, "float32")), [-2546, 1414], rtol=1e-2
    )


def test_noise_is_fresh_in_training_and_fixed_otherwise():
    x = np.zeros((3, 4, 5, 2), "float32")
    layer = kg.layers.StyleNoise()
    assert not to_numpy(layer(x, training=True)).any(), "the strength starts at zero"
    layer.strength.assign(2.0)
    first, second = (to_numpy(layer(x, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0.1
    assert np.abs(first[0] - first[1]).max() > 0.1, "each sample has its own"
    np.testing.assert_array_equal(first[..., 0], first[..., 1])
    fixed = to_numpy(layer(x))
    expected = 2.0 * to_numpy(layer.noise)[None, :, :, None] + x
    np.testing.assert_allclose(fixed, expected)
    const = kg.layers.StyleNoise("const")
    const.build(x.shape)
    const.strength.assign(1.0)
    np.testing.assert_array_equal(
        to_numpy(const(x, training=True)), to_numpy(const(x, training=False))
    )
    with pytest.raises(ValueError, match="Found: none"):
        kg.layers.StyleNoise("none")


def test_configurations():
    for layer in (
        kg.layers.ModulatedConv2D(3, 1, upsample=True, demodulate=False, name="a"),
        kg.layers.StyleNoise("const", name="b"),
        kg.layers.ScaledLeakyReLU(name="c"),
    ):
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        assert again.get_config() == layer.get_config()
