"""The networks of image translation against their reference, through the importer."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.converters import junyanz
from keras_gans.layers import (
    build_patch_discriminator,
    build_residual_translator,
    build_unet,
)
from tests import golden_translation as golden
from tests.cheap_weights import cheap_weights
from tests.contract import count

# Section 1 of the fixtures: halvings or blocks, width, norm, side, batch, training,
# moments, err.
UNETS = {
    "J1": (5, 8, "batch", 32, 2, False, (0.067853, 0.630389), 1.5e-6),
    "J2": (5, 8, "batch", 32, 1, True, (0.128447, 0.613531), 2.5e-6),
    "J3": (5, 8, "instance", 32, 2, False, (0.139163, 0.627842), 2.7e-6),
    "J4": (6, 4, "batch", 64, 2, False, (0.080029, 0.419379), 1.0e-6),
    "J5": (6, 4, "batch", 64, 1, True, (0.068180, 0.494525), 1.5e-6),
    "J6": (6, 4, "instance", 64, 2, False, (0.060320, 0.521663), 4.0e-6),
    "J8": (7, 2, "batch", 128, 1, False, (0.074441, 0.456144), 8.7e-7),
}
PIXELS = {
    "J1": ([-0.117417, -0.991292, 0.577126], [0.233931, -0.349603, -0.101450]),
    "J2": ([0.794115, -0.918373, 0.589669], [0.441235, -0.161215, -0.038044]),
    "J3": ([0.641126, -0.978191, 0.461186], [0.204191, -0.124374, -0.317506]),
    "J4": ([0.277169, -0.409490, -0.250375], [0.030930, -0.117304, -0.070420]),
    "J5": ([0.128880, -0.502426, 0.191143], [0.074107, -0.078017, 0.205844]),
    "J6": ([0.249814, -0.339583, -0.343899], [0.257310, -0.457157, -0.207730]),
    "J8": ([-0.045922, -0.391650, 0.390244], [-0.065179, -0.184757, -0.093651]),
    "J10": ([0.857434, 0.328287, 0.067916], [-0.466065, -0.724490, 0.289011]),
    "J11": ([0.626638, 0.971643, 0.866691], [0.310970, 0.606707, -0.120256]),
    "J13": ([0.942854, -0.387355, -0.852263], [0.723506, 0.297755, -0.791256]),
    "J14": ([0.558421, -0.633020, 0.907665], [-0.008301, -0.709802, 0.730020]),
    "J15": ([0.273727, 0.569708, 0.677338], [-0.803766, -0.169797, 0.638140]),
}
RESNETS = {
    "J10": (6, 8, "instance", 32, 2, False, (0.140584, 0.643534), 5.0e-6),
    "J11": (9, 8, "instance", 32, 2, False, (0.120551, 0.586006), 5.5e-6),
    "J13": (3, 16, "instance", 64, 2, False, (0.040589, 0.679136), 6.6e-6),
    "J14": (6, 8, "batch", 32, 1, True, (0.108693, 0.681780), 4.8e-6),
    "J15": (6, 8, "instance", 32, 2, False, (0.140980, 0.642060), 4.2e-6),
}
PARAMETERS = {
    "J1": 261_715,
    "J3": 261_555,
    "J4": 115_115,
    "J6": 114_971,
    "J8": 41_367,
    "J10": 124_931,
    "J11": 180_419,
    "J13": 272_515,
    "J14": 125_395,
    "J15": 124_931,
}


@pytest.mark.every_backend
@pytest.mark.parametrize("name", UNETS)
def test_unet_matches_reference(name):
    halvings, base, norm, side, batch, training, moments, err = UNETS[name]
    network = build_unet(3, 3, halvings, base, norm, dropout_rate=0.0)
    golden.fill(network, junyanz.generator_layout)
    images = network(golden.source(batch, side), training=training)
    golden.check(images, moments, *PIXELS[name], err)
    if name in PARAMETERS:
        assert count(network) == PARAMETERS[name]


@pytest.mark.every_backend
@pytest.mark.parametrize("name", RESNETS)
def test_resnet_matches_reference(name):
    blocks, base, norm, side, batch, training, moments, err = RESNETS[name]
    rate = 1e-9 if name == "J15" else 0.0
    network = build_residual_translator(3, 3, blocks, base, norm, rate)
    golden.fill(network, junyanz.generator_layout)
    images = network(golden.source(batch, side), training=training)
    golden.check(images, moments, *PIXELS[name], err)
    assert count(network) == PARAMETERS[name]


def test_running_statistics_match_reference():
    network = build_unet(3, 3, 5, 8, dropout_rate=0.0)
    golden.fill(network, junyanz.generator_layout)
    network(golden.source(1, 32), training=True)
    found = golden.torch_values(network, junyanz.generator_layout)
    inside = "model.model.1.model"
    expected = {
        f"{inside}.2.running_mean": [0.095794, 0.144812, 0.041697, 0.032351],
        f"{inside}.2.running_var": [1.285574, 1.239377, 0.612161, 0.680810],
        f"{inside}.6.running_mean": [-0.029202, 0.007208, 0.071096, 0.162788],
        f"{inside}.6.running_var": [1.650574, 0.532080, 0.488396, 1.170260],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name][:4], values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "build", "arguments", "side", "moments", "pixel", "corner", "err"),
    [
        (
            "F1",
            build_residual_translator,
            (6, 8),
            32,
            (0.107302, 0.628271),
            [-0.088479, 0.647992, -0.131122],
            [0.480488, 0.709011, -0.107144],
            7.1e-6,
        ),
        (
            "F3",
            build_unet,
            (6, 4),
            64,
            (-0.071369, 0.677514),
            [0.539686, -0.945259, -0.367070],
            [-0.266131, -0.253179, 0.175827],
            3.1e-6,
        ),
    ],
)
def test_no_two_layers_are_swapped(
    name, build, arguments, side, moments, pixel, corner, err
):
    """Section 13: weights that tell apart keys of the same letters."""
    network = build(3, 3, *arguments)
    golden.fill(network, junyanz.generator_layout, by_position=True)
    images = network(golden.source(2, side), training=False)
    golden.check(images, moments, pixel, corner, err)


PATCHES = {
    "J20": (1, "batch", 32, 2, False, 3_113, (0.257053, 0.659994), 1.1e-6),
    "J22": (2, "batch", 32, 2, False, 11_625, (0.386856, 1.155635), 1.5e-6),
    "J23": (2, "instance", 32, 2, False, 11_577, (-0.073411, 1.200862), 1.3e-6),
    "J24": (3, "batch", 64, 2, False, 45_033, (1.472752, 0.935390), 2.3e-6),
    "J25": (3, "instance", 64, 2, False, 44_921, (0.792905, 0.839092), 2.0e-6),
    "J26": (3, "batch", 64, 1, True, 45_033, (0.833516, 0.767013), 2.1e-6),
    "J28": (4, "batch", 80, 2, False, 110_697, (0.436225, 1.054310), 2.3e-6),
    "J30": (0, "batch", 16, 2, False, 232, (0.968975, 1.010820), 8.4e-7),
    "J31": (0, "instance", 16, 2, False, 217, (0.553366, 0.838998), 7.0e-7),
}
LOGITS = {
    "J20": (0.319028, 0.060876, 0.179682),
    "J22": (-0.992843, 1.482188, -0.991864),
    "J23": (-0.829683, 0.671185, -1.548266),
    "J24": (1.065466, 2.133669, 2.602548),
    "J25": (0.619384, -0.524387, 0.887803),
    "J26": (0.635315, 0.474393, 1.825297),
    "J28": (-0.419144, -0.165131, 0.219040),
    "J30": (3.372380, 1.717882, -0.077507),
    "J31": (2.178167, 0.704472, -0.614722),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("name", PATCHES)
def test_discriminator_matches_reference(name):
    halvings, norm, side, batch, training, parameters, moments, err = PATCHES[name]
    network = build_patch_discriminator(6, halvings, 8, norm)
    golden.fill(network, junyanz.discriminator_layout)
    pair = np.concatenate([golden.source(batch, side), golden.target(batch, side)], -1)
    logits = network(pair, training=training)
    golden.check_patches(logits, moments, LOGITS[name], err)
    assert count(network) == parameters


@pytest.mark.parametrize(
    ("parameters", "build", "arguments"),
    [
        (54_413_955, build_unet, (3, 3, 8, 64, "batch")),
        (54_409_603, build_unet, (3, 3, 8, 64, "instance")),
        (41_828_995, build_unet, (3, 3, 7, 64, "batch")),
        (41_825_667, build_unet, (3, 3, 7, 64, "instance")),
        (11_378_179, build_residual_translator, (3, 3, 9)),
        (11_383_427, build_residual_translator, (3, 3, 9, 64, "batch")),
        (7_837_699, build_residual_translator, (3, 3, 6)),
        (7_841_411, build_residual_translator, (3, 3, 6, 64, "batch")),
        (2_768_705, build_patch_discriminator, (6, 3, 64, "batch")),
        (2_767_809, build_patch_discriminator, (6, 3, 64, "instance")),
        (2_765_633, build_patch_discriminator, (3, 3, 64, "batch")),
        (2_764_737, build_patch_discriminator, (3, 3, 64, "instance")),
        (139_585, build_patch_discriminator, (6, 1)),
        (666_433, build_patch_discriminator, (6, 2)),
        (6_964_033, build_patch_discriminator, (6, 4)),
        (11_159_361, build_patch_discriminator, (6, 5)),
        (9_024, build_patch_discriminator, (6, 0, 64, "batch")),
        (8_897, build_patch_discriminator, (6, 0, 64, "instance")),
    ],
)
def test_parameters_at_the_papers_size(parameters, build, arguments):
    with cheap_weights():
        assert count(build(*arguments)) == parameters


@pytest.mark.parametrize(
    ("halvings", "field"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142), (5, 286)]
)
def test_receptive_field_is_the_support_of_the_gradient(halvings, field):
    import tensorflow as tf

    side = max(32, field + 2 ** (halvings + 2))
    side += -side % 2**halvings
    network = build_patch_discriminator(1, halvings, 1, "batch")
    for layer in network.layers:
        if hasattr(layer, "kernel"):  # nothing cancels, no ReLU is off
            layer.kernel.assign(ops.ones_like(layer.kernel))
    images = tf.ones((1, side, side, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = network(images, training=False)
        middle = logits.shape[1] // 2
        logit = logits[0, middle, middle, 0]
    seen = np.argwhere(tape.gradient(logit, images).numpy()[0, ..., 0] != 0)
    assert (np.ptp(seen, axis=0) + 1).tolist() == [field, field]


def test_networks_take_any_legal_size():
    unet = build_unet(3, 1, 5, 1)
    assert unet(np.zeros((1, 64, 96, 3))).shape == (1, 64, 96, 1)
    resnet = build_residual_translator(3, 3, 1, 2)
    assert resnet(np.zeros((1, 64, 128, 3))).shape == (1, 64, 128, 3)
    patches = build_patch_discriminator(6, 3, 1)
    assert patches(np.zeros((1, 256, 256, 6))).shape == (1, 30, 30, 1)


def test_the_bottleneck_of_one_pixel_is_alive():
    unet = build_unet(3, 3, 5, 4)
    inner = keras.Model(unet.input, unet.get_layer("down_5").output)
    first, second = (
        ops.convert_to_numpy(inner(x[None], training=True))
        for x in golden.source(2, 32)
    )
    assert np.abs(first - second).max() > 1e-6
