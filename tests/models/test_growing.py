"""What ProGAN and StyleGAN share, shown on small ProGANs."""

from unittest import mock

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models import growing
from tests import golden
from tests.cheap_weights import cheap_weights
from tests.contract import assert_equal, on_tensorflow, state_of
from tests.models.test_progan import TestProGAN as Contract
from tests.models.test_progan import faded_to

PHASE = 8 + 24  # of the models below, as in the contract's
to_numpy = ops.convert_to_numpy


def small(side=16, **changes):
    sizes = {"image_shape": (side, side, 1), "channel_base": 32, "max_channels": 4}
    return kg.ProGAN(
        **{**Contract.tiny, **sizes, "ema_decay": 0.5, "seed": 1, **changes}
    )


def unit_images(side, count=4):
    return golden.images(0, side, 1, batch=count)


@pytest.mark.parametrize(
    ("kimg", "side", "fading", "lod"),
    [
        (0, 8, False, 7),
        (600, 8, False, 7),
        (900, 16, True, 6.5),
        (1200, 16, False, 6),
        (8000, 1024, True, 2 / 3),
        (8400, 1024, False, 0),
        (25_000, 1024, False, 0),
    ],
)
def test_schedule_is_that_of_the_reference(kimg, side, fading, lod):
    """StyleGAN's examples; alpha is 1 - (lod - floor(lod))."""
    with cheap_weights():
        gan = kg.StyleGAN((1024, 1024, 3), channel_base=1024, max_channels=1)
    faded_to(gan, kimg * 1000)
    stage = gan.stage_at(kimg * 1000)
    assert (stage.resolution, stage.fading) == (side, fading)
    alphas = [float(gan.alpha_of(2**k)) for k in range(4, 11)]
    assert 7 - sum(alphas) == pytest.approx(lod, abs=1e-5)
    for network in (gan.generator, gan.sampler):
        network = network.get_layer("synthesis")
        found = [float(network.get_layer(f"fade_{2**k}").alpha) for k in range(4, 11)]
        assert found == alphas
    found = [gan.discriminator.get_layer(f"fade_{2**k}").alpha for k in range(4, 11)]
    assert [float(alpha) for alpha in found] == alphas


def test_progan_is_full_size_after_9600_kimg():
    with cheap_weights():
        gan = kg.ProGAN((1024, 1024, 3), channel_base=1024, max_channels=1)
    assert gan.stage_at(9_599_999).fading
    assert gan.stage_at(9_600_000) == (1024, 8, False)


@pytest.mark.parametrize(("stabilise", "fade"), [(0, 0), (0, 5), (5, 0)])
def test_schedules_without_a_part(stabilise, fade):
    gan = small(stabilise_images=stabilise, fade_images=fade)
    last = 2 * (stabilise + fade)
    assert gan.stage_at(last) == gan.stage_at(10**6) == (16, 2, False)
    assert gan.stage_at(0).resolution == (16 if last == 0 else 4)
    for seen in range(last + 1):
        faded_to(gan, seen)
        side, _, fading = gan.stage
        for resolution in (8, 16):
            alpha = float(gan.alpha_of(resolution))
            partly = 0 < alpha < 1
            assert partly == (fading and resolution == side and alpha != 1)
            if not partly:
                assert alpha == (resolution <= side)


