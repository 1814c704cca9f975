import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import losses
from keras_gans.core.precision import in_float32
from tests.systems import images, tiny_gan


@pytest.fixture
def half():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    yield
    keras.mixed_precision.set_dtype_policy("float32")


def critic():
    x = inputs = keras.Input((6,))
    for units in (8, 8):
        x = keras.layers.Dense(units, "tanh")(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def test_inside_the_network_is_that_of_float32(half):
    network = critic()
    x = ops.convert_to_tensor(np.linspace(-3, 3, 24, dtype="float32").reshape(4, 6))
    keras.mixed_precision.set_dtype_policy("float32")
    twin = critic()
    twin.set_weights(network.get_weights())
    expected = ops.convert_to_numpy(twin(x))
    with in_float32(network):
        precise = network(x)
        with in_float32(network):  # As another replica's thread does.
            pass
        again = network(x)
    assert keras.backend.standardize_dtype(precise.dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(precise), expected)
    np.testing.assert_array_equal(ops.convert_to_numpy(again), expected)
    half_again = network(x)
    assert keras.backend.standardize_dtype(half_again.dtype) == "float16"
    assert np.abs(ops.convert_to_numpy(half_again) - expected).max() > 0


def test_a_penalty_that_float16_cannot_hold(half):
    """Slopes beyond 65504, float16's largest number, still have a finite penalty."""
    network = critic()
    for kernel in network.trainable_weights:
        kernel.assign(ops.ones_like(kernel) * (300.0 if len(kernel.shape) > 1 else 0.0))
    x = ops.zeros((2, 6))
    in_half = losses.gradient_penalty(network, x)

    def precise(inputs):
        with in_float32(network):
            return network(inputs)

    found = float(ops.convert_to_numpy(losses.gradient_penalty(precise, x)))
    assert not np.isfinite(ops.convert_to_numpy(in_half))
    slope = 300.0**3 * 8 * 8 * 6**0.5
    assert found == pytest.approx((slope - 1) ** 2, rel=1e-5)


@pytest.mark.every_backend
def test_wgan_gp_takes_its_slopes_in_float32(half):
    seen = []

    class Watched(kg.WGANGP):
        def in_training(self, name, in_float32=False):
            seen.append((name, in_float32))
            return super().in_training(name, in_float32)

    gan = Watched((28, 28, 1), 3, base_channels=2, critic_steps=1)
    gan.compile()
    gan.fit(images(4, side=28), batch_size=2, verbose=0)
    assert ("critic", True) in seen
    assert gan.critic.layers[1].compute_dtype == "float16", (
        "the policy was not put back"
    )
    assert np.isfinite(gan.history.history["gradient_penalty"]).all()


@pytest.mark.every_backend
def test_networks_that_end_in_half_precision_are_met_in_float32(half):
    latents, pixels = keras.Input((3,)), keras.Input((4, 4, 1))
    images = keras.layers.Reshape((4, 4, 1))(keras.layers.Dense(16, "tanh")(latents))
    score = keras.layers.Dense(1)(keras.layers.Flatten()(pixels))
    gan = tiny_gan(
        generator=keras.Model(latents, images),
        discriminator=keras.Model(pixels, score),
        ema_decay=0.5,
    )
    gan.compile()
    real = np.zeros((2, 4, 4, 1), "float32")
    score = gan.in_training("discriminator")(real)
    seen = [score, gan.generate(ops.convert_to_tensor(real), training=True)]
    seen += [gan(np.zeros((2, 3), "float32")), gan.sample(2)]
    assert {keras.backend.standardize_dtype(x.dtype) for x in seen} == {"float32"}
