"""StackGAN-v2: counts, golden forward passes and losses, scales, colors."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import losses
from keras_gans.losses.likelihood import divergence_from_normal
from keras_gans.models import stackgan
from keras_gans.models.stackgan.tree import discriminator_loss, generator_loss
from tests import golden_stackgan
from tests import golden_translation as translation
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, slow_abroad
from tests.golden_stackgan import condition_noise, noise, text
from tests.models.test_stackgan import batch, numpy_of

SMALL = {
    "image_shape": (16, 16, 1),
    "scales": 2,
    "base_channels": 4,
    "discriminator_channels": 4,
    "residual_blocks": 1,
}
TINY = {**SMALL, "noise_dim": 2, "text_dim": 3, "condition_dim": 2}


class TestStackGANv2(SystemContract):
    system = kg.StackGANv2
    tiny = TINY

    @classmethod
    def batch(cls, count):
        return batch(count)


# Its train_step is its sibling's, which is seen on other backends too.
@slow_abroad
class TestStackGANv2Unconditional(SystemContract):
    system = kg.StackGANv2Unconditional
    # Colors of the smaller image are held.
    detached = ("generator",)
    tiny = {**SMALL, "latent_dim": 4}


def tiny(**changes):
    return kg.StackGANv2(**{**TINY, "seed": 3, **changes})


def branches_of(gan):
    names = [f"discriminator_{side}" for side in gan.sides]
    return [count(gan.discriminator.get_layer(name)) for name in names]


def test_parameter_counts():
    with cheap_weights():
        gan = kg.StackGANv2(ema_decay=None)
        assert gan.sides == (64, 128, 256) and gan.latent_dim == 228
        assert count(gan.generator) == 21_239_696
        assert branches_of(gan) == [5_723_906, 18_834_178, 71_269_122]


def test_parameter_counts_without_text():
    with cheap_weights():
        gan = kg.StackGANv2Unconditional(ema_decay=None)
        assert count(gan.generator) == 16_472_208
        assert branches_of(gan) == [2_765_569, 15_875_841, 68_310_785]


@pytest.fixture(scope="module")
def made():
    """Images of all scales, m and log s^2 of the fixtures' generator."""
    size = ((256, 256, 3), 3, 12, 32, 16, 8, 2)
    network = stackgan.build_tree_generator(*size)
    names = golden_stackgan.tree_names()

    def layout(network):
        return golden_stackgan.layout(network, names, gated=True)

    translation.fill(network, layout)
    assert count(network) == 331_842
    drawn = network.get_layer("sampled_condition").output[0]
    whole = keras.Model(network.inputs, [*network.outputs, drawn])
    inputs = [noise(12), condition_noise(16), text(32)]
    return numpy_of(whole(inputs, training=False))


@pytest.mark.every_backend
def test_condition_matches_reference(made):
    """K20."""
    expected = [
        [0.290365, 0.377397, 0.265246, -0.239003],
        [-0.506716, -0.541570, 0.599850, 0.658267],
        [0.510540, 1.084859, 1.438722, -0.025849],
    ]
    for found, values in zip(made[3:], expected, strict=True):
        np.testing.assert_allclose(found[1, :4], values, rtol=1e-4, atol=1e-5)
    divergence = divergence_from_normal(*made[3:5]) / 16
    assert float(ops.mean(divergence)) == pytest.approx(0.118517, rel=1e-4)


@pytest.mark.every_backend
def test_images_match_reference(made):
    """K21, K22, K23, and check 6."""
    expected = [
        (
            (0.063764, 0.354090),
            [0.476765, 0.747347, 0.624076],
            [0.048646, 0.005546, -0.023302],
        ),
        (
            (-0.170398, 0.686483),
            [0.696514, 0.977922, -0.802077],
            [0.200509, 0.452108, -0.453808],
        ),
        (
            (-0.739991, 0.375675),
            [-0.357834, 0.112382, 0.410218],
            [0.082532, -0.592573, 0.606648],
        ),
    ]
    for i, (images, values) in enumerate(zip(made, expected, strict=False)):
        assert images.shape == (2, 64 << i, 64 << i, 3)
        translation.check(images, *values, err=3.4e-5)


# Conditional logits of real images, of wrong ones and of fakes; then unconditional
# ones; the discriminator's loss and the generator's.
LOGITS = {
    64: (
        [[-0.824518, -2.675038], [-4.872041, -4.992709], [-1.263719, -1.698199]],
        [[-5.820447, -5.955834], [-4.140860, -5.249228], [-2.428378, -2.428994]],
        (12.861499, 4.202603),
    ),
    128: (
        [[-4.898842, -6.388196], [-2.861694, -4.208329], [-5.301739, -5.289151]],
        [[-3.587768, -5.300512], [-5.012813, -0.784957], [-0.663967, -2.254211]],
        (13.496164, 7.017084),
    ),
    256: (
        [[-7.245915, -7.231898], [-2.465488, -6.122774], [-3.831840, -3.445516]],
        [[-5.550783, -5.888841], [-9.411593, -10.680954], [-5.355848, -4.453784]],
        (23.085510, 8.578045),
    ),
}


