import itertools
import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.random import CounterStream
from keras_gans.losses import likelihood
from tests.contract import SystemContract, count, on_tensorflow

TINY = {"image_shape": (4, 4, 1), "latent_dim": 3, "hidden_units": 5}


class TestVAE(SystemContract):
    system = kg.VAE
    tiny = TINY
    struck = "model"


def test_parameter_counts():
    vae = kg.VAE()
    assert count(vae.encoder) + count(vae.decoder) == 815_824
    iwae = kg.VAE(latent_dim=50, hidden_units=200, hidden_layers=2, initial_stddev=None)
    assert count(iwae.encoder) + count(iwae.decoder) == 425_284


def test_initial_weights_are_those_of_the_paper():
    vae = kg.VAE()
    kernel = ops.convert_to_numpy(vae.encoder.get_layer("hidden1").kernel)
    assert kernel.std() == pytest.approx(0.01, rel=0.01)


@pytest.mark.every_backend
def test_divergence_matches_reference():
    """Section 9: the sum over latents, not their mean."""
    mean, log_variance = np.array([[0.5, -1, 2]]), np.array([[0, -1, 0.5]])
    found = likelihood.divergence_from_normal(mean, log_variance)
    assert float(found[0]) == pytest.approx(2.883300356, rel=1e-6)


@pytest.mark.every_backend
def test_divergence_has_its_closed_forms():
    zeros = np.zeros((1, 8), "float32")
    assert float(likelihood.divergence_from_normal(zeros, zeros)[0]) == 0.0
    found = likelihood.divergence_from_normal(zeros + 1, zeros)
    assert float(found[0]) == pytest.approx(4.0)


@pytest.mark.every_backend
def test_divergence_is_the_mean_of_log_ratios():
    """10^5 draws come within 1 % of the closed form."""
    mean = np.array([0.7, -0.4], "float32")
    log_variance = np.array([-0.5, 0.8], "float32")
    noise = np.random.default_rng(0).standard_normal((100_000, 2)).astype("float32")
    z = mean + np.exp(0.5 * log_variance) * noise
    ratio = likelihood.log_normal(z, mean, log_variance) - likelihood.log_normal(z)
    closed = likelihood.divergence_from_normal(mean[None], log_variance[None])
    assert float(ops.mean(ratio)) == pytest.approx(float(closed[0]), rel=0.01)


@pytest.mark.every_backend
def test_undecided_pixels_cost_a_bit_each():
    vae = kg.VAE()
    for weight in vae.decoder.get_layer("pixels").weights:
        weight.assign(np.zeros(weight.shape))
    vae.compile()
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), "uint8")
    found = vae.evaluate(images, verbose=0, return_dict=True)
    assert found["reconstruction_loss"] == pytest.approx(543.427390, rel=1e-5)
    nats = vae.negative_log_likelihood(images, draws=3)
    assert set(nats) == {"nats", "elbo"} and nats["nats"].shape == (4,)
    bits = vae.bits_per_dimension(543.427390)
    assert bits == pytest.approx(1.0, rel=1e-8)


@pytest.mark.every_backend
def test_gaussian_pixels_are_a_density():
    """Integrated over a pixel it is 1, whatever the variance."""
    x = np.linspace(-9, 9, 4001, dtype="float32").reshape(-1, 1, 1, 1)
    for log_variance in (-1.0, 0.0, 0.7):
        nats = likelihood.gaussian_nats(x, 0.3 * np.ones_like(x), log_variance)
        mass = np.exp(-ops.convert_to_numpy(nats)).sum() * (18 / 4000)
        assert mass == pytest.approx(1.0, abs=1e-5)


def images_of_a_trained(**changes):
    """A model that has learned a little, and images of two pixels by two."""
    vae = kg.VAE(**{**TINY, "image_shape": (2, 2, 1), "latent_dim": 1, **changes})
    vae.compile(model_optimizer=keras.optimizers.Adam(0.01))
    rows = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], "uint8") * 255
    vae.fit(
        np.tile(rows, (200, 1)).reshape(-1, 2, 2, 1),
        batch_size=50,
        epochs=60,
        verbose=0,
    )
    every = np.array(list(itertools.product((0, 255), repeat=4)), "uint8")
    return vae, every.reshape(-1, 2, 2, 1)


