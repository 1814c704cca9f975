"""Every system trains through an augmentation, and tells it of real scores."""

import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests.contract import assert_equal, on_tensorflow, state_of
from tests.systems import images, tiny_dcgan

SIDE = {"image_shape": (8, 8, 1), "latent_dim": 5}
GROWING = {"channel_base": 16, "max_channels": 4, "start_resolution": 8}
WIDTHS = {"generator_channels": (4, 3, 2, 2), "discriminator_channels": (2, 2, 3)}
UPSCALING = {
    "image_shape": (32, 32, 1),
    "residual_blocks": 1,
    "base_channels": 1,
    "discriminator_channels": 1,
    "pretrain_steps": 0,
}
SMALL = {
    "gan": {**SIDE, "hidden_units": 4, "maxout_units": 2},
    "cgan": {**SIDE, "num_classes": 3},
    "dcgan": {**SIDE, "base_channels": 2},
    "wgan": {**SIDE, "base_channels": 2, "critic_steps": 1},
    "wgan_gp": {**SIDE, "architecture": "mlp", "critic_steps": 1, "base_channels": 4},
    "cogan": {**SIDE, "image_shape": (28, 28, 1), **WIDTHS},
    "improved_gan": {
        **SIDE,
        "num_labels": 3,
        "generator_units": (6,),
        "discriminator_units": (7, 5),
    },
    "r1_gan": {**SIDE, "base_channels": 2, "max_channels": 3, "num_classes": 3},
    "anime_gan": {
        **SIDE,
        "num_attributes": 3,
        "base_channels": 2,
        "discriminator_channels": 2,
        "residual_blocks": 1,
        "discriminator_blocks": 1,
        "upsamplings": 1,
    },
    "progan": {**SIDE, **GROWING, "num_classes": 3},
    "sagan": {
        **SIDE,
        "image_shape": (16, 16, 1),
        "num_classes": 3,
        "base_channels": 2,
        "attention": (8,),
    },
    "biggan": {
        **SIDE,
        "image_shape": (16, 16, 1),
        "latent_dim": 6,
        "num_classes": 3,
        "base_channels": 2,
        "shared_dim": 3,
        "discriminator_steps": 1,
    },
    "biggan_deep": {
        **SIDE,
        "image_shape": (16, 16, 1),
        "num_classes": 3,
        "base_channels": 4,
        "shared_dim": 3,
        "discriminator_steps": 1,
    },
    "stylegan": {**SIDE, **GROWING, "style_dim": 4, "mapping_layers": 1},
    "stylegan2": {
        **SIDE,
        "style_dim": 4,
        "mapping_layers": 1,
        "channel_base": 16,
        "max_channels": 4,
    },
    "pix2pix": {
        "image_shape": (32, 32, 1),
        "base_channels": 1,
        "discriminator_channels": 1,
    },
    "cyclegan": {
        "image_shape": (16, 16, 1),
        "residual_blocks": 1,
        "base_channels": 1,
        "discriminator_channels": 1,
        "discriminator_halvings": 1,
    },
    "dtn": {"image_shape": (8, 8, 1), "source_channels": 1, "base_channels": 1},
    "anogan": {**SIDE, "base_channels": 2},
    "f_anogan": {**SIDE, "base_channels": 2, "critic_steps": 1},
    "age_cgan": {
        **SIDE,
        "image_shape": (16, 16, 1),
        "num_classes": 3,
        "base_channels": 2,
        "gan_steps": 3,
    },
    "gan_cls": {
        **SIDE,
        "text_dim": 3,
        "base_channels": 2,
        "discriminator_channels": 2,
        "projected_dim": 2,
    },
    "stackgan": {
        "image_shape": (16, 16, 1),
        "sketch_side": 8,
        "noise_dim": 2,
        "text_dim": 3,
        "condition_dim": 2,
        "base_channels": 2,
        "discriminator_channels": 2,
        "residual_blocks": 1,
    },
    "stackgan_v2": {
        "image_shape": (16, 16, 1),
        "scales": 2,
        "noise_dim": 2,
        "text_dim": 3,
        "condition_dim": 2,
        "base_channels": 4,
        "discriminator_channels": 2,
        "residual_blocks": 1,
    },
    "stackgan_v2_unconditional": {
        **SIDE,
        "scales": 1,
        "base_channels": 4,
        "discriminator_channels": 2,
    },
    "srgan": {**UPSCALING, "image_shape": (16, 16, 1)},
    "esrgan": UPSCALING,
    "real_esrgan": UPSCALING,
    "pix2pixhd": {
        "image_shape": (16, 16, 1),
        "num_labels": 2,
        "instance_edges": False,
        "halvings": 1,
        "residual_blocks": 1,
        "base_channels": 1,
        "discriminators": 1,
        "discriminator_halvings": 1,
        "discriminator_channels": 1,
    },
}


