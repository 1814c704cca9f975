import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import losses
from keras_gans.core import gradients
from tests import golden, golden_anomalies
from tests import golden_translation as translation
from tests.contract import (
    SystemContract,
    assert_equal,
    count,
    on_tensorflow,
)
from tests.contract_anomalies import DetectorContract


class TestFAnoGAN(DetectorContract, SystemContract):
    system = kg.FAnoGAN
    # The third step is the GAN's last one.
    tiny = {
        "image_shape": (8, 8, 1),
        "latent_dim": 4,
        "base_channels": 4,
        "critic_steps": 1,
        "gan_steps": 3,
    }
    resting = ("encoder",)


def test_parameter_counts():
    gan = kg.FAnoGAN()
    assert count(gan.generator) == 8_539_329
    assert count(gan.critic) == 7_490_689
    assert count(gan.encoder) == 8_531_200


def test_parameters_of_the_public_implementation():
    gan = kg.FAnoGAN((64, 64, 3), 100, "mvtec")
    found = [count(getattr(gan, name)) for name in gan.networks]
    assert found == [99_937, 3_533_315, 302_788]
    gan = kg.FAnoGAN((28, 28, 1), 100, "mnist")
    found = [count(getattr(gan, name)) for name in gan.networks]
    assert found == [533_505, 1_510_032, 558_948]


@pytest.fixture(scope="module")
def reference():
    return golden_anomalies.reference()


@pytest.fixture(scope="module")
def query():
    return translation.source(2, 32, 1)


@pytest.mark.every_backend
def test_generator_matches_reference(reference):
    """N1, N7: by moving statistics, and by those of the batch."""
    assert count(reference.generator) == 361_857
    z = golden_anomalies.latents(16)
    made = reference.generator(z, training=False)
    translation.check(made, (0.504274, 0.488665), [0.943274], [-0.174019])
    before = [ops.convert_to_numpy(w).copy() for w in reference.generator.weights]
    made = reference.generator(z, training=True)
    translation.check(made, (0.277450, 0.451319), [0.796392], [0.406784])
    for weight, value in zip(reference.generator.weights, before, strict=True):
        weight.assign(value)  # the moving statistics have moved


@pytest.mark.every_backend
def test_critic_and_encoder_match_reference(reference, query):
    """N2, N3."""
    assert count(reference.critic) == 98_113
    assert count(reference.encoder) == 105_808
    scores = ops.convert_to_numpy(reference.critic(query, training=False))
    np.testing.assert_allclose(scores[:, 0], [0.695780, 0.259820], rtol=1e-4)
    features = ops.convert_to_numpy(reference.features(query, training=False))
    assert features.shape == (2, 512)
    assert features.mean() == pytest.approx(0.111849, rel=1e-4)
    assert features.std() == pytest.approx(0.277244, rel=1e-4)
    found = golden_anomalies.in_torch_order(features, 2)[1, :5]
    expected = [0.094161, 0.631814, 0.449275, 0.022189, -0.064095]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    encoded = ops.convert_to_numpy(reference.encoder(query, training=False))
    expected = [0.601682, 0.225227, 0.419796, -0.160145]
    np.testing.assert_allclose(encoded[0, :4], expected, rtol=1e-4, atol=1e-5)
    assert encoded.mean() == pytest.approx(-0.043709, rel=1e-4, abs=1e-5)
    assert encoded.std() == pytest.approx(0.380712, rel=1e-4)


@pytest.mark.every_backend
def test_scores_match_reference(reference, query):
    """N4."""
    found = reference.examine(query)
    expected = {
        "residual": [0.903738, 0.939920],
        "features": [0.056903, 0.054604],
        "score": [0.960642, 0.994524],
        "latent_distance": [0.088110, 0.093694],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)
    heat = found["heatmap"].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(heat, [0.770354, 0.792373], rtol=1e-4)


def test_encoder_losses_match_reference(reference, query):
    """N5, as `evaluate` computes them: all networks in inference mode."""
    reference.compile()
    found = reference.evaluate(query, batch_size=2, verbose=0, return_dict=True)
    total = found["image_loss"] + found["feature_loss"]
    assert total == pytest.approx(0.977583, rel=1e-4)
    gan = golden_anomalies.reference(encoder_loss="ziz")
    gan.evaluating = True
    z = golden_anomalies.latents(16)
    gan.evaluation_seeds = golden.Scripted(normal=lambda t, shape: z)
    loss = float(gan.encoder_losses(query)["latent_loss"])
    assert loss == pytest.approx(0.577920, rel=1e-4)


