import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import super_resolution as published
from keras_gans.layers import build_vgg19_features, build_vgg_discriminator
from keras_gans.models.srgan import build_msrresnet, build_srresnet
from tests import golden_super_resolution as golden
from tests import golden_translation as translation
from tests.contract import assert_equal, count, on_tensorflow, state_of
from tests.contract_upscaling import UpscalerContract


class TestSRGAN(UpscalerContract):
    system = kg.SRGAN
    tiny = {
        "image_shape": (16, 16, 3),
        "residual_blocks": 1,
        "base_channels": 2,
        "discriminator_channels": 2,
        "pretrain_steps": 0,
    }


class Staged(TestSRGAN):
    """Not collected: five steps of pre-training, then the game."""

    __test__ = False
    tiny = {**TestSRGAN.tiny, "pretrain_steps": 5, "pretrain_cycles": 1}


@pytest.mark.every_backend
def test_a_training_killed_before_the_game_goes_on(tmp_path):
    begun = Staged.make()
    begun.compile()
    Staged().test_resumed_equals_never_stopped(Staged.recorded(tmp_path), (begun, None))


@on_tensorflow
def test_replicas_share_the_pretraining():
    one = Staged._one_step_on(replicas=1, jit_compile=False)
    Staged().test_two_replicas_equal_one(one)
    Staged().test_xla_equals_no_xla(one)


@pytest.mark.every_backend
def test_a_perceptual_network_is_kept(tmp_path):
    seen = build_vgg19_features(("conv2_1",), base_channels=1)
    gan = kg.SRGAN(**TestSRGAN.tiny, perceptual_network=seen)
    gan.compile()
    before = [ops.convert_to_numpy(w).copy() for w in seen.weights]
    gan.fit(*TestSRGAN.batch(4), batch_size=2, verbose=0)
    for old, new in zip(before, seen.weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))
    assert gan.history.history["perceptual_loss"][0] > 0
    gan.save_to_preset(tmp_path / "preset")
    again = kg.from_preset(tmp_path / "preset")
    assert_equal(state_of(gan), state_of(again))
    assert not again.perceptual_network.trainable
    two = build_vgg19_features(("relu1_2", "conv2_1"), base_channels=1)
    with pytest.raises(ValueError, match="at most 1 maps. Found: 2"):
        kg.SRGAN(**TestSRGAN.tiny, perceptual_network=two)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (build_srresnet, 1_550_659),
        (lambda: build_srresnet(use_bias=False), 1_548_547),
        (lambda: build_srresnet(norm="instance"), 1_546_752),
        (build_msrresnet, 1_517_571),
        (lambda: build_msrresnet(scale=2), 1_369_859),
        (lambda: build_msrresnet(scale=3), 1_554_499),
        (lambda: build_srresnet(3, 4, 4, 32, use_bias=False), 173_315),
    ],
)
def test_parameters_of_generators(network, parameters):
    assert count(network()) == parameters


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 23_565_505),
        ({"biases": "first"}, 23_563_649),
        ({"image_shape": (128, 128, 3)}, 38_245_569),
        ({"pooled": True}, 5_215_425),
        ({"biases": "none", "strided_kernel": 4}, 26_000_705),
    ],
)
def test_parameters_of_discriminators(arguments, parameters):
    assert count(
        build_vgg_discriminator(**{"image_shape": (96, 96, 3), **arguments})
    ) == (parameters)


def test_the_system_builds_the_papers_networks():
    gan = kg.SRGAN((32, 32, 3))
    assert count(gan.generator) == 1_550_659
    # As at 96 pixels, but for the rows of the dense layer.
    assert count(gan.discriminator) == 23_565_505 - (36 - 4) * 512 * 1024
    gan = kg.SRGAN((32, 32, 3), architecture="srvgg", discriminator_kind="msrgan")
    assert count(gan.generator) == 621_424
    assert gan.discriminator.get_layer("conv1_1").kernel_size == (4, 4)


def before_tanh(generator):
    return keras.Model(generator.input, generator.get_layer("conv_out").output)


LEFTTHOMAS = {
    False: (
        (34.865118, 106.418626),
        [5.326702, -42.513599, 52.830055],
        [46.782230, -2.237865, -13.540863],
        6.2e-4,
    ),
    True: (
        (-25.618388, 64.291947),
        [5.845694, -27.008247, -20.307383],
        [4.491112, 4.764791, -10.715412],
        4.4e-4,
    ),
}


@pytest.mark.parametrize("by_position", LEFTTHOMAS)
def test_leftthomas_generator(by_position):
    """S1, F6; 734,219 parameters there, where a PReLU has one slope."""
    generator = build_srresnet(blocks=5)
    layout = published.leftthomas_generator_layout
    golden.fill(generator, layout, by_position, shared_slopes=True)
    assert count(generator) - 8 * 63 == 734_219
    moments, pixels, corner, err = LEFTTHOMAS[by_position]
    made = before_tanh(generator)(golden.LOW, training=False)
    translation.check(made, moments, pixels, corner, err)


