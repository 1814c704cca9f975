"""StackGAN: counts, golden forward passes and losses, two stages, conditions."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.losses.likelihood import divergence_from_normal
from keras_gans.models import stackgan
from keras_gans.models.stackgan.system import discriminator_loss, generator_loss
from tests import golden_stackgan
from tests import golden_translation as translation
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, trainable_of
from tests.golden_stackgan import condition_noise, noise, text

TINY = {
    "image_shape": (16, 16, 1),
    "sketch_side": 8,
    "noise_dim": 2,
    "text_dim": 3,
    "condition_dim": 2,
    # With 4 the last map has two channels, which may both be cut off by their ReLU.
    "base_channels": 8,
    "discriminator_channels": 4,
    "residual_blocks": 1,
    # The third step is the first stage's last one.
    "stage1_steps": 3,
}


class TestStackGAN(SystemContract):
    system = kg.StackGAN
    # No gradient of the discriminator's reaches the condition.
    detached = ("stage1_generator",)
    tiny = TINY
    struck = "stage1_generator"
    resting = ("stage2_discriminator", "stage2_generator")

    @classmethod
    def batch(cls, count):
        return batch(count)


def batch(count, captions=None, text_dim=3, side=16):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 1)).astype("uint8")
    shape = (count, text_dim) if captions is None else (count, captions, text_dim)
    return images, rng.normal(size=shape).astype("float32")


def tiny(**changes):
    return kg.StackGAN(**{**TINY, "seed": 3, **changes})


def test_parameter_counts():
    with cheap_weights():
        gan = kg.StackGAN()
        assert gan.latent_dim == 100 + 2 * 128
        found = {name: count(getattr(gan, name)) for name in gan.networks}
    assert found == {
        "stage1_generator": 10_301_248,
        "stage1_discriminator": 5_715_713,
        "stage2_generator": 26_290_080,
        "stage2_discriminator": 71_269_122,
    }


def test_parameter_counts_for_coco():
    with cheap_weights():
        gan = kg.StackGAN(
            base_channels=192, discriminator_channels=96, residual_blocks=2
        )
        found = [count(getattr(gan, name)) for name in sorted(gan.networks)]
    assert found == [12_407_425, 20_020_832, 159_889_538, 37_130_480]


def filled(network, names, prefix=""):
    def layout(network):
        return golden_stackgan.layout(network, names)

    return translation.fill(network, layout, prefix)


def numpy_of(outputs):
    return keras.tree.map_structure(ops.convert_to_numpy, outputs)


def stage1(prefix=""):
    network = stackgan.build_stage1_generator((64, 64, 3), 12, 32, 16, 16, "relu")
    return filled(network, golden_stackgan.stage1_names(), prefix)


def opened(network):
    """Also what the tanh at the end takes, and the drawn condition."""
    drawn = network.get_layer("sampled_condition").output[0]
    before = network.get_layer("to_images").output
    return keras.Model(network.inputs, [before, drawn, *network.outputs])


INPUTS = [noise(12), condition_noise(16), text(32)]


@pytest.fixture(scope="module")
def sketched():
    network = stage1()
    assert count(network) == 160_872
    return numpy_of(opened(network)(INPUTS, training=False))


@pytest.mark.every_backend
def test_condition_matches_reference(sketched):
    """K1."""
    _, drawn, _, mean, log_variance = sketched
    exact = {"rtol": 1e-4, "atol": 1e-5}
    expected = [0.485585, 0.422917, 0.984442, 0.0]
    np.testing.assert_allclose(mean[1, :4], expected, **exact)
    expected = [0.0, 0.0, 0.638157, 1.268061]
    np.testing.assert_allclose(log_variance[1, :4], expected, **exact)
    expected = [0.769247, 1.350395, 2.180611, 0.289139]
    np.testing.assert_allclose(drawn[1, :4], expected, **exact)
    moments = [mean.mean(), drawn.mean()]
    np.testing.assert_allclose(moments, [0.428226, 0.435141], **exact)
    divergence = divergence_from_normal(mean, log_variance) / 16
    assert float(ops.mean(divergence)) == pytest.approx(0.322907, rel=1e-4)


def test_divergence():
    """Section 9, and check 2: 1/2 of each mean of 1, whatever their number."""
    mean = np.array([[0.5, -1.0, 2.0]], "float32")
    log_variance = np.array([[0.0, -1.0, 0.5]], "float32")
    found = divergence_from_normal(mean, log_variance) / 3
    assert float(found[0]) == pytest.approx(0.961100119, rel=1e-6)
    for dim in (1, 7):
        ones, zeros = np.ones((1, dim), "float32"), np.zeros((1, dim), "float32")
        assert float(divergence_from_normal(ones, zeros)[0] / dim) == pytest.approx(0.5)
        assert divergence_from_normal(zeros, zeros)[0] == 0


@pytest.mark.every_backend
def test_stage1_matches_reference(sketched):
    """K2."""
    before, _, images, _, _ = sketched
    pixel, corner = [5.813319, -9.973533, -9.219620], [3.443355, -0.718706, -0.981098]
    translation.check(before, (-4.877897, 9.223757), pixel, corner, err=1e-5)
    np.testing.assert_allclose(images, np.tanh(before), atol=1e-6)
    moments = [images.mean(), images.std()]
    np.testing.assert_allclose(moments, [-0.328787, 0.922540], rtol=1e-4)


@pytest.mark.every_backend
def test_stage1_discriminator_matches_reference(sketched):
    """K4, K5, K6."""
    network = stackgan.build_discriminator((64, 64, 3), 16, 8)
    filled(network, golden_stackgan.discriminator_names(network))
    assert count(network) == 90_849
    real, fake = translation.source(2, 64), translation.target(2, 64)
    code = sketched[3]
    inner = keras.Model(network.inputs, network.get_layer("down_3_relu").output)
    found = numpy_of(inner([real, code], training=False))
    moments = [found.mean(), found.std()]
    np.testing.assert_allclose(moments, [0.376761, 0.898812], rtol=1e-4)
    expected = [0.053792, 2.275149, 0.096187]
    np.testing.assert_allclose(found[1, 1, 2, :3], expected, rtol=1e-4, atol=2e-5)

    pairs = (real, code), (real[:1], code[1:]), (fake, code)
    logits = [np.ravel(numpy_of(network(pair, training=False))) for pair in pairs]
    expected = [-3.372061, -3.704903], [-3.950039], [-2.566854, -3.132649]
    for one, other in zip(logits, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
    assert float(discriminator_loss(*logits)) == pytest.approx(3.606204, rel=1e-4)
    loss = generator_loss(logits[2])
    assert float(loss) == pytest.approx(2.908076, rel=1e-4)
    divergence = ops.mean(divergence_from_normal(code, sketched[4])) / 16
    assert float(loss + 2 * divergence) == pytest.approx(3.553891, rel=1e-4)


def test_stage2_matches_reference():
    """K7, K8."""
    inner = opened(stage1("STAGE1_G."))
    before, _, sketches, _, _ = numpy_of(inner(INPUTS, training=False))
    pixel = [0.713757, -0.600710, 1.371595]
    translation.check(before, (0.830416, 1.560225), pixel, err=1e-5)
    network = stackgan.build_stage2_generator((256, 256, 3), 64, 32, 16, 16, 2, "relu")
    filled(network, golden_stackgan.stage2_names())
    assert count(network) == 261_524
    given = [sketches, *INPUTS[1:]]
    before, _, images, _, _ = numpy_of(opened(network)(given, training=False))
    pixel, corner = [2.841052, -4.028322, -5.397231], [0.378436, 0.064665, 0.753712]
    translation.check(before, (-11.803986, 21.937566), pixel, corner, err=1.4e-4)
    expected = [16.748825, -13.916656, -38.181759]
    np.testing.assert_allclose(before[0, 100, 200], expected, rtol=1e-4, atol=3e-3)
    moments = [images.mean(), images.std()]
    np.testing.assert_allclose(moments, [-0.385115, 0.907162], rtol=1e-4)


def test_stage2_discriminator_matches_reference(sketched):
    """K9, K10."""
    network = stackgan.build_discriminator((256, 256, 3), 16, 8, unconditional=True)
    filled(network, golden_stackgan.discriminator_names(network))
    assert count(network) == 1_117_026
    real, fake = translation.source(2, 256), translation.target(2, 256)
    code = sketched[3]
    inner = network.get_layer("narrow_1_relu").output
    whole = keras.Model(network.inputs, [inner, *network.outputs])
    found, *right = numpy_of(whole([real, code], training=False))
    moments = [found.mean(), found.std()]
    np.testing.assert_allclose(moments, [0.877392, 1.843645], rtol=1e-4)
    pairs = (real[:1], code[1:]), (fake, code)
    wrong, fake = (numpy_of(network(pair, training=False)) for pair in pairs)
    expected = [1.668171, 2.650168], [-1.929964, -0.426382], [1.941971]
    expected += [2.737138, 4.484229], [-1.816858, -0.953684]
    for one, other in zip([*right, wrong[0], *fake], expected, strict=True):
        np.testing.assert_allclose(one[:, 0], other, rtol=1e-4, atol=1e-5)
    loss = discriminator_loss(right, wrong, fake)
    assert float(loss) == pytest.approx(2.796165, rel=1e-4)
    assert float(generator_loss(fake)) == pytest.approx(1.660522, rel=1e-4)
    divergence = ops.mean(divergence_from_normal(code, sketched[4])) / 16
    total = generator_loss(fake) + 2 * divergence
    assert float(total) == pytest.approx(2.306336, rel=1e-4)


def test_losses_of_equal_logits():
    """Section 9, and check 4: heads count equally."""
    same = np.full((4, 1), 0.3, "float32")
    both = [same, same]
    assert float(discriminator_loss(both, both, both)) == pytest.approx(
        1.408710489, rel=1e-6
    )
    assert float(discriminator_loss(same, same, same)) == pytest.approx(
        1.408710489, rel=1e-6
    )
    assert float(generator_loss(both)) == pytest.approx(
        2 * np.log1p(np.exp(-0.3)), rel=1e-6
    )
    # Pairs that are not wrong do not count.
    weights = np.array([1, 0, 1, 0], "float32")
    found = discriminator_loss(same, same, same, weights)
    lost = 0.25 * np.log1p(np.exp(0.3))
    assert float(found) == pytest.approx(1.408710489 - lost, rel=1e-6)


@pytest.mark.parametrize("stage", [1, 2])
def test_the_divergence_is_a_mean_over_the_condition(stage):
    """lambda / d times KL(N(m, s^2) || N(0, 1)), d the length of the condition."""
    gan = tiny(divergence_weight=3.0, stage1_steps=2 - stage)
    rest = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in gan.players}
    gan.compile(**rest, jit_compile=False)
    images, vectors = batch(4)
    generator = getattr(gan, f"stage{stage}_generator")
    _, mean, log_variance = map(
        numpy_of, generator(gan.given(ops.convert_to_tensor(vectors)))
    )
    terms = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)
    assert terms.mean() > 0
    gan.fit(images, vectors, batch_size=4, verbose=0)
    (found,) = gan.history.history["divergence_loss"]
    assert found == pytest.approx(3.0 * terms.mean(), rel=1e-3)


@pytest.mark.every_backend
@pytest.mark.parametrize("stage1_training", [False, True])
def test_the_second_stage_leaves_the_first_alone(stage1_training):
    """Check 3: weights bit for bit; statistics move if they are asked to."""
    gan = tiny(stage1_training=stage1_training)
    gan.compile()
    names = ("stage1_generator", "stage1_discriminator")
    before = [trainable_of(getattr(gan, name)) for name in names]
    weights = gan.stage1_generator.non_trainable_weights
    statistics = [numpy_of(w.value).copy() for w in weights]
    other = trainable_of(gan.stage2_generator)
    gan.fit_stage2(*batch(4), batch_size=4, verbose=0)
    assert gan.stage == 2
    for old, name in zip(before, names, strict=True):
        for one, two in zip(old, trainable_of(getattr(gan, name)), strict=True):
            np.testing.assert_array_equal(one, two)
    moved = [
        not np.array_equal(old, numpy_of(w.value))
        for old, w in zip(statistics, weights, strict=True)
    ]
    assert all(moved) if stage1_training else not any(moved)
    pairs = zip(other, trainable_of(gan.stage2_generator), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs)


def test_stages_follow_each_other():
    gan = tiny(stage1_steps=2)
    gan.compile()
    assert gan.stage == 1
    first, second = batch(4), tiny().draw_latents(2, gan.seeds)
    sketch = numpy_of(gan((second, first[1][:2])))
    # Enlarged: each pixel of the sketch is four of the image.
    np.testing.assert_array_equal(sketch[:, ::2, ::2], sketch[:, 1::2, 1::2])
    gan.fit(*first, batch_size=4, epochs=2, verbose=0)
    assert gan.stage == 2
    image = numpy_of(gan((second, first[1][:2])))
    assert np.abs(image[:, ::2, ::2] - image[:, 1::2, 1::2]).max() > 0


def test_the_second_condition_changes_the_image_alone():
    """Check 5: another e for Stage-II, the sketch as it was."""
    gan = tiny()
    gan.steps.assign(gan.stage1_steps)
    vectors = batch(2)[1]
    latents = numpy_of(tiny().draw_latents(2, gan.seeds)).copy()
    images = numpy_of(gan((latents, vectors)))
    latents[:, -2:] += 1.0
    assert np.abs(images - numpy_of(gan((latents, vectors)))).max() > 0
    gan.steps.assign(0)
    sketches = numpy_of(gan((latents, vectors)))
    latents[:, -2:] += 1.0
    np.testing.assert_array_equal(sketches, numpy_of(gan((latents, vectors))))


def test_conditioning_by_the_mean():
    """The noise of conditions plays no part then, and z does."""
    gan = tiny(conditioning="mean", stage1_steps=0)
    vectors = batch(2)[1]
    latents = numpy_of(gan.draw_latents(2, gan.seeds)).copy()
    images = numpy_of(gan((latents, vectors)))
    latents[:, 2:] += 1.0
    np.testing.assert_array_equal(images, numpy_of(gan((latents, vectors))))
    latents[:, :2] += 1.0
    assert np.abs(images - numpy_of(gan((latents, vectors)))).max() > 0


def test_sketches_of_the_second_stage_are_averages():
    """What Stage-II learns from is what `sample` draws from."""
    gan = tiny(ema_decay=0.9, stage1_steps=0)
    for weight in gan.averaged("stage1_generator").weights:
        weight.assign(np.zeros(weight.shape, "float32"))
    sketches, _, _ = gan.given(ops.convert_to_tensor(batch(2)[1]))
    assert not numpy_of(sketches).any()


def test_the_discriminator_never_moves_the_condition():
    """Only G's terms do: without a divergence and with z alone, m stays."""
    gan = tiny(divergence_weight=0.0)
    gan.compile(stage1_generator_optimizer=keras.optimizers.SGD(1.0))
    kernel = gan.stage1_generator.get_layer("project").kernel
    kernel.assign(np.zeros(kernel.shape, "float32"))
    dense = gan.stage1_generator.get_layer("condition")
    before = numpy_of(dense.kernel.value).copy()
    gan.fit(*batch(4), batch_size=4, verbose=0)
    np.testing.assert_allclose(numpy_of(dense.kernel.value), before, atol=1e-7)


@pytest.mark.every_backend
def test_captions_and_classes():
    gan = tiny(captions_per_image=2)
    gan.compile()
    images, texts = batch(8, captions=3)
    labels = np.arange(8) % 2
    y = {"texts": texts, "labels": labels}
    logs = gan.fit(images, y, batch_size=4, epochs=2, verbose=0).history
    assert set(logs) == set(gan.reports)
    assert np.isfinite(list(logs.values())).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sketch_side": 16}, "Sketches are smaller"),
        ({"sketch_side": 12}, "Found the side 12"),
        ({"image_shape": (16, 24, 1)}, "squares"),
        ({"condition_activation": "tanh"}, "condition_activation is"),
        ({"conditioning": "none"}, "conditioning is"),
    ],
)
def test_what_cannot_be_built(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


def test_given_networks_are_checked():
    other = tiny(condition_dim=3)
    with pytest.raises(ValueError, match="The stage2_generator makes"):
        tiny(stage2_generator=other.stage2_generator)