# Scores of one image, where there are several.
PATCHES = {"pix2pix": 2 * 2, "cyclegan": 6 * 6, "pix2pixhd": 11 * 11}
PATCHES["real_esrgan"] = 32 * 32


def batch_of(gan, count=4):
    data = images(count, side=gan.image_shape[0])
    if isinstance(gan, kg.Pix2PixHD):
        return data[..., 0] % 2, data
    if isinstance(gan, kg.ImageUpscaler):
        return data[:, :: gan.scale, :: gan.scale], data
    if isinstance(gan, (kg.CoGAN, kg.ImageTranslator)):
        return data, data[::-1]
    if gan.label_width is not None:
        return data, np.eye(gan.label_width, dtype="float32")[np.arange(count) % 3]
    if gan.num_classes is not None or isinstance(gan, kg.ImprovedGAN):
        return data, np.arange(count) % 3
    return (data,)


# Rows of tables, volumes and videos are not augmented, and are refused an augmentation.
WITHOUT_PICTURES = {"radial_gan", "gan_3d", "vae_gan_3d", "vgan", "vgan_prediction"}


# Without a judge of images there is nothing to be kept from remembering them.
DETECTORS = {"detector", "a_fast_rcnn", "perceptual_gan"}
WITHOUT_JUDGE = {"adain", "vae", "pixel_cnn", "row_lstm", "diagonal_bilstm"}


def test_all_systems_are_here():
    others = WITHOUT_PICTURES | WITHOUT_JUDGE | DETECTORS
    assert set(SMALL) | others == set(kg.list_systems())


# Step by step JAX takes minutes; it trains through ADA below.
@on_tensorflow
@pytest.mark.parametrize("name", SMALL)
def test_every_system_tells_ada_of_real_scores(name):
    gan = kg.get_system(name)(**SMALL[name], augmentation="ada", seed=1)
    gan.compile(run_eagerly=True, jit_compile=False)
    gan.fit(*batch_of(gan), batch_size=4, verbose=0)
    # The lazy R1 of StyleGAN2, due in its first step, scores them once more.
    passes = 2 if name == "stylegan2" else 1
    real = 4 * passes * (2 if name in ("cogan", "cyclegan") else 1)
    real *= PATCHES.get(name, 1)
    assert float(ops.convert_to_numpy(gan.augmentation.observed)) == real
    assert float(ops.convert_to_numpy(gan.augmentation.steps)) == 1
    assert np.isfinite([v[-1] for v in gan.history.history.values()]).all()


def ada_gan(**changes):
    augmentation = kg.augmentation.ADA(target=-1.0, kimg=0.02, interval=1)
    gan = tiny_dcgan(augmentation=augmentation, seed=2, **changes)
    gan.compile()
    return gan


@pytest.mark.every_backend
def test_p_is_part_of_the_state(tmp_path):
    whole, parts = ada_gan(), ada_gan()
    whole.fit(images(8, side=8), batch_size=4, epochs=2, verbose=0)
    parts.fit(images(8, side=8), batch_size=4, epochs=1, verbose=0)
    # All scores lie above the lowest sign, so p has risen by 4 / 20 twice.
    p = float(ops.convert_to_numpy(parts.augmentation.p))
    assert p == pytest.approx(0.4, abs=1e-6) or p == pytest.approx(0.2, abs=1e-6)
    parts.save_to_preset(tmp_path / "half")
    again = kg.from_preset(tmp_path / "half")
    assert again.get_config() == parts.get_config()
    assert_equal(state_of(parts), state_of(again))
    again.fit(images(8, side=8), batch_size=4, initial_epoch=1, epochs=2, verbose=0)
    assert_equal(state_of(whole), state_of(again))


def test_a_policy_by_name():
    gan = tiny_dcgan(augmentation="color,cutout")
    assert isinstance(gan.augmentation, kg.augmentation.DiffAugment)
    again = type(gan).from_config(gan.get_config())
    assert again.augmentation.policy == gan.augmentation.policy
    assert tiny_dcgan().augmentation is None


def test_an_augmentation_changes_the_training_alone():
    plain, augmented = tiny_dcgan(), tiny_dcgan(augmentation="color,translation,cutout")
    for gan in (plain, augmented):
        gan.compile()
    data = images(4, side=8)
    first = [gan.evaluate(data, batch_size=4, verbose=0) for gan in (plain, augmented)]
    np.testing.assert_allclose(*first, rtol=1e-6)
    for gan in (plain, augmented):
        gan.fit(data, batch_size=4, verbose=0)
    kernels = [ops.convert_to_numpy(g.generator.weights[0]) for g in (plain, augmented)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-6
