import re

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gans as kg
from keras_gans.core import gradients, moving_average
from keras_gans.models import r1_gan
from tests import golden, torch_layout
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, slow_abroad

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 5,
    "base_channels": 2,
    "max_channels": 3,
    "embedding_dim": 3,
}


class TestR1GAN(SystemContract):
    system = kg.R1GAN
    tiny = {**TINY, "num_classes": 3}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (((32, 32, 3), 64, None, 1, "resnet", 32, 128), (598_372, 465_377)),
        (
            ((1024, 1024, 3), 256, None, 1, "resnet", 16, 512),
            (18_810_036, 16_705_201),
        ),
    ],
)
def test_parameter_counts(arguments, expected):
    shape, _, classes, _, *channels = arguments
    generator = r1_gan.build_generator(*arguments)
    discriminator = r1_gan.build_discriminator(shape, classes, *channels)
    assert (count(generator), count(discriminator)) == expected


def test_parameter_counts_of_the_large_networks():
    with cheap_weights():
        lsun = kg.R1GAN(ema_decay=None)
        default = r1_gan.build_generator(
            (256, 256, 3), 256, None, 256, "resnet", 64, 512
        )
        imagenet = kg.R1GAN(
            (128, 128, 3), num_classes=1000, architecture="resnet2", ema_decay=None
        )
    assert count(lsun.generator) == 52_154_052
    assert count(lsun.discriminator) == 47_944_385
    assert count(default) == 20_932_547
    assert count(imagenet.generator) == 100_535_747
    assert count(imagenet.discriminator) == 108_260_776


@pytest.mark.parametrize(
    ("architecture", "side", "num_classes"),
    [("resnet", 16, None), ("resnet2", 32, None), ("resnet2", 32, 3)],
)
def test_trains_with_and_without_classes(architecture, side, num_classes):
    changes = {"image_shape": (side, side, 3), "num_classes": num_classes}
    gan = kg.R1GAN(**{**TINY, "architecture": architecture, **changes})
    gan.compile(run_eagerly=True)
    data = np.zeros((4, side, side, 3), "uint8"), np.arange(4) % 3
    gan.fit(*data[: 1 if num_classes is None else 2], batch_size=2, verbose=0)
    assert np.isfinite(list(gan.history.history.values())).all()
    assert gan.sample(2, seed=0).shape == (2, side, side, 3)


def test_impossible_arguments():
    for shape in ((28, 28, 1), (32, 64, 3), (4, 4, 1), (2,)):
        with pytest.raises(ValueError, match="8, 16, 32, 64"):
            kg.R1GAN(shape)
    with pytest.raises(ValueError, match="multiple of 32"):
        kg.R1GAN((48, 48, 3), architecture="resnet2")
    with pytest.raises(ValueError, match="'resnet' or 'resnet2'"):
        kg.R1GAN((32, 32, 1), architecture="vit")
    with pytest.raises(ValueError, match="'real', 'fake' or 'real_fake'"):
        kg.R1GAN((32, 32, 1), penalty="wgangp")


def test_image_does_not_depend_on_the_scale_of_the_embedding():
    gan = kg.R1GAN(**TINY, num_classes=3)
    before = gan.sample(3, seed=0)
    table = gan.sampler.get_layer("embedding").embeddings
    table.assign(7.0 * table)
    np.testing.assert_allclose(gan.sample(3, seed=0), before, atol=1e-6)
    table.assign(-table)
    assert np.abs(gan.sample(3, seed=0) - before).max() > 1e-3


def test_score_is_the_logit_of_the_class():
    discriminator = kg.R1GAN(**TINY, num_classes=3).discriminator
    images = golden.images(0, 8, 1)
    logits = keras.Model(discriminator.inputs[0], discriminator.get_layer("fc").output)
    labels = np.array([2, 0, 1, 2])
    scores = ops.convert_to_numpy(discriminator((images, labels)))[:, 0]
    expected = ops.convert_to_numpy(logits(images))[np.arange(4), labels]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_every_pixel_reaches_every_place_of_the_last_map():
    """637 pixels see one place at 256x256: even a corner's sees the whole image."""
    with cheap_weights():
        network = r1_gan.build_discriminator((256, 256, 1), None, "resnet", 1, 1)
    for weight in network.weights:
        weight.assign(ops.full(weight.shape, 0.5))
    last = keras.Model(network.inputs, network.get_layer("flat").input)
    assert last.output_shape == (None, 4, 4, 1)
    image = np.ones((1, 256, 256, 1), "float32")
    slope = gradients.input_gradient(lambda x: last(x)[:, 3, 3], image)
    assert (ops.convert_to_numpy(slope) > 0).all()


