import contextlib
import functools
from unittest import mock

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import losses
from keras_gans.core.moving_average import copy_weights
from keras_gans.layers import LearnedConstant, StyleNoise
from keras_gans.models import growing, stylegan
from tests import golden, written_out
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count
from tests.replica_groups import deviations_of_pairs

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 6,
    "style_dim": 5,
    "mapping_layers": 1,
    "channel_base": 32,
    "max_channels": 4,
    "start_resolution": 4,
    "stabilise_images": 8,
    "fade_images": 24,
}


class TestStyleGAN(SystemContract):
    system = kg.StyleGAN
    tiny = TINY

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def well_conditioned(cls):
        """Starts at a constant of some variance, and makes dim images.

        From the paper's ones, normalisation first divides zeros by 1e-4: what comes of
        rounding errors then depends on the machine. And images that are clipped nearly
        everywhere would hide differences inside, and magnify those at the edges.
        """
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=1)
        uneven = functools.partial(LearnedConstant, initializer=normal)
        with (
            mock.patch.object(stylegan, "LearnedConstant", uneven),
            mock.patch.object(stylegan, "to_images", dim_images),
        ):
            yield

    @classmethod
    def _one_step_on(cls, replicas, jit_compile="auto"):
        # Noise and the coin of mixing are drawn for each replica.
        with (
            deviations_of_pairs(),
            fixed_noise(),
            mock.patch.dict(cls.tiny, {"style_mixing": 0.0}),
        ):
            return super()._one_step_on(replicas, jit_compile)


def dim_images(x_at, to_rgb, start_resolution):
    def to_dim_rgb(name):
        layer = to_rgb(name)
        layer.gain = 0.1
        return layer

    return growing.to_images(x_at, to_dim_rgb, start_resolution)


@contextlib.contextmanager
def fixed_noise():
    """Inside, noise is not drawn in training either."""
    call = StyleNoise.call
    with mock.patch.object(
        StyleNoise, "call", lambda self, x, training=None: call(self, x)
    ):
        yield


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (64, (25_137_935, 22_498_049)),
        (128, (25_843_858, 22_941_313)),
        (256, (26_086_229, 23_052_353)),
        (512, (26_179_768, 23_080_225)),
        (1024, (26_219_627, 23_087_249)),
    ],
)
def test_parameter_counts(side, expected):
    with cheap_weights():
        gan = kg.StyleGAN((side, side, 3))
    assert (count(gan.generator), count(gan.discriminator)) == expected
    assert count(gan.generator.get_layer("mapping")) == 2_101_248
    noise = [w for w in gan.generator.weights if w.path.endswith("noise")]
    layers = 2 * (side.bit_length() - 2)
    assert len(noise) == gan.generator.get_layer("styles").count == layers
    if side == 1024:
        assert sum(np.prod(w.shape) for w in noise) == 2_796_192


def test_parameter_counts_of_networks_that_do_not_grow():
    with cheap_weights():
        gan = kg.StyleGAN((1024, 1024, 3), start_resolution=1024)
    assert count(gan.generator) == 26_212_019
    assert count(gan.discriminator) == 23_077_137


def tiny(**changes):
    return kg.StyleGAN(**{**TINY, "start_resolution": 8, "seed": 1, **changes})


def two_latents(gan):
    return [golden.latents(t, gan.latent_dim, batch=3) for t in (0, 1)]


def to_numpy(x):
    return ops.convert_to_numpy(x)


def make_uneven(gan):
    """Gives vectors and the constant values as training would."""
    for i, weight in enumerate(gan.generator.trainable_weights):
        if len(weight.shape) in (1, 3):
            values = np.cos(np.arange(np.prod(weight.shape)) + i)
            weight.assign(values.reshape(weight.shape))
    copy_weights(gan.generator, gan.sampler)


