
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import loading, stylegan2_ada
from keras_gans.models import stylegan2
from tests import golden
from tests.cheap_weights import cheap_weights
from tests.contract import count

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 6,
    "config": "auto",
    "style_dim": 6,
    "channel_base": 16,
    "max_channels": 4,
}


def to_numpy(x):
    return ops.convert_to_numpy(x)


def counts(side, **arguments):
    with cheap_weights():
        gan = kg.StyleGAN2((side, side, 3), **arguments)
    return count(gan.generator), count(gan.discriminator)


@pytest.mark.parametrize(
    ("side", "arguments", "expected"),
    [
        (1024, {"config": "paper1024"}, (30_370_060, 29_012_513)),
        (1024, {"channel_base": 16384}, (24_900_764, 24_038_161)),
        (512, {"config": "paper512"}, (30_276_583, 28_982_849)),
        (256, {"config": "paper256"}, (24_767_458, 24_001_089)),
        (256, {}, (30_034_338, 28_864_129)),
        (32, {"config": "cifar"}, (19_947_539, 20_720_641)),
        (32, {"config": "cifar", "num_classes": 10}, (20_215_315, 23_089_664)),
    ],
)
def test_parameter_counts(side, arguments, expected):
    assert counts(side, **arguments) == expected


def test_parameter_counts_of_small_networks():
    small = {"latent_dim": 128, "style_dim": 128, "mapping_layers": 4}
    small["max_channels"] = 128
    assert counts(32, channel_base=1024, **small) == (782_451, 871_585)
    assert counts(64, channel_base=2048, **small) == (1_127_544, 1_183_137)


def test_parameter_counts_of_blocks():
    with cheap_weights():
        gan = kg.StyleGAN2((256, 256, 3), config="paper256")
    synthesis = gan.generator.get_layer("synthesis")
    expected = {"b4": 2_894_852, "b8": 5_509_125, "b16": 5_509_125, "b32": 5_509_125}
    expected |= {"b64": 2_296_069, "b128": 705_669, "b256": 242_245}
    assert counts_of_blocks(synthesis) == expected
    assert count(gan.generator.get_layer("mapping")) == 2_101_248
    expected = {"b256": 119_232, "b128": 475_520, "b64": 1_901_312, "b4": 6_559_745}
    expected |= {"b32": 4_981_760, "b16": 4_981_760, "b8": 4_981_760}
    assert counts_of_blocks(gan.discriminator) == expected


def counts_of_blocks(network):
    found = {}
    for layer in network.layers:
        if number := count(layer):
            block = layer.name.split("_")[0]
            found[block] = found.get(block, 0) + number
    return found


def filled(network, layout):
    """The network with the reference's weights by the fill rule."""
    arrays = {
        name: golden.fill(name, torch_shape(name, variable), equalized=True)
        for name, (variable, _) in layout.items()
    }
    assert {id(v) for v, _ in layout.values()} == {id(v) for v in network.weights}
    arrays["b8.conv1.resample_filter"] = np.ones((4, 4))
    loading.assign(layout, arrays, stylegan2_ada.IGNORED)
    return network


def torch_shape(name, variable):
    shape = tuple(variable.shape)
    if name.endswith("noise_const"):
        return shape
    if name.endswith("b4.const"):
        return (shape[2], *shape[:2])
    if len(shape) < 2:
        return shape
    *map_shape, inputs, outputs = shape
    return (outputs, inputs, *map_shape)


def test_generator_matches_reference():
    network = stylegan2.build_generator((32, 32, 3), 32, 32, None, 2, 512, 32, "random")
    filled(network, stylegan2_ada.generator_layout(network))
    images = to_numpy(network(golden.latents(0, 32, batch=2)))
    assert images.mean() == pytest.approx(-0.062578, rel=1e-3, abs=1e-4)
    assert images.std() == pytest.approx(0.199697, rel=1e-3, abs=1e-4)
    expected = [-0.077871, -0.486808, -0.042820]
    np.testing.assert_allclose(images[1, 3, 5], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "expected",
    [
        [-8.682289, -8.663985],
        [-8.662592, -8.646663, -8.682938, -8.610465]
        + [-8.399585, -8.425689, -8.576353, -8.674278],
    ],
)
def test_discriminator_matches_reference(expected):
    network = stylegan2.build_discriminator((32, 32, 3), None, 512, 32, "resnet", 4)
    filled(network, stylegan2_ada.discriminator_layout(network))
    scores = network(golden.images(0, 32, 3, batch=len(expected)))
    np.testing.assert_allclose(to_numpy(scores)[:, 0], expected, rtol=1e-3, atol=1e-4)


def test_conditional_discriminator_matches_reference():
    network = stylegan2.build_discriminator((16, 16, 3), 10, 512, 32, "orig", 4)
    filled(network, stylegan2_ada.discriminator_layout(network))
    images, labels = golden.images(0, 16, 3, batch=2), np.array([1, 3], "int32")
    scores = to_numpy(network((images, labels)))
    expected = [-0.000389, -0.001693]
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-3, atol=1e-4)