def test_discriminators_match_reference(made):
    """K25 to K29."""
    network = stackgan.build_tree_discriminator((256, 256, 3), 3, 16, 4)
    counts, groups = [], [[], [], []]
    for side in LOGITS:
        inner = network.get_layer(f"discriminator_{side}")
        names = golden_stackgan.branch_names(side)
        translation.fill(inner, lambda n, names=names: golden_stackgan.layout(n, names))
        counts.append(count(inner))
        wrong = translation.source(4, side)[2:]  # that is x with k = 2
        shown = (translation.source(2, side), wrong, translation.target(2, side))
        for group, images in zip(groups, shown, strict=True):
            group.append(images)
    assert counts == [25_970, 77_362, 282_546]
    scores = [numpy_of(network([*group, made[3]], training=False)) for group in groups]
    total = 0.0
    for i, (conditional, unconditional, (loss, term)) in enumerate(LOGITS.values()):
        here = [group[2 * i : 2 * i + 2] for group in scores]
        for j, expected in enumerate((conditional, unconditional)):
            found = [pair[j][:, 0] for pair in here]
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)
        assert float(discriminator_loss(*here)) == pytest.approx(loss, rel=1e-4)
        assert float(generator_loss(here[2])) == pytest.approx(term, rel=1e-4)
        total += loss
    assert float(discriminator_loss(*scores)) == pytest.approx(total, rel=1e-4)
    divergence = ops.mean(divergence_from_normal(*made[3:5])) / 16
    whole = generator_loss(scores[2]) + 2 * divergence
    assert float(whole) == pytest.approx(20.034765, rel=1e-4)


@pytest.mark.every_backend
def test_color_consistency_matches_reference(made):
    """K30."""
    for i, expected in ((1, (0.369367, 0.031485)), (2, (0.726501, 0.054464))):
        pair = made[i], made[i - 1]
        means = float(losses.color_consistency(*pair, covariance_weight=0.0))
        both = float(losses.color_consistency(*pair))
        np.testing.assert_allclose([means, both - means], expected, rtol=1e-4)


def test_unconditional_head_takes_wrong_pairs_for_real():
    """Its weight is that of all three terms; a pair that is not wrong counts there."""
    same = [np.full((4, 1), 0.3, "float32")] * 2
    real, fake = np.log1p(np.exp(-0.3)), np.log1p(np.exp(0.3))
    found = discriminator_loss(same, same, same)
    assert float(found) == pytest.approx(real + 2 * fake + 2 * real + fake, rel=1e-6)
    weights = np.array([1, 0, 1, 0], "float32")
    found = discriminator_loss(same, same, same, 0.5, weights)
    expected = real + 1.5 * fake + 0.5 * (2 * real + fake)
    assert float(found) == pytest.approx(expected, rel=1e-6)
    assert float(generator_loss(same, 0.5)) == pytest.approx(1.5 * real, rel=1e-6)


def test_real_images_of_all_scales():
    gan = tiny(scales=2)
    images = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    small, large = numpy_of(gan.pyramid(ops.convert_to_tensor(images)))
    np.testing.assert_allclose(large, images)
    expected = images.reshape(2, 8, 2, 8, 2, 1).mean((2, 4))
    np.testing.assert_allclose(small, expected, atol=1e-6)


def test_all_scales_are_drawn():
    gan = tiny()
    latents, vectors = gan.draw_latents(2, gan.seeds), batch(2)[1]
    images = numpy_of(gan.images_at_all_scales((latents, vectors)))
    assert [x.shape for x in images] == [(2, 8, 8, 1), (2, 16, 16, 1)]
    np.testing.assert_array_equal(images[-1], numpy_of(gan((latents, vectors))))


def test_conditioning_by_the_mean():
    gan = tiny(conditioning="mean")
    vectors = batch(2)[1]
    latents = numpy_of(gan.draw_latents(2, gan.seeds)).copy()
    images = numpy_of(gan((latents, vectors)))
    latents[:, 2:] += 1.0
    np.testing.assert_array_equal(images, numpy_of(gan((latents, vectors))))
    gan = tiny()
    assert np.abs(images - numpy_of(gan((latents, vectors)))).max() > 0


@pytest.mark.parametrize("conditional", [True, False])
def test_every_scale_is_augmented(conditional):
    extra = {"augmentation": "color"}
    gan = tiny(**extra)
    if not conditional:
        gan = kg.StackGANv2Unconditional(**SMALL, latent_dim=3, **extra)
    given = [np.zeros((2, side, side, 1), "float32") + 0.5 for side in gan.sides]
    codes = [np.ones((2, 2), "float32")] if conditional else []
    *images, last = numpy_of(gan._augmented([*given, *codes]))
    if conditional:
        np.testing.assert_array_equal(last, codes[0])
    else:
        images.append(last)
    for one, other in zip(images, given, strict=True):
        assert one.shape == other.shape and np.abs(one - other).max() > 0


def test_gates_halve_channels():
    layer = kg.layers.GatedLinearUnit()
    x = np.array([[1.0, 2.0, 0.0, -1.0]], "float32")
    expected = [[0.5, 2.0 / (1.0 + np.e)]]
    np.testing.assert_allclose(numpy_of(layer(x)), expected, rtol=1e-6)
    assert layer.compute_output_shape((None, 8, 8, 6)) == (None, 8, 8, 3)
    with pytest.raises(ValueError, match="even number of channels"):
        kg.layers.GatedLinearUnit()(np.zeros((1, 3), "float32"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": 3}, r"scales lies in \[1, 2\]"),
        ({"image_shape": (24, 24, 1)}, "Found the side 24"),
        ({"image_shape": (16, 24, 1)}, "squares"),
        ({"conditioning": "none"}, "conditioning is"),
    ],
)
def test_what_cannot_be_built(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


def test_given_networks_are_checked():
    with pytest.raises(ValueError, match="The generator makes"):
        tiny(generator=tiny(scales=1).generator)
