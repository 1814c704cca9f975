import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients
from keras_gans.core.descent import descend
from keras_gans.core.precision import under_policy
from tests import golden, golden_anomalies
from tests import golden_translation as translation
from tests.contract import SystemContract, count
from tests.contract_anomalies import DetectorContract


class TestAnoGAN(DetectorContract, SystemContract):
    system = kg.AnoGAN
    tiny = {
        "image_shape": (16, 16, 1),
        "latent_dim": 6,
        "base_channels": 4,
        "search_steps": 5,
    }

    def test_mixed_float16_skips_an_infinite_gradient_alone(self, monkeypatch):
        # One update of the generator, as the contract counts them.
        monkeypatch.setattr(type(self), "tiny", {**self.tiny, "generator_steps": 1})
        super().test_mixed_float16_skips_an_infinite_gradient_alone()


def test_parameter_counts():
    grey, colours = kg.AnoGAN(), kg.AnoGAN((64, 64, 3))
    assert count(grey.generator) == 5_132_161
    assert count(grey.discriminator) == 4_313_345
    assert count(colours.generator) == 5_135_363
    assert count(colours.discriminator) == 4_316_545


@pytest.fixture(scope="module")
def reference():
    """The fixtures' networks, which are those of the public f-AnoGAN."""
    other = golden_anomalies.reference()
    return kg.AnoGAN(
        (32, 32, 1), 16, generator=other.generator, discriminator=other.critic
    )


@pytest.fixture(scope="module")
def query():
    return translation.source(2, 32, 1)


def found_at(gan, images, steps, start, **options):
    """What is found of a search that starts at `start`."""
    stream = golden.Scripted(uniform=lambda t, shape: start)
    options = {**gan.scoring_options, "search_steps": steps, **options}
    found = gan.findings(ops.convert_to_tensor(images), stream, **options)
    return {name: ops.convert_to_numpy(value) for name, value in found.items()}


def test_objective_matches_reference(reference, query):
    """N12."""
    start = golden_anomalies.latents(16)
    found = found_at(reference, query, 0, start)
    expected = {
        "residual": [820.318176, 798.306641],
        "features": [91.874054, 81.977531],
        "score": [747.473694, 726.673706],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4)
    seen = reference.features(query, training=False)

    def objective(latents):
        made = reference.call(latents)
        residual, features = reference.distances(query, seen, made)
        return 0.9 * residual + 0.1 * features

    slope = gradients.input_gradient(objective, ops.convert_to_tensor(start))
    expected = [8.916394, 17.275887, 5.980351, -11.295675]
    np.testing.assert_allclose(ops.convert_to_numpy(slope)[0, :4], expected, rtol=1e-4)


def test_search_matches_reference(reference, query):
    """N13."""
    expected = {
        1: [737.677063, 720.630066],
        5: [704.222717, 699.139038],
        10: [677.122559, 683.126099],
    }
    start = golden_anomalies.latents(16)
    for steps, scores in expected.items():
        found = found_at(reference, query, steps, start)
        np.testing.assert_allclose(found["score"], scores, rtol=1e-4)


def test_searched_latents_match_reference(query):
    """N13, in float64: where a pixel is nearly met, rounding decides the slope's sign.

    In float32 ten steps end 4e-3 away.
    """
    with under_policy("float64"):
        other = golden_anomalies.reference()
    seen = other.features(query, training=False)

    def objective(latents):
        made = other.generator(latents, training=False)
        residual = ops.sum(ops.abs(made - query), axis=(1, 2, 3))
        distance = ops.abs(other.features(made, training=False) - seen)
        total = 0.9 * residual + 0.1 * ops.sum(distance, axis=1)
        return ops.cast(total, "float64")

    start = ops.convert_to_tensor(golden_anomalies.latents(16).astype("float64"))
    found = descend(objective, start, 10, 0.05, beta_1=0.5).point
    latents = [0.492600, 0.429045, 0.349084]
    np.testing.assert_allclose(ops.convert_to_numpy(found)[0, :3], latents, rtol=1e-3)


def test_a_generated_image_is_found_again():
    gan = TestAnoGAN.make(ema_decay=None, search_steps=1500, search_rate=0.1)
    # Untrained networks of this size make grey images: give them some contrast.
    kernel = gan.generator.get_layer("to_image").kernel
    kernel.assign(50.0 * kernel)
    images = gan.sample(4, seed=5)
    found = gan.examine(images, seed=1)
    start = gan.examine(images, seed=1, search_steps=0)
    assert (found["score"] < 0.15 * start["score"]).all()
    noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype("float32")
    assert found["score"].mean() < 0.5 * gan.score(noise, seed=1).mean()


def test_lambda_weighs_the_two_parts():
    gan = TestAnoGAN.make()
    images = TestAnoGAN.batch(3)[0]
    by_weight = {w: gan.examine(images, search_steps=0, feature_weight=w) for w in W}
    for weight, found in by_weight.items():
        expected = (1 - weight) * found["residual"] + weight * found["features"]
        np.testing.assert_allclose(found["score"], expected, rtol=1e-5)
    np.testing.assert_array_equal(by_weight[0.0]["score"], by_weight[0.0]["residual"])
    np.testing.assert_array_equal(by_weight[1.0]["score"], by_weight[1.0]["features"])
    # The latents are the same: A is linear in lambda.
    middle = (by_weight[0.0]["score"] + by_weight[1.0]["score"]) / 2
    np.testing.assert_allclose(by_weight[0.5]["score"], middle, rtol=1e-5)


W = (0.0, 0.5, 1.0)


def test_every_search_starts_elsewhere():
    gan = TestAnoGAN.make()
    images = np.repeat(TestAnoGAN.batch(1)[0], 3, axis=0)
    latents = gan.examine(images, seed=2, search_steps=0)["latents"]
    assert np.abs(latents[0] - latents[1]).max() > 0.1
    assert np.abs(latents).max() <= 1.0
    other = gan.examine(images, seed=3, search_steps=0)["latents"]
    assert np.abs(latents - other).max() > 0.1


def test_the_generator_moves_twice():
    gan = TestAnoGAN.make()
    sgd = keras.optimizers.SGD
    gan.compile(discriminator_optimizer=sgd(0.1), generator_optimizer=sgd(0.1))
    gan.fit(TestAnoGAN.batch(4)[0], batch_size=4, verbose=0)
    steps = (gan.discriminator_optimizer, gan.generator_optimizer)
    assert [int(ops.convert_to_numpy(one.iterations)) for one in steps] == [1, 2]


def test_features_of_a_network_without_layers_are_refused():
    class Scorer(keras.Model):
        def build(self, shape):
            self.dense = keras.layers.Dense(1)
            self.dense.build((None, 256))

        def call(self, images):
            return self.dense(ops.reshape(images, (-1, 256)))

    scorer = Scorer(name="scorer")
    scorer(np.zeros((1, 16, 16, 1), "float32"))
    with pytest.raises(ValueError, match="scorer are asked for"):
        kg.AnoGAN((16, 16, 1), 4, 2, discriminator=scorer)