@pytest.fixture(scope="module")
def trained():
    return images_of_a_trained()


@pytest.mark.every_backend
def test_bounds_rise_with_the_draws(trained):
    vae, every = trained
    # Each image 100 times, with draws of its own.
    several = np.tile(every, (100, 1, 1, 1))
    means = [
        vae.negative_log_likelihood(several, 0, k, batch_size=1600)["nats"]
        .reshape(100, 16)
        .mean(axis=0)
        for k in (1, 4, 64)
    ]
    assert (means[0] >= means[1] - 0.02).all() and (means[1] >= means[2] - 0.02).all()
    assert means[0].sum() > means[2].sum() + 0.1
    one = vae.negative_log_likelihood(every, draws=1)
    np.testing.assert_allclose(one["nats"], one["elbo"], rtol=1e-6)


@pytest.mark.every_backend
def test_the_bound_is_tight_and_sums_to_one(trained):
    """log p(x) by the bound, by quadrature over z, and as the samples have it."""
    vae, every = trained
    # The mean weight is an unbiased estimate of p(x); 400 times 500 draws of it.
    several = np.tile(every, (400, 1, 1, 1))
    nats = vae.negative_log_likelihood(several, 0, 500, batch_size=3200)["nats"]
    found = np.exp(-nats).reshape(400, 16).mean(axis=0)
    assert found.sum() == pytest.approx(1.0, abs=0.01)
    z = np.linspace(-8, 8, 4001, dtype="float32")[:, None]
    white = (ops.convert_to_numpy(vae(z)).astype("float64") + 1) / 2
    pixels = every[:, None] / 255
    given = np.prod(pixels * white + (1 - pixels) * (1 - white), axis=(2, 3, 4))
    prior = np.exp(-0.5 * z[:, 0] ** 2) / math.sqrt(2 * math.pi)
    exact = (given * prior).sum(axis=1) * (16 / 4000)
    np.testing.assert_allclose(found, exact, atol=0.004)
    # And no bound lies above by more than what its draws scatter.
    bounds = nats.reshape(400, 16).mean(axis=0)
    assert (bounds > -np.log(exact) - 0.02).all()
    latents = CounterStream(0).normal((20_000, 1))
    shown = (ops.convert_to_numpy(vae(latents)).astype("float64") + 1) / 2
    drawn = kg.data.binarize((shown * 255).round().astype("uint8"))
    codes = (drawn.reshape(-1, 4) / 255) @ [8, 4, 2, 1]
    found = np.bincount(codes.astype(int), minlength=16) / len(codes)
    np.testing.assert_allclose(found, exact, atol=0.01)


def test_draws_do_not_depend_on_batches(trained):
    vae, every = trained
    many = vae.negative_log_likelihood(every, seed=3, draws=7)["nats"]
    few = vae.negative_log_likelihood(every, seed=3, draws=7, batch_size=5)["nats"]
    np.testing.assert_allclose(many, few, rtol=1e-5)
    other = vae.negative_log_likelihood(every, seed=4, draws=7)["nats"]
    assert np.abs(many - other).max() > 1e-4


def test_gradients_reach_the_encoder():
    vae = kg.VAE(**TINY, divergence_weight=0.0)
    vae.compile(model_optimizer=keras.optimizers.SGD(0.1))
    before = ops.convert_to_numpy(vae.encoder.get_layer("mean").kernel).copy()
    vae.fit(*TestVAE.batch(8), batch_size=4, verbose=0)
    after = ops.convert_to_numpy(vae.encoder.get_layer("mean").kernel)
    assert np.abs(after - before).max() > 0


def test_training_on_several_draws_lowers_the_bound():
    images = np.zeros((64, 4, 4, 1), "uint8")
    images[::2, :2] = 255
    vae = kg.VAE(**TINY, training_draws=5)
    vae.compile(model_optimizer=keras.optimizers.Adam(0.03))
    logs = vae.fit(images, batch_size=16, epochs=30, verbose=0).history
    assert set(logs) == {"bound_loss"}
    assert logs["bound_loss"][-1] < 0.5 * logs["bound_loss"][0]