def with_reference_weights(gan, max_channels):
    """Keys of gan_training/models/resnet.py; `resnet.k` counts the samplings too."""
    coarse = (4, 4, max_channels)
    generator, discriminator = gan.generator, gan.discriminator
    fc = generator.get_layer("fc"), discriminator.get_layer("fc")
    layouts = (
        {
            **torch_layout.embedding("embedding", generator.get_layer("embedding")),
            **torch_layout.dense_to_map("fc", fc[0], coarse),
            **_block_layout(generator),
        },
        {
            **torch_layout.dense_from_map("fc", fc[1], coarse),
            **_block_layout(discriminator),
        },
    )
    for network, layout in zip((generator, discriminator), layouts, strict=True):
        torch_layout.fill(network, layout)
    return layouts


def _block_layout(network):
    found = torch_layout.conv("conv_img", network.get_layer("conv_img"))
    for layer in network.layers:
        match = re.fullmatch(r"block_(\d+)_0_(conv_0|conv_1|skip)", layer.name)
        if match:
            conv = "conv_s" if match[2] == "skip" else match[2]
            found |= torch_layout.conv(f"resnet.{2 * int(match[1])}.{conv}", layer)
    return found


def test_forward_pass_matches_reference():
    """Fixtures "R1 G" and "R1 D" of the lineage specification, appendix B."""
    gan = kg.R1GAN((32, 32, 3), 16, 4, "resnet", 8, 16, 8, ema_decay=None)
    with_reference_weights(gan, 16)
    labels = np.array([1, 3])
    images = ops.convert_to_numpy(gan((golden.latents(0, 16, batch=2), labels)))
    assert images.mean() == pytest.approx(0.189845, rel=1e-3, abs=1e-4)
    assert images.std() == pytest.approx(0.648071, rel=1e-3, abs=1e-4)
    expected = [-0.980902, 0.951808, -0.512311]
    np.testing.assert_allclose(images[1, 3, 5], expected, rtol=1e-3, atol=1e-4)
    real = golden.images(0, 32, 3, batch=2)
    scores = ops.convert_to_numpy(gan.discriminator((real, labels)))[:, 0]
    np.testing.assert_allclose(scores, [-0.290018, -0.239428], rtol=1e-3, atol=1e-4)


def labels_of(draw):
    return (3 * (4 * draw + np.arange(4)) + 1) % 4


@pytest.mark.every_backend
@slow_abroad
def test_train_steps_match_reference():
    """Fixture F4a: two steps with R1, labels of the reals for the fakes too."""
    gan = kg.R1GAN((16, 16, 3), 16, 4, "resnet", 4, 8, 8)
    g_layout, d_layout = with_reference_weights(gan, 8)
    moving_average.copy_weights(gan.generator, gan.sampler)
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: golden.latents(t, 16))
    watch = golden.Watch(gan, None)
    layouts = {"G": g_layout, "D": d_layout}
    before = {key: torch_layout.read(layouts[key[0]], key[2:]) for key in STATISTICS}
    expected = [
        # dloss_real + dloss_fake, reg, gloss.
        (0.6966724 + 0.57183, 0.5489776, 0.9218799),
        (0.8074789 + 0.633643, 0.523868, 0.8604485),
    ]
    for step in range(2):
        gan.reset_metrics()
        data = (golden.images(step, 16, 3), labels_of(step))
        logs = gan.train_on_batch(*data, return_dict=True)
        found = [float(logs[name]) for name in gan.reports]
        rtol = 2e-5 if step == 0 else 1e-4
        np.testing.assert_allclose(found[:2], expected[step][:2], rtol=rtol)
        np.testing.assert_allclose(found[2], expected[step][2], rtol=1e-4)

    norms = {
        "discriminator": {
            "conv_img/kernel": 1.003725,
            "block_1_0_skip/kernel": 0.4768733,
            "fc/kernel": 1.263457,
        },
        "generator": {
            "embedding/embeddings": 0.07529733,
            "block_1_0_conv_0/kernel": 0.03049481,
            "conv_img/kernel": 0.8228594,
        },
    }
    for name, of_network in norms.items():
        gradients = watch.gradients_of(gan, name)
        rtol = 2e-5 if name == "discriminator" else 1e-4
        for path, norm in of_network.items():
            assert gradients[path] == pytest.approx(norm, rel=rtol), path

    for key, (moments, entries) in STATISTICS.items():
        after = torch_layout.read(layouts[key[0]], key[2:])
        golden.check_tensor(after, before[key], moments, entries, atol=5e-6)
    average = ops.convert_to_numpy(gan.sampler.get_layer("conv_img").kernel)
    golden.check_tensor(
        golden.to_torch(average),
        before["G conv_img.weight"],
        (-4.188247e-5, 0.2525576, 2.254126e-6),
        {0: -0.3074911, 54: 0.07728952, 107: 0.09956824},
        atol=5e-6,
    )
    inputs = golden.latents(0, 16), labels_of(0)
    for network, pixel in (
        (gan.sampler, [-0.5188559, -0.08254994, 0.2697332]),
        (gan.generator, [-0.5143123, -0.02403008, 0.2753948]),
    ):
        images = ops.convert_to_numpy(network(inputs, training=False))
        np.testing.assert_allclose(images[1, 3, 5], pixel, atol=8e-6)
    score = gan.discriminator((golden.images(0, 16, 3), labels_of(0)), training=False)
    assert float(score[1, 0]) == pytest.approx(0.04096447, abs=8e-6)


