import numpy as np
import pytest

import keras_gans as kg
from keras_gans.converters import hf_biggan_deep, loading
from keras_gans.layers import SpectralParts
from keras_gans.models.biggan_deep import build_generator
from tests import golden
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count

TINY = {
    "image_shape": (16, 16, 1),
    "latent_dim": 3,
    "num_classes": 3,
    "base_channels": 2,
    "shared_dim": 2,
    "depth": 1,
    "discriminator_steps": 1,
}


class TestBigGANDeep(SystemContract):
    system = kg.BigGANDeep
    tiny = TINY


@pytest.mark.parametrize(
    ("side", "generator", "discriminator"),
    [
        (128, 50_388_609, 34_590_210),
        (256, 55_880_833, None),
        (512, 56_163_905, None),
    ],
)
def test_parameter_counts(side, generator, discriminator):
    with cheap_weights():
        gan = kg.BigGANDeep((side, side, 3), ema_decay=None)
    assert count(gan.generator) == generator
    if discriminator is not None:
        assert count(gan.discriminator) == discriminator
    layout = hf_biggan_deep.generator_layout(gan.generator)
    assert len(layout) == {128: 506, 256: 602, 512: 698}[side]


def test_parameters_of_the_narrow_last_convolution():
    """BigGAN-PyTorch's generator, whose last convolution makes the image alone."""
    blocks = [
        *((False, 16, 16), (True, 16, 16), (False, 16, 16), (True, 16, 8)),
        *((False, 8, 8), (True, 8, 4), (False, 4, 4), (True, 4, 2)),
        *((False, 2, 2), (True, 2, 1)),
    ]
    sizes = (128, 128, 3), 128, 1000, 128, 128
    with cheap_weights():
        generator = build_generator(
            *sizes, blocks, (7,), SpectralParts(), wide_image=False
        )
    assert count(generator) == 50_244_484


def test_parameters_of_the_parts():
    """Appendix C of the specification."""
    with cheap_weights():
        generator = kg.BigGANDeep(ema_decay=None).generator
    parts = {
        "linear": 8_421_376,
        "block_0_": 8_654_336,
        "block_1_": 8_654_336,
        "block_2_": 8_654_336,
        "block_3_": 8_129_024,
        "block_4_": 2_623_232,
        "block_5_": 2_491_648,
        "block_6_": 885_632,
        "block_7_attention": 81_921,
        "block_8_": 336_320,
        "block_9_": 328_000,
        "output_norm": 256,
        "to_image": 147_584,
        "shared_embedding": 128_000,
    }
    for prefix, expected in parts.items():
        assert count_of(generator, prefix) == expected, prefix
    with_attention = count_of(generator, "block_7_")
    assert with_attention == 852_608 + 81_921


def count_of(network, prefix):
    return sum(
        count(layer) for layer in network.layers if layer.name.startswith(prefix)
    )


@pytest.mark.parametrize("side", [32, 64])
def test_sizes(side):
    gan = kg.BigGANDeep(
        (side, side, 3), 2, 3, 1, 2, attention=(), initializer="normal", ema_decay=None
    )
    images = gan.sample(2, seed=0, labels=1)
    assert images.shape == (2, side, side, 3)
    assert gan.discriminator((images, np.array([0, 1]))).shape == (2, 1)


def torch_shape(name, shape):
    """Shapes of the published weights; statistics have 51 rows."""
    if name.endswith(("running_means", "running_vars")):
        return (51, *shape)
    if name.endswith("gamma"):
        return (1,)
    if len(shape) == 4:
        return (shape[3], shape[2], *shape[:2])
    return shape[::-1]


def reference_state_dict(layout):
    """The fixture's tensors; u and v after one iteration from the filled u."""
    arrays = {
        name: golden.fill(name, torch_shape(name, tuple(variable.shape)))
        for name, (variable, _) in layout.items()
    }
    for name in [n for n in arrays if n.endswith("weight_orig")]:
        stem = name.removesuffix("_orig")
        matrix = arrays[name].reshape(len(arrays[name]), -1)
        u = unit(arrays[f"{stem}_u"])
        v = unit(matrix.T @ u)
        arrays[f"{stem}_u"], arrays[f"{stem}_v"] = unit(matrix @ v), v
    return arrays


def unit(vector):
    return vector / np.linalg.norm(vector)


def reference_generator():
    """A network that no size of the paper has, with the published layout."""
    blocks = ((True, 16, 8), (False, 8, 4), (True, 4, 2), (True, 2, 1))
    return build_generator(
        (32, 32, 3),
        latent_dim=16,
        num_classes=10,
        base_channels=8,
        shared_dim=16,
        blocks=blocks,
        attention_after=(1,),
        parts=SpectralParts(epsilon=1e-4, stored=True, norm_epsilon=1e-4),
    )


@pytest.mark.every_backend
def test_forward_matches_reference():
    """Appendix B, row HF BigGAN-deep G, at the truncation 0.4."""
    generator = reference_generator()
    layout = hf_biggan_deep.generator_layout(generator, truncation=0.4)
    loading.assign(layout, reference_state_dict(layout))
    inputs = golden.latents(0, 16, batch=2), np.array([1, 3], "int32")
    images = generator.predict(inputs, verbose=0)
    assert images.mean() == pytest.approx(0.216076, abs=2e-6)
    assert images.std() == pytest.approx(0.373155, abs=2e-6)
    expected = [0.752419, -0.054803, 0.466586]
    np.testing.assert_allclose(images[1, 3, 5], expected, atol=1e-5)


def test_every_variable_has_its_place():
    generator = reference_generator()
    layout = hf_biggan_deep.generator_layout(generator)
    places = {id(variable) for variable, _ in layout.values()}
    assert places == {id(weight) for weight in generator.weights}