@pytest.mark.parametrize("boundary", [8, PHASE, PHASE + 8, 2 * PHASE])
def test_growing_never_changes_a_sample(boundary):
    """One image before a stage ends, at its end, and one image after it."""
    gan = small()
    latents = golden.latents(0, 6)

    def sampled(seen):
        faded_to(gan, seen)
        network = gan.generator_of_stage
        images = to_numpy(network(latents))
        for _ in range(int(np.log2(16 // images.shape[1]))):
            images = to_numpy(growing.enlarged(images))
        # What is enlarged is what the whole network makes.
        np.testing.assert_array_equal(images, to_numpy(gan.generator(latents)))
        return images

    before, at, after = (sampled(boundary + step) for step in (-1, 0, 1))
    change = np.abs(at - before).max(), np.abs(after - at).max()
    # Where nothing fades, nothing moves; else by a 24th of the difference.
    assert sum(c == 0 for c in change) == 1
    assert max(change) < np.abs(before).max() / 5


@pytest.mark.parametrize("seen", [4, 20, PHASE + 4, PHASE + 20, 2 * PHASE])
def test_discriminator_of_a_stage_is_the_whole_one(seen):
    """On images without details of more than its resolution."""
    gan = small()
    faded_to(gan, seen)
    side = gan.stage.resolution
    images = ops.convert_to_tensor(unit_images(side))
    own = gan.in_training("discriminator")(images)
    while images.shape[1] < 16:
        images = growing.enlarged(images)
    whole = gan.discriminator(images)
    np.testing.assert_allclose(to_numpy(own), to_numpy(whole), rtol=1e-5)


def test_a_full_grown_network_is_one_that_never_grew():
    gan, plain = small(), small(start_resolution=16)
    faded_to(gan, 2 * PHASE)
    for name in ("generator", "discriminator"):
        network = getattr(plain, name)
        for layer in network.layers:
            grown = getattr(gan, name).get_layer(layer.name)
            layer.set_weights([to_numpy(w) for w in grown.weights])
    latents, images = golden.latents(0, 6), unit_images(16)
    for name, inputs in (("generator", latents), ("discriminator", images)):
        first, second = (getattr(g, name)(inputs) for g in (gan, plain))
        np.testing.assert_array_equal(to_numpy(first), to_numpy(second))
    assert not [layer for layer in plain.generator.layers if "fade" in layer.name]


def test_real_images_lose_their_details():
    gan = small()
    images = unit_images(16)
    faded_to(gan, 4)
    pooled = images.reshape(4, 4, 4, 4, 4, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(to_numpy(gan.at_stage(images)), pooled, atol=1e-6)
    faded_to(gan, 8 + 6)
    halves = images.reshape(4, 8, 2, 8, 2, 1).mean(axis=(2, 4))
    coarse = pooled.repeat(2, axis=1).repeat(2, axis=2)
    expected = 0.75 * coarse + 0.25 * halves
    np.testing.assert_allclose(to_numpy(gan.at_stage(images)), expected, atol=1e-6)
    gan.blends_reals = False
    np.testing.assert_allclose(to_numpy(gan.at_stage(images)), halves, atol=1e-6)
    faded_to(gan, 2 * PHASE)
    np.testing.assert_array_equal(to_numpy(gan.at_stage(images)), images)


def trained_layers(gan, images):
    before = [to_numpy(v).copy() for v in gan.trainable_variables]
    gan.train_on_batch(images)
    return {
        v.path.split("/")[0]
        for v, old in zip(gan.trainable_variables, before, strict=True)
        if (to_numpy(v) != old).any()
    }


@pytest.mark.every_backend
def test_a_stage_trains_its_own_blocks_alone():
    gan = small()
    gan.compile()
    images = unit_images(16)
    first = trained_layers(gan, images)
    assert {"to_rgb_4", "from_rgb_4_conv", "block_4_conv_1", "score"} <= first
    assert not [name for name in first if "8" in name or "16" in name]
    faded_to(gan, 12)
    second = trained_layers(gan, images)
    assert second >= first | {"to_rgb_8", "from_rgb_8_conv", "block_8_conv_0"}
    assert not [name for name in second if "16" in name]
    faded_to(gan, PHASE + 4)
    third = trained_layers(gan, images)
    assert "to_rgb_8" in third and "to_rgb_4" not in third


def scripted(gan):
    gan.training_seeds = golden.Scripted(
        normal=lambda t, shape: golden.latents(t, 6),
        uniform=lambda t, shape: golden.coefficients(t).reshape(4, 1, 1, 1),
    )


@pytest.mark.every_backend
def test_optimizers_start_afresh_with_each_stage():
    images = unit_images(8)
    old, new = small(8), small(8)
    old.compile()
    for _ in range(4):
        old.train_on_batch(images)
    # The fourth step was the first of the fade.
    assert int(old.generator_optimizer.iterations) == 1
    old.train_on_batch(images)
    assert int(old.discriminator_optimizer.iterations) == 2
    faded_to(old, PHASE)
    old.discriminator_optimizer.learning_rate = 0.01
    for fresh, weight in zip(new.weights, old.weights, strict=True):
        fresh.assign(to_numpy(weight).copy())
    new.compile()
    new.discriminator_optimizer.learning_rate = 0.01
    for gan in (old, new):
        scripted(gan)
        gan.train_on_batch(images)
    first, second = (without_seeds(state_of(gan)) for gan in (old, new))
    assert_equal(first, second)
    assert float(old.discriminator_optimizer.learning_rate) == pytest.approx(0.01)
    assert any(k.startswith("slot") and "velocity" in k for k in first)


@pytest.mark.every_backend
def test_rates_rise_with_the_resolution():
    assert growing.Growing.rate_factors == {128: 1.5, 256: 2, 512: 3, 1024: 3}
    moved = []
    for factor in (1.0, 3.0):
        gan = small(8, start_resolution=8)
        gan.compile(
            discriminator_optimizer=keras.optimizers.SGD(1e-4),
            generator_optimizer=keras.optimizers.SGD(0.0),
        )
        scripted(gan)
        before = to_numpy(gan.discriminator.get_layer("score").kernel).copy()
        with mock.patch.object(kg.ProGAN, "rate_factors", {8: factor}):
            gan.train_on_batch(unit_images(8))
        after = to_numpy(gan.discriminator.get_layer("score").kernel)
        moved.append(after - before)
        rate = float(gan.discriminator_optimizer.learning_rate)
        assert rate == pytest.approx(1e-4)
    # Weights around 1 move by steps of 1e-7.
    np.testing.assert_allclose(moved[1], 3 * moved[0], rtol=1e-2, atol=2e-7)


def test_the_contract_resumes_in_the_middle_of_a_fade():
    gan = kg.ProGAN(**Contract.tiny)
    assert gan.stage_at(16).fading and gan.stage_at(31).fading


@on_tensorflow
def test_replicas_and_xla_agree_in_a_fade():
    class InAFade(Contract):
        @classmethod
        def make(cls, **changes):
            gan = super().make(**changes)
            faded_to(gan, 20)
            return gan

    contract = InAFade()
    with mock.patch.object(kg.ProGAN, "rate_factors", {8: 0.5}):
        plain = contract._one_step_on(1, jit_compile=False)
        assert_equal(plain, contract._one_step_on(2), atol=1e-6)
        assert_equal(plain, contract._one_step_on(1, jit_compile=True), atol=1e-6)


def test_evaluation_moves_nothing():
    gan = small()
    gan.compile()
    faded_to(gan, 12)
    before = without_seeds(state_of(gan))
    gan.evaluate(unit_images(16), batch_size=4, verbose=0)
    assert_equal(before, without_seeds(state_of(gan)))


def without_seeds(state):
    return {name: v for name, v in state.items() if not name.startswith("seed")}


def test_what_cannot_grow():
    for shape in ((12, 12, 3), (8, 16, 3), (2, 2, 3), (8, 8), (4096, 4096, 3)):
        with pytest.raises(ValueError, match="4x4, 8x8, 16x16"):
            kg.ProGAN(shape)
    for start in (2, 6, 32):
        with pytest.raises(ValueError, match=f"from 4 to 16. Found: {start}"):
            small(start_resolution=start)
    with pytest.raises(ValueError, match="not negative"):
        small(fade_images=-1)
    with pytest.raises(ValueError, match="'tensorflow' or 'gan_zoo'"):
        small(variant="torch")
    generator = small().generator
    latents = keras.Input((6,))
    plain = keras.Model(latents, generator(latents))
    with pytest.raises(ValueError, match="grow only if their layers are called"):
        small(generator=plain)
    gan = small(generator=plain, start_resolution=16)
    assert gan.sample(1, seed=0).shape == (1, 16, 16, 1)


def test_steps_cannot_be_bundled():
    with pytest.raises(ValueError, match="leave steps_per_execution at 1"):
        small().compile(steps_per_execution=2)
