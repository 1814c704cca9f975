import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import super_resolution as published
from keras_gans.layers import PixelUnshuffle, build_rrdb, build_srvgg
from keras_gans.models import real_esrgan
from tests import golden_super_resolution as golden
from tests import golden_translation as translation
from tests.contract import count
from tests.contract_upscaling import UpscalerContract


class TestRealESRGAN(UpscalerContract):
    system = kg.RealESRGAN
    tiny = {
        "image_shape": (32, 32, 3),
        "residual_blocks": 1,
        "base_channels": 2,
        "growth_channels": 2,
        "discriminator_channels": 2,
        "pretrain_steps": 0,
    }


def test_parameters():
    gan = kg.RealESRGAN(ema_decay=None)
    assert count(gan.generator) == 16_697_987
    assert count(gan.discriminator) == 4_376_897
    assert count(build_rrdb(scale=2)) == 16_703_171
    assert count(build_rrdb(scale=1)) == 16_723_907
    assert count(build_srvgg()) == 1_213_296
    assert count(build_srvgg(convolutions=16)) == 621_424
    small = kg.RealESRGAN((32, 32, 3), 4, "srvgg", 16, discriminator_channels=1)
    assert count(small.generator) == 621_424


@pytest.mark.every_backend
def test_unshuffled_network():
    """E3."""
    generator = build_rrdb(scale=2, blocks=1, base_channels=8, growth_channels=4)
    assert count(generator) == 14_731
    golden.fill(generator, published.rrdb_layout)
    translation.check(
        golden.enlarged(generator),
        (-0.255969, 2.344247),
        [-0.916161, -3.879198, 1.878126],
        [-0.026053, 0.478228, -0.242282],
        4.6e-6,
    )


@pytest.mark.every_backend
def test_unshuffled_pixels():
    found = PixelUnshuffle(2)((golden.LOW + 1) / 2)
    expected = [
        *(0.016601, 0.212588, 0.075950, 0.346334, 0.346334, 0.688989),
        *(0.493806, 0.817346, 0.817346, 0.991634, 0.917356, 0.996592),
    ]
    np.testing.assert_allclose(
        ops.convert_to_numpy(found)[0, 1, 2], expected, atol=1e-6
    )


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("activation", "parameters", "moments", "pixels", "corner", "err"),
    [
        (
            "prelu",
            16_768,
            (1.028476, 3.095075),
            [1.765805, 0.626978, 0.801925],
            [1.060606, 1.090590, 0.820592],
            9.5e-6,
        ),
        (
            "leaky_relu",
            16_688,
            (0.497452, 0.760149),
            [1.010820, -0.254063, 0.734043],
            [0.296285, 1.087340, 0.624045],
            2.7e-6,
        ),
    ],
)
def test_srvgg(activation, parameters, moments, pixels, corner, err):
    """E5, E7."""
    generator = build_srvgg(3, 4, 4, 16, activation)
    assert count(generator) == parameters
    golden.fill(generator, published.srvgg_layout)
    translation.check(golden.enlarged(generator), moments, pixels, corner, err)


@pytest.mark.every_backend
def test_unet_discriminator():
    """E12, E13."""
    network = real_esrgan.build_unet_discriminator(3, 8)
    assert count(network) == 68_649
    golden.fill(network, published.unet_discriminator_layout)
    sigmas = [float(network.get_layer(f"conv{i}").sigma()) for i in range(1, 9)]
    expected = [
        *(1.519346, 1.481563, 1.440706, 1.383617),
        *(1.406881, 1.554036, 1.374574, 1.294951),
    ]
    np.testing.assert_allclose(sigmas, expected, rtol=1e-5)
    images = (translation.source(2, 32) + 1) / 2
    for training, moments, values in (
        (False, (0.128310, 0.137719), (0.143263, 0.311343, 0.150089)),
        (True, (0.119516, 0.103408), (0.123102, 0.239482, 0.128992)),
    ):
        found = ops.convert_to_numpy(network(images, training=training))[..., 0]
        tolerance = {"rel": 1e-4, "abs": 20 * 6.1e-7}
        assert found.mean(dtype="float64") == pytest.approx(moments[0], **tolerance)
        assert found.std(dtype="float64") == pytest.approx(moments[1], **tolerance)
        places = (found[0, 0, 0], found[1, 3, 5], found[1, -1, -1])
        np.testing.assert_allclose(places, values, rtol=1e-4, atol=20 * 6.1e-7)
    kept = ops.convert_to_numpy(network.get_layer("conv1").u)[:4]
    expected = [0.095335, 0.242077, -0.394215, -0.130808]
    np.testing.assert_allclose(kept, expected, atol=1e-5)