def test_leftthomas_generator_in_training():
    """S3."""
    generator = build_srresnet(blocks=5)
    layout = published.leftthomas_generator_layout
    golden.fill(generator, layout, shared_slopes=True)
    made = (ops.convert_to_numpy(generator(golden.LOW, training=True)) + 1) / 2
    translation.check(
        made,
        (0.608815, 0.358717),
        [0.057284, 0.998186, 0.010699],
        [0.784648, 0.462351, 0.698841],
        4.0e-6,
    )


@pytest.mark.parametrize(
    ("by_position", "moments", "pixels", "corner"),
    [
        (
            False,
            (-0.448698, 1.447742),
            [0.276123, -0.820818, -1.183939],
            [0.270781, -0.637057, -0.033225],
        ),
        (
            True,
            (0.414682, 1.603062),
            [-0.199570, 3.357466, -0.231207],
            [0.224357, 0.179621, -0.333509],
        ),
    ],
)
def test_twtygqyy_generator(by_position, moments, pixels, corner):
    """S4, F7."""
    generator = build_srresnet(norm="instance")
    golden.fill(generator, published.twtygqyy_generator_layout, by_position)
    made = golden.enlarged(generator)
    translation.check(made, moments, pixels, corner, 1.1e-5)


MSRRESNET = {
    "S5": (
        {"scale": 4},
        (-1.500490, 7.269722),
        [1.029480, 2.525832, -1.866702],
        [0.280627, 1.959561, -0.289547],
        2.5e-5,
    ),
    "S6": (
        {"scale": 2},
        (2.775576, 6.788199),
        [3.470723, 0.783736, -5.276181],
        [1.052202, 1.799459, 0.127535],
        2.0e-5,
    ),
    "F8": (
        {"scale": 4},
        (0.267840, 2.028932),
        [1.323008, -0.704086, -1.045109],
        [0.299137, 0.915090, 0.975383],
        8.4e-6,
    ),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("name", MSRRESNET)
def test_msrresnet(name):
    arguments, moments, pixels, corner, err = MSRRESNET[name]
    generator = build_msrresnet(**arguments, blocks=3, base_channels=16)
    assert count(generator) == {4: 35_683, 2: 26_403}[arguments["scale"]]
    golden.fill(generator, published.msrresnet_layout, by_position=name == "F8")
    translation.check(golden.enlarged(generator), moments, pixels, corner, err)


def test_msrresnet_at_full_size():
    """S8: large values, compared to 1e-4 of their deviation."""
    generator = golden.fill(build_msrresnet(), published.msrresnet_layout)
    made, tolerance = golden.enlarged(generator), 1e-4 * 941.103972
    assert made.mean(dtype="float64") == pytest.approx(-352.400821, abs=tolerance)
    assert made.std(dtype="float64") == pytest.approx(941.103972, abs=tolerance)
    expected = [-265.799103, -943.716492, -77.266251]
    np.testing.assert_allclose(made[1, 3, 5], expected, atol=tolerance)
    expected = [-175.871735, -146.681503, -265.202454]
    np.testing.assert_allclose(made[1, -1, -1], expected, atol=tolerance)


def test_leftthomas_discriminator():
    """S10, S11."""
    network = build_vgg_discriminator((32, 32, 3), pooled=True)
    names = ("net.24.weight", "net.26.weight")
    layout = published.leftthomas_discriminator_layout
    golden.fill(network, layout, convolved=names)
    for size, expected in (
        (32, [-2.672795, -2.871943]),
        ((48, 32), [-3.367035, -3.457865]),
    ):
        images = (translation.source(2, size) + 1) / 2
        found = ops.convert_to_numpy(network(images, training=False))[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        if size == 32:
            real = 1 / (1 + np.exp(-found))
            np.testing.assert_allclose(real, [0.064598, 0.053558], rtol=1e-4)


def test_twtygqyy_discriminator():
    """S12."""
    network = build_vgg_discriminator((96, 96, 3), biases="none", strided_kernel=4)
    golden.fill(network, published.twtygqyy_discriminator_layout)
    last = network.get_layer("flat").input
    both = keras.Model(network.input, [network.output, last])
    images = (translation.source(2, 96) + 1) / 2
    logits, maps = (ops.convert_to_numpy(x) for x in both(images, training=False))
    np.testing.assert_allclose(logits[:, 0], [-5.169867, -4.909945], atol=1e-4)
    assert maps.shape == (2, 6, 6, 512)
    assert maps.mean(dtype="float64") == pytest.approx(1.441464, rel=1e-4)
    assert maps.std(dtype="float64") == pytest.approx(3.217340, rel=1e-4)


@pytest.mark.parametrize("architecture", ["srresnet", "msrresnet", "srvgg"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_odd_sides(architecture, scale):
    gan = kg.SRGAN((48, 48, 3), scale, architecture, 1, 2, discriminator_channels=1)
    low = np.random.default_rng(0).integers(0, 256, (1, 17, 23, 3), "uint8")
    assert gan.upscale(low).shape == (1, 17 * scale, 23 * scale, 3)


def test_content_is_pixels_or_features():
    """The identity as features: their distance is that of pixels."""
    images = keras.Input((None, None, 3))
    same = keras.Model(images, keras.layers.Rescaling(3.0)(images))
    options = {**TestSRGAN.tiny, "perceptual_weight": 0.5, "adversarial_weight": 0.0}
    plain = kg.SRGAN(**options)
    seen = kg.SRGAN(**options, perceptual_network=same)
    data = TestSRGAN.batch(2)
    found = []
    for gan in (plain, seen):
        gan.compile()
        found.append(gan.evaluate(*data, batch_size=2, verbose=0, return_dict=True))
    assert found[0]["generator_loss"] == found[1]["generator_loss"] == 0
    assert found[1]["pixel_loss"] == 0
    expected = 0.5 * 3**2 * found[0]["pixel_loss"]
    assert found[1]["perceptual_loss"] == pytest.approx(expected, rel=1e-5)
    seen.fit(*data, batch_size=2, verbose=0)
    assert not same.trainable


def test_pixels_are_compared_as_they_are():
    """L1 and L2 of the library's range, in the pre-training."""
    made = ops.convert_to_tensor(translation.source(2, 16))
    target = ops.convert_to_tensor(translation.target(2, 16))
    for distance, error in (("l1", np.abs), ("l2", np.square)):
        gan = kg.SRGAN(**TestSRGAN.tiny, distance=distance)
        expected = error(np.array(made) - np.array(target)).mean()
        assert float(gan.pixels_apart(made, target)) == pytest.approx(expected)


def test_an_undecided_discriminator():
    gan = kg.SRGAN(**TestSRGAN.tiny, adversarial_weight=1.0)
    for weight in gan.discriminator.get_layer("linear2").weights:
        weight.assign(ops.zeros_like(weight))
    gan.compile()
    data = TestSRGAN.batch(2)
    found = gan.evaluate(*data, batch_size=2, verbose=0, return_dict=True)
    assert found["discriminator_loss"] == pytest.approx(2 * np.log(2), rel=1e-6)
    assert found["generator_loss"] == pytest.approx(np.log(2), rel=1e-6)


def test_weights_between_two_generators():
    first, second = kg.SRGAN(**TestSRGAN.tiny), kg.SRGAN(**TestSRGAN.tiny, seed=1)
    ends = [[np.array(w) for w in g.generator.weights] for g in (first, second)]
    first.interpolate_weights(second, 0.0)
    for end, weight in zip(ends[0], first.generator.weights, strict=True):
        np.testing.assert_array_equal(end, ops.convert_to_numpy(weight))
    first.interpolate_weights(second, 0.25)
    for one, other, weight in zip(*ends, first.generator.weights, strict=True):
        middle = 0.75 * one + 0.25 * other
        np.testing.assert_allclose(middle, ops.convert_to_numpy(weight), atol=1e-6)
    first.interpolate_weights(second, 1.0)
    for end, weight in zip(ends[1], first.generator.weights, strict=True):
        np.testing.assert_array_equal(end, ops.convert_to_numpy(weight))
    other = kg.SRGAN(**{**TestSRGAN.tiny, "base_channels": 3})
    with pytest.raises(ValueError, match="same architecture"):
        first.interpolate_weights(other, 0.5)


def test_the_rate_falls_along_a_cosine():
    gan = kg.SRGAN(**{**TestSRGAN.tiny, "pretrain_steps": 8, "pretrain_cycles": 2})
    found = []
    for step in range(8):
        gan.steps.assign(step)
        found.append(float(gan._rate_factor()))
    half = 0.5 + 0.5 * np.cos(np.pi * np.arange(4) / 4)
    np.testing.assert_allclose(found, [*half, *half], atol=1e-6)


def test_other_arguments_are_refused():
    for name in ("architecture", "discriminator_kind", "distance"):
        with pytest.raises(ValueError, match=f"{name} is one of"):
            kg.SRGAN((16, 16, 3), **{name: "none"})
    with pytest.raises(ValueError, match="scale is 1, 3, or a power of 2"):
        kg.SRGAN((80, 80, 3), scale=5)
    with pytest.raises(ValueError, match="not negative"):
        kg.SRGAN((16, 16, 3), pretrain_steps=-1)
    with pytest.raises(ValueError, match="multiples of 16"):
        kg.SRGAN((24, 24, 3))