def test_a_gaussian_vae_learns_its_variance():
    random = np.random.default_rng(0)
    images = np.clip(random.normal(0.2, 0.1, (256, 4, 4, 1)), -1, 1).astype("float32")
    vae = kg.VAE(**TINY, likelihood="gaussian", ema_decay=0.9)
    assert vae.binarization is None
    vae.compile(model_optimizer=keras.optimizers.Adam(0.03))
    vae.fit(images, batch_size=32, epochs=60, verbose=0)
    learned = float(
        np.exp(ops.convert_to_numpy(vae.decoder.get_layer("variance").log_variance))
    )
    assert learned == pytest.approx(0.01, rel=0.3)
    # The entropy of the data, which no density can beat.
    entropy = 16 * 0.5 * math.log(2 * math.pi * math.e * 0.01)
    nats = vae.negative_log_likelihood(images, draws=20)["nats"].mean()
    assert entropy - 1 < nats < entropy + 3
    assert np.abs(vae.sample(4, seed=0) - 0.2).max() < 0.1


def test_reconstructions_and_codes():
    vae, _ = images_of_a_trained(ema_decay=0.9)
    images = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], "uint8").reshape(2, 2, 2, 1) * 255
    means, log_variances = vae.encode(images)
    assert means.shape == log_variances.shape == (2, 1)
    again = vae.reconstruct(images, batch_size=1)
    assert ((again > 0) == (images > 0)).all()


@on_tensorflow
def test_exported_models_reconstruct(tmp_path):
    import tensorflow as tf

    vae = kg.VAE(**TINY, ema_decay=0.5)
    vae.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    images = kg.data.binarize(TestVAE.batch(3)[0])
    x = kg.data.to_unit(images)
    found = served["reconstruct"](images=tf.constant(x))["images"].numpy()
    np.testing.assert_allclose(found, vae.reconstruct(images), atol=1e-6)
    code = served["encode"](images=tf.constant(x))
    means, log_variances = vae.encode(images)
    np.testing.assert_allclose(code["mean"].numpy(), means, atol=1e-6)
    np.testing.assert_allclose(code["log_variance"].numpy(), log_variances, atol=1e-6)


def test_convolutions_make_squares():
    vae = kg.VAE((16, 16, 3), 4, architecture="convolutional", base_channels=4)
    assert [tuple(layer.kernel.shape) for layer in vae.encoder.layers[2:4]] == [
        (4, 4, 3, 4),
        (4, 4, 4, 8),
    ]
    assert vae.sample(2, seed=0).shape == (2, 16, 16, 3)
    with pytest.raises(ValueError, match=r"image_size=32"):
        kg.VAE((28, 28, 1), architecture="convolutional")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"likelihood": "laplace"}, "bernoulli, gaussian"),
        ({"architecture": "unet"}, "dense, convolutional"),
        ({"binarization": "fixed"}, "dynamic, static, threshold"),
        ({"variance": 0.0}, "positive"),
        ({"training_draws": 5, "divergence_weight": 2.0}, "no divergence"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        kg.VAE(**{**TINY, **arguments})


def test_an_encoder_of_one_output_is_refused():
    whole = kg.VAE(**TINY).encoder
    half = keras.Model(whole.inputs, whole.outputs[0])
    with pytest.raises(ValueError, match="mean, log_variance"):
        kg.VAE(**TINY, encoder=half)


def test_a_decoder_without_a_variance_needs_one():
    decoder = kg.VAE(**TINY).decoder
    with pytest.raises(ValueError, match="variance="):
        kg.VAE(**TINY, likelihood="gaussian", decoder=decoder)
    vae = kg.VAE(**TINY, likelihood="gaussian", decoder=decoder, variance=0.5)
    assert np.isfinite(vae.negative_log_likelihood(TestVAE.batch(2)[0])["nats"]).all()