@pytest.mark.every_backend
def test_sharpening():
    """Flat pictures stay; an edge becomes steeper, by half of what stands out."""
    flat = np.full((1, 40, 32, 3), 0.3, "float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(real_esrgan.sharpened(flat)), flat, atol=1e-5
    )
    edge = np.where(np.arange(64) < 32, 0.4, 0.6)[None, None, :, None]
    edge = np.broadcast_to(edge, (1, 64, 64, 1)).astype("float32")
    made = (ops.convert_to_numpy(real_esrgan.sharpened(2 * edge - 1)) + 1) / 2
    # Written out from the definition, in one dimension.
    line = edge[0, 0, :, 0].astype("float64")
    taps = np.exp(-0.5 * (np.arange(-25, 26) / 8.0) ** 2)
    taps /= taps.sum()

    def blurred(values):
        return np.convolve(np.pad(values, 25, mode="reflect"), taps, mode="valid")

    residue = line - blurred(line)
    soft = blurred((np.abs(residue) * 255 > 10).astype("float64"))
    sharp = np.clip(line + 0.5 * residue, 0, 1)
    expected = soft * sharp + (1 - soft) * line
    np.testing.assert_allclose(made[0, 30, :, 0], expected, atol=1e-5)
    assert np.ptp(made) > np.ptp(edge)


def test_the_game_sees_pictures_as_they_are():
    gan = kg.RealESRGAN(**{**TestRealESRGAN.tiny, "image_shape": (64, 64, 3)})
    high = np.zeros((2, 64, 64, 3), "float32")
    high[:, :, 32:] = 0.5
    target = ops.convert_to_numpy(gan.target_of(ops.convert_to_tensor(high)))
    assert np.abs(target - high).max() > 0.05
    seen = []
    judge = gan.discriminator.call
    object.__setattr__(
        gan.discriminator,
        "call",
        lambda images, **kw: (seen.append(np.array(images)), judge(images, **kw))[1],
    )
    low = ops.convert_to_tensor(high[:, ::4, ::4])
    gan.both_losses(low, ops.convert_to_tensor(high))
    np.testing.assert_array_equal(seen[0], high)


def test_any_side_passes_a_network_that_unshuffles():
    for scale in (2, 1):
        gan = kg.RealESRGAN(**{**TestRealESRGAN.tiny, "scale": scale})
        images = np.random.default_rng(0).integers(0, 256, (1, 13, 18, 3), "uint8")
        whole = gan.upscale(images, tile=None)
        assert whole.shape == (1, 13 * scale, 18 * scale, 3)
        parts = gan.upscale(images, tile=6)
        np.testing.assert_allclose(whole, parts, atol=1e-4)


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="'rrdb' or 'srvgg'"):
        kg.RealESRGAN(architecture="none")
    with pytest.raises(ValueError, match="multiples of 8"):
        kg.RealESRGAN((36, 36, 3))
    with pytest.raises(ValueError, match="sharpen=False"):
        kg.RealESRGAN((24, 24, 3))
    assert not kg.RealESRGAN(
        **{**TestRealESRGAN.tiny, "image_shape": (24, 24, 3)}, sharpen=False
    ).sharpen
