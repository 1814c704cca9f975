import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import junyanz
from tests import golden_translation as translation
from tests.contract import on_tensorflow
from tests.contract_translation import TranslatorContract


class TestPix2Pix(TranslatorContract):
    system = kg.Pix2Pix
    tiny = {
        "image_shape": (32, 32, 1),
        "base_channels": 2,
        "discriminator_channels": 2,
        "discriminator_halvings": 2,
    }


def reference(side, ndf_halvings, batch_game="non_saturating"):
    gan = kg.Pix2Pix(
        (side, side, 3),
        base_channels=8,
        discriminator_channels=8,
        discriminator_halvings=ndf_halvings,
        dropout_rate=0.0,
        game=batch_game,
    )
    translation.fill(gan.generator, junyanz.generator_layout, "G.")
    translation.fill(gan.discriminator, junyanz.discriminator_layout, "D.")
    return gan


# Section 12.1: D_fake, D_real, D, G_GAN, G_L1 of both steps; images; tensors.
STEPS = {
    "T1": (
        (32, 2, "non_saturating"),
        1,
        [(0.817704, 0.863308, 78.251251), (0.796835, 0.865751, 77.382812)],
        ((0.276980, 0.592897), [0.917087, 0.984903, 0.991175]),
        ((0.242818, 0.606702), [0.852617, 0.995520, 0.956113]),
    ),
    "T3": (
        (32, 2, "least_squares"),
        2,
        [(1.570361, 1.845246, 78.431099), (1.434443, 1.679841, 77.763336)],
        ((0.277320, 0.590372), [0.913858, 0.981177, 0.983879]),
        ((0.243376, 0.607908), [0.853901, 0.995247, 0.962856]),
    ),
    "T4": (
        (64, 3, "non_saturating"),
        2,
        [(0.820341, 0.476976, 79.030876), (0.793281, 0.502401, 78.471283)],
        ((0.281910, 0.595708), [0.885216, 0.965746, 0.982834]),
        ((0.236529, 0.634367), [0.796320, 0.996746, 0.956219]),
    ),
}
# Mean and deviation after two steps; mean, mean size, deviation and first of the move.
TENSORS = {
    ("T1", "G", "model.model.0.weight"): (
        (0.0023650, 0.2054832),
        (5.322, 362.446, 372.677, 387.430),
    ),
    ("T1", "G", "model.model.1.model.3.model.1.weight"): (
        (-0.0020284, 0.0884413),
        (-2.905, 296.069, 318.327, -273.719),
    ),
    ("T1", "G", "model.model.3.weight"): (
        (0.0133412, 0.1996031),
        (-152.647, 377.388, 352.842, -408.743),
    ),
    ("T1", "D", "model.0.weight"): (
        (0.0052064, 0.1460977),
        (-58.711, 377.136, 379.016, -157.304),
    ),
    ("T1", "D", "model.5.weight"): (
        (-0.0004489, 0.0883686),
        (-2.967, 377.700, 383.617, -399.821),
    ),
    ("T3", "G", "model.model.0.weight"): (
        (0.0023131, 0.2054867),
        (-46.504, 370.790, 376.776, 402.510),
    ),
    ("T3", "G", "model.model.3.weight"): (
        (0.0133483, 0.1995785),
        (-145.500, 385.062, 360.983, -408.348),
    ),
    ("T3", "D", "model.5.weight"): (
        (-0.0004533, 0.0883673),
        (-7.320, 384.182, 387.302, -393.327),
    ),
    ("T4", "G", "model.model.0.weight"): (
        (0.0023380, 0.2054753),
        (-21.653, 348.398, 362.816, 390.470),
    ),
    ("T4", "G", "model.model.3.weight"): (
        (0.0133361, 0.1995821),
        (-157.658, 392.064, 361.521, -403.404),
    ),
    ("T4", "D", "model.5.weight"): (
        (-0.0004556, 0.0883639),
        (-9.637, 365.422, 374.614, 397.522),
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_train_steps_match_reference(name):
    configuration, batch, steps, trained, evaluated = STEPS[name]
    gan = reference(*configuration)
    adam = {"beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-10}
    gan.compile(
        run_eagerly=True,
        discriminator_optimizer=keras.optimizers.Adam(2e-4, **adam),
        generator_optimizer=keras.optimizers.Adam(2e-4, **adam),
    )
    side = configuration[0]
    source, target = translation.source(batch, side), translation.target(batch, side)
    layouts = {
        "G": (gan.generator, junyanz.generator_layout),
        "D": (gan.discriminator, junyanz.discriminator_layout),
    }
    before = {n: translation.torch_values(*layouts[n]) for n in layouts}
    for step, expected in enumerate(steps):
        gan.reset_metrics()
        logs = gan.train_on_batch(source, target, return_dict=True)
        found = [float(logs[report]) for report in gan.reports]
        np.testing.assert_allclose(found, expected, rtol=1e-4 if step else 2e-5)
    after = {n: translation.torch_values(*layouts[n]) for n in layouts}
    for (fixture, network, key), (moments, moves) in TENSORS.items():
        if fixture == name:
            new, old = after[network][key], before[network][key]
            translation.check_tensor(new, old, moments, moves)
    for images, (moments, pixel) in (
        # Of the batch of the fixture, as in its training mode; only then evaluated.
        (gan.generator(source, training=False), evaluated),
        (gan.generator(source, training=True), trained),
    ):
        images = ops.convert_to_numpy(images)
        np.testing.assert_allclose([images.mean(), images.std()], moments, atol=5e-4)
        np.testing.assert_allclose(images[0, 3, 5], pixel, atol=3e-3)


def test_translating_as_in_training_equals_batches_of_one():
    gan = reference(32, 2)
    sources = translation.source(3, 32)
    before = [ops.convert_to_numpy(w).copy() for w in gan.generator.weights]
    found = gan.translate(sources)
    for old, weight in zip(before, gan.generator.weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(weight))
    for source, image in zip(sources, found, strict=True):
        alone = gan.generator(source[None], training=True)
        np.testing.assert_allclose(image, ops.convert_to_numpy(alone)[0], atol=2e-5)
    evaluated = gan.translate(sources, mode="eval")
    assert np.abs(evaluated - found).max() > 1e-3


def test_dropout_is_the_noise_of_a_translation():
    gan = kg.Pix2Pix((64, 64, 1), base_channels=2, discriminator_channels=2)
    source = translation.source(1, 64, 1)
    first, second = gan.translate(source, seed=1), gan.translate(source, seed=2)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(first, gan.translate(source, seed=1))
    both = [gan.translate(source, seed=seed, mode="eval") for seed in (1, 2)]
    np.testing.assert_array_equal(*both)


@on_tensorflow
def test_a_served_translation_has_the_noise_of_translate(tmp_path):
    import tensorflow as tf

    gan = kg.Pix2Pix((64, 64, 1), base_channels=2, discriminator_channels=2)
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["translate"]
    # Larger than in training, so that the noise's size is known to the server alone.
    source = translation.source(2, (64, 128), 1)
    found = served(images=tf.constant(source))["images"].numpy()
    np.testing.assert_allclose(found, gan.translate(source), atol=1e-5)
    assert np.abs(found - gan.translate(source, seed=1)).max() > 1e-3
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiples of 64"):
        served(images=tf.constant(source[:, :, :100]))


def test_outside_the_mask_a_composite_is_its_source():
    gan = kg.Pix2Pix((32, 32, 3), source_channels=4, base_channels=2, composite=True)
    clean = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")
    source = kg.data.degrade(clean, "hole", seed=1)
    made = kg.data.to_uint8(gan.translate(source))
    known = source[..., 3] == 0
    assert 0.1 < known.mean() < 0.95
    np.testing.assert_array_equal(made[known], clean[known])
    assert (made[~known] != source[~known][:, :3]).any()
    with pytest.raises(ValueError, match="a channel more"):
        kg.Pix2Pix((32, 32, 3), base_channels=1, composite=True)


def test_losses_at_the_known_point():
    """The identity on x = y, judged by a discriminator that is undecided."""
    source = keras.Input((None, None, 1))
    same = keras.Model(source, keras.layers.Conv2D(1, 1, use_bias=False)(source))
    same.layers[-1].kernel.assign(np.ones((1, 1, 1, 1)))
    pair = keras.Input((None, None, 2))
    zero = keras.Model(
        pair, keras.layers.Conv2D(1, 4, kernel_initializer="zeros")(pair)
    )
    gan = kg.Pix2Pix((32, 32, 1), halvings=5, generator=same, discriminator=zero)
    gan.compile(
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.SGD(0.0),
    )
    images = translation.source(2, 32, 1)
    found = gan.evaluate(images, images, batch_size=2, verbose=0, return_dict=True)
    assert found["reconstruction_loss"] == 0
    assert found["generator_loss"] == pytest.approx(np.log(2), rel=1e-6)
    assert found["discriminator_loss"] == pytest.approx(np.log(2), rel=1e-6)


@pytest.mark.parametrize("game", ["least_squares", "wasserstein"])
def test_other_games_train(game):
    gan = kg.Pix2Pix((32, 32, 1), base_channels=2, discriminator_channels=2, game=game)
    gan.compile()
    images = translation.source(2, 32, 1)
    logs = gan.fit(images, images, batch_size=2, verbose=0).history
    assert set(logs) == set(gan.reports)
    assert ("gradient_penalty" in logs) == (game == "wasserstein")
    assert np.isfinite(list(logs.values())).all()


def test_sizes_follow_the_image():
    assert kg.Pix2Pix((64, 96, 3), base_channels=1).size_multiple == 32
    gan = kg.Pix2Pix((20, 24, 3), architecture="resnet", base_channels=1)
    assert gan.size_multiple == 4
    with pytest.raises(ValueError, match="nearest size is 64x96"):
        kg.Pix2Pix((60, 90, 3), base_channels=1)


def test_other_arguments_are_refused():
    for name in ("architecture", "game", "test_mode"):
        with pytest.raises(ValueError, match=f"{name} is one of"):
            kg.Pix2Pix((32, 32, 3), base_channels=1, **{name: "none"})