@pytest.mark.every_backend
def test_game_matches_reference(reference, query):
    """N6: with the critic in inference mode."""
    fake = ops.convert_to_numpy(reference.call(golden_anomalies.latents(16)))
    alpha = np.array([0.3, 0.7], "float32").reshape(2, 1, 1, 1)
    blend = alpha * query + (1 - alpha) * fake

    def score(images):
        return reference.critic(images, training=False)

    slope = gradients.input_gradient(score, ops.convert_to_tensor(blend))
    norms = np.sqrt(np.square(ops.convert_to_numpy(slope)).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(norms, [0.668598, 0.557540], rtol=1e-4)
    penalty = losses.gradient_penalty(score, blend)
    assert float(penalty) == pytest.approx(0.152799, rel=1e-4)
    game = losses.wasserstein.critic(score(query), score(fake))
    assert float(game + 10 * penalty) == pytest.approx(1.359399, rel=1e-4)
    loss = losses.wasserstein.generator(score(fake))
    assert float(loss) == pytest.approx(-0.309206, rel=1e-4)


@pytest.mark.every_backend
def test_perceptrons_match_reference():
    """N9, N10."""
    gan = golden_anomalies.reference("mnist", 28, 20)
    found = [count(getattr(gan, name)) for name in gan.networks]
    assert found == [533_505, 1_499_792, 538_388]
    made = ops.convert_to_numpy(gan.call(golden_anomalies.latents(20)))
    translation.check(made, (0.005531, 0.463236), [0.592631])
    query = translation.source(2, 28, 1)
    scores = ops.convert_to_numpy(gan.critic(query, training=False))[:, 0]
    np.testing.assert_allclose(scores, [-0.258327, -0.273110], rtol=1e-4, atol=1e-5)
    encoded = ops.convert_to_numpy(gan.encoder(query, training=False))[1, :4]
    expected = [0.029485, -0.888686, 0.584510, -0.291840]
    np.testing.assert_allclose(encoded, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["resnet", "conv", "mvtec", "mnist"])
def test_architectures_score(architecture):
    gan = kg.FAnoGAN((16, 16, 3), 4, architecture, 8, gan_steps=0)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), "uint8")
    assert gan.sample(2, seed=0).shape == images.shape
    assert np.isfinite(gan.score(images)).all()


def test_the_mnist_network_of_wgan_gp_is_penalised_per_unit_pixel():
    assert kg.FAnoGAN((28, 28, 1), 4, "conv", 2).slope_scale == 2.0
    assert kg.FAnoGAN((28, 28, 1), 4, "resnet", 2).slope_scale == 1.0


def test_stages():
    gan = TestFAnoGAN.make()
    gan.compile()
    images = TestFAnoGAN.batch(8)[0]
    assert gan.stage == "gan"
    with pytest.raises(ValueError, match="0 of 3 steps"):
        gan.score(images)
    logs = gan.fit(images, batch_size=4, epochs=4, verbose=0).history
    assert gan.stage == "encoder"
    # Two steps an epoch: the fourth step is the first of the encoder.
    played = [value > 0 for value in logs["image_loss"]]
    assert played == [False, True, True, True]
    assert [value != 0 for value in logs["generator_loss"]] == [
        True,
        True,
        False,
        False,
    ]


def test_the_encoders_stage_moves_no_other_network():
    """Nor their batch statistics."""
    gan = TestFAnoGAN.make()
    gan.compile()
    names = ("critic", "generator", "ema_generator")
    weights = [w for name in names for w in getattr(gan, name).weights]
    before = [ops.convert_to_numpy(w).copy() for w in weights]
    encoders = [*gan.encoder.weights, *gan.ema_encoder.weights]
    first = [ops.convert_to_numpy(w).copy() for w in encoders]
    logs = gan.fit_encoder(TestFAnoGAN.batch(8)[0], batch_size=4, epochs=2, verbose=0)
    assert np.isfinite(logs.history["image_loss"]).all()
    for old, weight in zip(before, weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(weight))
    moved = [
        np.abs(old - ops.convert_to_numpy(weight)).max() > 0
        for old, weight in zip(first, encoders, strict=True)
        if "seed" not in weight.path
    ]
    assert all(moved)


@on_tensorflow
def test_two_replicas_equal_one_in_the_encoders_stage(monkeypatch):
    monkeypatch.setattr(TestFAnoGAN, "tiny", {**TestFAnoGAN.tiny, "gan_steps": 0})
    contract = TestFAnoGAN()
    one, two = (contract._one_step_on(replicas) for replicas in (1, 2))
    assert_equal(one, two, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("loss", ["izi_f", "izi", "ziz"])
def test_an_encoder_learns(loss):
    gan = TestFAnoGAN.make(encoder_loss=loss, gan_steps=0, ema_decay=None)
    gan.compile(encoder_optimizer=keras.optimizers.Adam(3e-3))
    images = kg.data.to_uint8(gan.sample(64, seed=1))
    logs = gan.fit(images, batch_size=16, epochs=8, verbose=0).history
    assert set(logs) == set(gan.reports)
    name = "latent_loss" if loss == "ziz" else "image_loss"
    assert logs[name][-1] < 0.7 * logs[name][0]


def test_impossible_systems_are_refused():
    with pytest.raises(ValueError, match="'conv', 'resnet', 'mvtec', 'mnist'"):
        kg.FAnoGAN((32, 32, 1), architecture="unet")
    with pytest.raises(ValueError, match="'izi_f', 'izi' or 'ziz'"):
        kg.FAnoGAN((32, 32, 1), encoder_loss="zzz")
    with pytest.raises(ValueError, match="multiples of 16. Found: 28x28"):
        kg.FAnoGAN((28, 28, 1), architecture="mvtec")
    other = kg.FAnoGAN((16, 16, 1), 3, base_channels=2).encoder
    with pytest.raises(ValueError, match="latents \\(4,\\) of images"):
        kg.FAnoGAN((16, 16, 1), 4, base_channels=2, encoder=other)