@pytest.mark.every_backend
def test_synthesis_is_the_table():
    network = stylegan.build_synthesis((8, 8, 2), 5, 32, 4, 8)
    styles = np.random.default_rng(0).normal(size=(3, 4, 5))
    expected = written_out.synthesis(network, styles)
    found = to_numpy(network(styles.astype("float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_discriminator_is_the_table():
    network = stylegan.build_discriminator((8, 8, 2), None, 32, 4, 8)
    images = golden.images(0, 8, 2)
    expected = written_out.scores(network, images, blur=True)
    np.testing.assert_allclose(to_numpy(network(images)), expected, atol=1e-5)


def test_mapping_is_eight_layers_at_a_hundredth_of_the_rate():
    mapping = stylegan.build_mapping(6, None, 5, 8)
    latents = golden.latents(0, 6, batch=3)
    x = latents / np.sqrt(np.square(latents).mean(axis=1, keepdims=True) + 1e-8)
    for i in range(8):
        layer = mapping.get_layer(f"dense_{i}")
        layer.bias.assign(np.cos(np.arange(5.0)))
        kernel = 0.01 * to_numpy(layer.kernel) * np.sqrt(2 / x.shape[1])
        x = written_out.activated(x @ kernel + 0.01 * np.cos(np.arange(5.0)))
    np.testing.assert_allclose(to_numpy(mapping(latents)), x, rtol=1e-4)


def test_maps_are_normalised_before_they_are_styled():
    layer = stylegan.AdaptiveInstanceNormalization()
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(3, 4, 4, 5)).astype("float32")
    found = to_numpy(layer.normalised(x))
    np.testing.assert_allclose(found.mean(axis=(1, 2)), 0.0, atol=1e-6)
    np.testing.assert_allclose(found.var(axis=(1, 2)), 1.0, rtol=1e-5)
    half = stylegan.AdaptiveInstanceNormalization(dtype="float16")
    w = np.zeros((3, 2), "float16")
    styled = half([(100 * x).astype("float16"), w])
    assert styled.dtype == "float16"
    np.testing.assert_allclose(to_numpy(styled), found, atol=1e-2)
    assert layer.from_config(layer.get_config()).epsilon == 1e-8


def test_new_styles_scale_by_one_and_shift_by_nothing():
    layer = stylegan.AdaptiveInstanceNormalization()
    w = np.random.default_rng(0).normal(size=(1000, 64)).astype("float32")
    layer.build([(None, 4, 4, 128), w.shape])
    scale, shift = np.split(
        to_numpy(layer.style(w)) + [[1.0] * 128 + [0.0] * 128], 2, 1
    )
    assert scale.mean() == pytest.approx(1.0, abs=0.02)
    assert shift.mean() == pytest.approx(0.0, abs=0.02)
    assert scale.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.every_backend
def test_noise_has_no_effect_at_first_and_is_fixed_outside_training():
    gan = tiny()
    synthesis = gan.generator.get_layer("synthesis")
    styles = gan.map(two_latents(gan)[0])

    def drawn(training):
        return [to_numpy(synthesis(styles, training=training)) for _ in range(2)]

    make_uneven(gan)
    for layer in synthesis.layers:
        if isinstance(layer, StyleNoise):
            layer.strength.assign(np.zeros(layer.strength.shape))
    np.testing.assert_array_equal(*drawn(True))
    for layer in synthesis.layers:
        if isinstance(layer, StyleNoise):
            layer.strength.assign(np.ones(layer.strength.shape))
    first, second = drawn(True)
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(*drawn(False))
    new = tiny().generator.get_layer("synthesis")
    strengths = [la.strength for la in new.layers if isinstance(la, StyleNoise)]
    assert len(strengths) == 4 and not any(to_numpy(s).any() for s in strengths)


@pytest.mark.every_backend
def test_truncation():
    gan = tiny(truncation_layers=2)
    make_uneven(gan)
    gan.sampler.get_layer("styles").average.assign(np.cos(np.arange(5.0)))
    samples = {psi: gan.sample(3, seed=1, truncation=psi) for psi in (None, 0, 0.5, 1)}
    np.testing.assert_allclose(samples[1], samples[None], atol=1e-5)
    styles = to_numpy(gan.map(two_latents(gan)[0]))
    moved = to_numpy(gan.map(two_latents(gan)[0], truncation=0.5))
    average = np.cos(np.arange(5.0))
    expected = average + 0.5 * (styles[:, :2] - average)
    np.testing.assert_allclose(moved[:, :2], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(moved[:, 2:], styles[:, 2:])
    # The later layers still follow z.
    assert np.abs(samples[0][0] - samples[0][1]).max() > 1e-3
    gan.truncation_layers = 8
    same = gan.sample(3, seed=1, truncation=0)
    np.testing.assert_allclose(same[1:], same[:1].repeat(2, axis=0), atol=1e-6)
    assert np.abs(gan.sample(3, seed=1, truncation=0.5) - same).max() > 1e-3


@pytest.mark.every_backend
def test_mixing_ends_at_the_parents():
    gan = tiny()
    make_uneven(gan)
    a, b = two_latents(gan)
    parents = [gan.predict(z, verbose=0) for z in (a, b)]
    np.testing.assert_allclose(to_numpy(gan.mix(a, b, 4)), parents[0], atol=1e-5)
    np.testing.assert_allclose(to_numpy(gan.mix(a, b, 0)), parents[1], atol=1e-5)
    child = to_numpy(gan.mix(a, b, 2))
    assert min(np.abs(child - parent).max() for parent in parents) > 1e-3
    images = to_numpy(gan.synthesize(gan.map(a)))
    np.testing.assert_allclose(images, parents[0], atol=1e-5)
    assert np.abs(to_numpy(gan.synthesize(100 * gan.map(a)))).max() == 1.0


@pytest.mark.every_backend
def test_styles_are_mixed_within_the_layers_of_the_stage():
    """Draws: z, other z, then the coin and the place of the change."""
    gan = tiny(start_resolution=4, style_mixing=0.9)
    ws = [to_numpy(gan.map(z)) for z in two_latents(gan)]
    for seen, coin, place, cutoff in (
        (0, 0.89, 0.0, 1),
        (0, 0.89, 0.999, 1),
        (0, 0.91, 0.0, 4),
        (10**6, 0.0, 0.0, 1),
        (10**6, 0.0, 0.5, 2),
        (10**6, 0.0, 0.999, 3),
    ):
        gan.images_seen.assign(seen)
        gan.training_seeds = golden.Scripted(
            normal=lambda t, shape: two_latents(gan)[1],
            uniform=lambda t, shape, row=(coin, place): np.array([row], "float32"),
        )
        layers = stylegan.layers_up_to(gan.stage.resolution)
        found = to_numpy(gan.styles_in_training(two_latents(gan)[0], layers))
        expected = np.concatenate([ws[0][:, :cutoff], ws[1][:, cutoff:]], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.every_backend
def test_the_mean_style_follows_both_passes_of_a_step():
    gan = tiny(style_mixing=0.0)
    still = {f"{player}_optimizer": keras.optimizers.SGD(0.0) for player in gan.players}
    gan.compile(**still)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: golden.latents(t, 6))
    means = [to_numpy(gan.map(golden.latents(t, 6)))[:, 0].mean(axis=0) for t in (0, 1)]
    gan.train_on_batch(golden.images(0, 8, 1))
    expected = 0.995 * (0.005 * means[0]) + 0.005 * means[1]
    for network in (gan.generator, gan.sampler):
        found = to_numpy(network.get_layer("styles").average)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("batch", "decay"), [(32, 0.9977844), (64, 0.9955737), (16, 0.9988916)]
)
def test_half_life(batch, decay):
    gan = tiny()
    object.__setattr__(gan, "_images_in_step", batch)
    assert float(gan.average_decay()) == pytest.approx(decay, abs=1e-7)
    assert tiny(ema_decay=0.5).average_decay() == 0.5


@pytest.mark.every_backend
def test_the_average_follows_the_half_life():
    gan = tiny(half_life=4)
    gan.compile()
    twin = gan.sampler.weights
    before = [to_numpy(w).copy() for w in twin]
    gan.train_on_batch(golden.images(0, 8, 1))
    for old, average, weight in zip(before, twin, gan.generator.weights, strict=True):
        if weight.trainable:
            expected = 0.5 * old + 0.5 * to_numpy(weight)
            found = to_numpy(average)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.every_backend
def test_losses_of_a_step():
    """The logistic game, and R1 at real images alone, of a growing network's stage."""
    gan = tiny(start_resolution=4, style_mixing=0.0, r1_weight=3.0)
    make_uneven(gan)
    gan.discriminator.get_layer("score").bias.assign([0.5])
    still = {f"{player}_optimizer": keras.optimizers.SGD(0.0) for player in gan.players}
    gan.compile(**still)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: golden.latents(t, 6))
    images = golden.images(0, 8, 1)
    real = images.reshape(4, 4, 2, 4, 2, 1).mean(axis=(2, 4))
    judge = gan.discriminator_4
    for weight in gan.generator.weights:
        if weight.path.endswith("strength"):  # fresh noise would not be known here
            weight.assign(np.zeros(weight.shape))
    fakes = [gan.generator_4(gan.map(golden.latents(t, 6))) for t in (0, 1)]
    signed = zip((-1, 1, -1), (real, *fakes), strict=True)
    game = [np.logaddexp(0, sign * to_numpy(judge(x))).mean() for sign, x in signed]
    penalty = float(losses.zero_centered_penalty(judge, real))
    logs = gan.train_on_batch(images, return_dict=True)
    found = [float(logs[name]) for name in gan.reports]
    expected = [game[0] + game[1], 1.5 * penalty, game[2]]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert gan.stage_at(0) == (4, 0, False) and penalty > 1e-4


@pytest.mark.every_backend
def test_classes():
    gan = tiny(start_resolution=4, num_classes=3)
    gan.compile()
    images, labels = golden.images(0, 8, 1, batch=8), np.arange(8) % 3
    logs = gan.fit(images, labels, batch_size=4, epochs=2, verbose=0).history
    assert gan.stage.fading and np.isfinite(list(logs.values())).all()
    first, second = (gan.sample(2, seed=0, labels=k, truncation=0.5) for k in (0, 1))
    assert np.abs(first - second).max() > 1e-6
    embed = gan.generator.get_layer("mapping").get_layer("embed")
    assert embed.kernel.shape == (3, 6) and not embed.use_bias
    # One score per class, of which the label picks its own.
    features = keras.Model(
        gan.discriminator.inputs[0],
        gan.discriminator.get_layer("class_scores").output,
    )(images)
    found = gan.discriminator((images, labels))
    expected = to_numpy(features)[np.arange(8), labels]
    np.testing.assert_allclose(to_numpy(found)[:, 0], expected, rtol=1e-5)


def test_given_networks_need_their_parts():
    gan = tiny()
    latents = keras.Input((6,))
    whole = keras.Model(latents, gan.generator(latents))
    with pytest.raises(ValueError, match="lacks mapping, styles, synthesis"):
        tiny(generator=whole)