STATISTICS = {
    "G embedding.weight": (
        (0.06563162, 0.4292118, 0.001538604),
        {0: -0.6872204, 16: -0.2466521, 31: 0.7522272},
    ),
    "G resnet.2.conv_0.weight": (
        (-0.01402297, 0.1667298, 0.001336079),
        {0: -0.2848125, 144: -0.03464404, 287: -0.2531794},
    ),
    "G conv_img.weight": (
        (-0.0003323121, 0.2525154, 0.001321329),
        {0: -0.3079069, 54: 0.07903421, 107: 0.09966338},
    ),
    "D conv_img.weight": (
        (0.0001066924, 0.2911977, 0.001621911),
        {0: -0.3534018, 54: 0.08729134, 107: 0.1134044},
    ),
    "D resnet.2.conv_s.weight": (
        (0.02908729, 0.5835382, 0.001488412),
        {0: -1.130487, 16: -0.1140705, 31: -0.224527},
    ),
    "D fc.weight": (
        (-0.02115932, 0.1222927, 0.001234157),
        {0: -0.194877, 256: -0.1804304, 511: -0.1882284},
    ),
}


def dirac_gan(start=0.5, **arguments):
    """The Dirac-GAN of the paper's section 2: D(x) = psi x, G = theta, data at 0."""
    constant = keras.initializers.Constant
    latents, x = keras.Input((1,)), keras.Input((1,))
    # The latent is multiplied by zero: the generator is its bias.
    nothing = kg.layers.Rescaling(0.0)(latents)
    theta = layers.Dense(1, bias_initializer=constant(start))(nothing)
    psi = layers.Dense(1, use_bias=False, kernel_initializer=constant(start))(x)
    gan = kg.R1GAN(
        (1,),
        1,
        generator=keras.Model(latents, theta),
        discriminator=keras.Model(x, psi),
        ema_decay=None,
        **arguments,
    )
    rates = {f"{p}_optimizer": keras.optimizers.SGD(0.1) for p in gan.players}
    gan.compile(**rates, jit_compile=False)
    return gan


def distance_from_equilibrium(gan):
    theta = ops.convert_to_numpy(gan.generator.trainable_weights[-1])[0]
    psi = ops.convert_to_numpy(gan.discriminator.trainable_weights[0])[0, 0]
    return float(np.hypot(theta, psi))


@pytest.mark.every_backend
def test_dirac_gan_converges_with_the_penalty_alone():
    """gamma = 1, so lambda = 1/2, at a rate of 0.1, alternating.

    Near the equilibrium, where the game is linear: without the penalty the players
    circle it for ever. (From afar this loss drifts inwards all the same, ever slower.)
    """
    data = np.zeros((1600, 1), "float32")
    found = {}
    for weight in (0.5, 0.0):
        gan = dirac_gan(start=0.01, penalty_weight=weight)
        start = distance_from_equilibrium(gan)
        gan.fit(data, batch_size=2, epochs=1, verbose=0)
        found[weight] = distance_from_equilibrium(gan) / start
    assert found[0.5] < 1e-6
    assert 0.95 < found[0.0] < 1.05


@pytest.mark.parametrize(
    ("penalty", "times"), [("real", 1), ("fake", 1), ("real_fake", 2)]
)
def test_penalty_of_a_linear_discriminator(penalty, times):
    """lambda ||w||^2 wherever it is taken: gamma / 2 with lambda for gamma / 2."""
    gan = dirac_gan(penalty=penalty, penalty_weight=10.0)
    logs = gan.evaluate(np.zeros((2, 1), "float32"), verbose=0, return_dict=True)
    assert logs["gradient_penalty"] == pytest.approx(times * 10.0 * 0.5**2)


@pytest.mark.parametrize("penalty", ["real", "fake"])
def test_where_the_slope_is_taken(penalty):
    """D(x) = x^2 / 2 has the slope x: 0 at the data, theta at the fakes."""
    gan = dirac_gan(penalty=penalty, penalty_weight=1.0)
    x = keras.Input((1,))
    square = keras.Model(x, 0.5 * layers.Dense(1, use_bias=False)(x * x))
    square.set_weights([np.ones((1, 1))])
    again = kg.R1GAN(
        (1,),
        1,
        generator=gan.generator,
        discriminator=square,
        penalty=penalty,
        penalty_weight=1.0,
    )
    again.compile()
    logs = again.evaluate(np.zeros((2, 1), "float32"), verbose=0, return_dict=True)
    expected = {"real": 0.0, "fake": 0.5**2}
    assert logs["gradient_penalty"] == pytest.approx(expected[penalty])
