import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests import golden
from tests.contract import SystemContract, count

# Our layer to the key of the reference (pytorch/examples:dcgan/main.py).
GENERATOR_KEYS = {
    "project": "main.0",
    "project_norm": "main.1",
    "up_0": "main.3",
    "up_0_norm": "main.4",
    "up_1": "main.6",
    "up_1_norm": "main.7",
    "up_2": "main.9",
    "up_2_norm": "main.10",
    "to_image": "main.12",
}
DISCRIMINATOR_KEYS = {
    "down_0": "main.0",
    "down_1": "main.2",
    "down_1_norm": "main.3",
    "down_2": "main.5",
    "down_2_norm": "main.6",
    "down_3": "main.8",
    "down_3_norm": "main.9",
    "score": "main.11",
}


class TestDCGAN(SystemContract):
    system = kg.DCGAN
    tiny = {"image_shape": (16, 16, 1), "latent_dim": 6, "base_channels": 4}


def reference_dcgan():
    gan = kg.DCGAN((64, 64, 3), latent_dim=16, base_channels=8)
    for network, keys in (
        (gan.generator, GENERATOR_KEYS),
        (gan.discriminator, DISCRIMINATOR_KEYS),
    ):
        for name, key in keys.items():
            golden.set_layer(network.get_layer(name), key)
    return gan


def test_parameter_counts():
    gan = kg.DCGAN((64, 64, 3))
    assert count(gan.generator) == 3_576_704
    assert count(gan.discriminator) == 2_765_568
    grey = kg.DCGAN((64, 64, 1))
    assert (count(grey.generator), count(grey.discriminator)) == (3_574_656, 2_763_520)


@pytest.mark.parametrize("side", [8, 28, 32, 64, 128])
def test_sizes(side):
    gan = kg.DCGAN((side, side, 3), latent_dim=4, base_channels=2)
    images = gan.sample(2, seed=0)
    assert images.shape == (2, side, side, 3)
    assert gan.discriminator(images).shape == (2, 1)


def test_sides_may_differ():
    assert kg.DCGAN((32, 64, 1), 4, 2).sample(1, seed=0).shape == (1, 32, 64, 1)


@pytest.mark.parametrize("shape", [(30, 30, 1), (4, 4, 1), (32, 36, 1), (32, 32)])
def test_impossible_sizes_name_possible_ones(shape):
    with pytest.raises(ValueError, match="sides among|height, width, channels"):
        kg.DCGAN(shape)


def test_generator_forward_matches_reference():
    gan = reference_dcgan()
    images = ops.convert_to_numpy(gan(golden.latents(0, 16, batch=2)))
    assert images.mean() == pytest.approx(0.021813, abs=2e-6)
    assert images.std() == pytest.approx(0.230848, abs=2e-6)
    expected = [0.157614, -0.003311, 0.189869]
    np.testing.assert_allclose(images[1, 3, 5], expected, atol=2e-6)


def test_discriminator_forward_matches_reference():
    gan = reference_dcgan()
    logits = gan.discriminator(golden.images(0, 64, 3, batch=2), training=False)
    scores = ops.convert_to_numpy(ops.sigmoid(logits))[:, 0]
    np.testing.assert_allclose(scores, [0.639952, 0.433653], atol=2e-6)


def test_train_step_matches_reference():
    """Fixture F1: losses, gradients, and weights after two steps."""
    gan = reference_dcgan()
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: golden.latents(t, 16))
    watch = golden.Watch(gan, "discriminator")
    rates = {"discriminator_loss": [1.809494, 1.214688]}
    rates["generator_loss"] = [1.707056, 1.099632]
    before = weights_by_key(gan)
    for step in range(2):
        gan.reset_metrics()
        logs = gan.train_on_batch(golden.images(step, 64, 3), return_dict=True)
        for name, expected in rates.items():
            rtol = 2e-5 if name == "discriminator_loss" and step == 0 else 1e-4
            assert float(logs[name]) == pytest.approx(expected[step], rel=rtol)

    norms = {
        "discriminator/down_0/kernel": 2.928724,
        "discriminator/down_2/kernel": 4.598268,
        "discriminator/score/kernel": 9.710206,
        "generator/project/kernel": 22.35825,
        "generator/up_0_norm/gamma": 0.9535076,
        "generator/to_image/kernel": 3.292628,
    }
    for path, norm in norms.items():
        rtol = 2e-5 if path.startswith("discriminator") else 1e-4
        assert watch.gradients[norm_path(path)] == pytest.approx(norm, rel=rtol), path

    after = weights_by_key(gan)
    # key: mean, std, entries by flat index, rms of the change.
    expected = {
        "G main.0.weight": (
            (0.0003009383, 0.04438996, 0.0003053157),
            {0: 0.03144355, 8192: -0.01908705, 16383: 0.0452186},
        ),
        "G main.4.weight": (
            (0.9847581, 0.1030376, 0.0003331784),
            {0: 1.115627, 16: 1.065427, 31: 0.8372815},
        ),
        "G main.12.weight": (
            (0.002137238, 0.2026614, 0.0003137645),
            {0: -0.06364564, 192: 0.2932558, 383: 0.2788565},
        ),
        "D main.0.weight": (
            (-0.005260617, 0.2001957, 0.0003230298),
            {0: 0.1431036, 192: 0.339565, 383: -0.3353699},
        ),
        "D main.5.weight": (
            (-0.0009702611, 0.08842824, 0.0003132031),
            {0: 0.06304386, 4096: 0.1477097, 8191: 0.03961887},
        ),
        "D main.11.weight": (
            (-0.002007144, 0.0425819, 0.0003028879),
            {0: -0.01200817, 512: 0.03281852, 1023: 0.02642365},
        ),
    }
    for key, (statistics, entries) in expected.items():
        golden.check_tensor(
            after[key], before[key], statistics, entries, atol=0.02 * 2e-4 * 2
        )
    norm = gan.generator.get_layer("project_norm")
    means = ops.convert_to_numpy(norm.moving_mean)[:2]
    variances = ops.convert_to_numpy(norm.moving_variance)[:2]
    np.testing.assert_allclose(means, [0.09346867, 0.02577695], atol=1e-6)
    np.testing.assert_allclose(variances, [1.181983, 1.122207], atol=2e-6)
    norm = gan.discriminator.get_layer("down_1_norm")
    means = ops.convert_to_numpy(norm.moving_mean)[:2]
    variances = ops.convert_to_numpy(norm.moving_variance)[:2]
    np.testing.assert_allclose(means, [0.06141018, -0.2629209], atol=2e-5)
    np.testing.assert_allclose(variances, [0.6441403, 0.8280575], atol=2e-5)
    images = ops.convert_to_numpy(gan(golden.latents(0, 16)))
    expected = [0.1104738, -0.01121937, 0.1051273]
    np.testing.assert_allclose(images[1, 3, 5], expected, atol=2e-5)
    logits = gan.discriminator(golden.images(0, 64, 3), training=False)
    assert float(logits[1, 0]) == pytest.approx(-0.1049872, abs=2e-5)


def weights_by_key(gan):
    found = {}
    for letter, network, keys in (
        ("G", gan.generator, GENERATOR_KEYS),
        ("D", gan.discriminator, DISCRIMINATOR_KEYS),
    ):
        for name, key in keys.items():
            weight = network.get_layer(name).trainable_weights[0]
            tensor = golden.to_torch(ops.convert_to_numpy(weight))
            found[f"{letter} {key}.weight"] = tensor.copy()
    return found


def norm_path(path):
    network, layer, leaf = path.split("/")
    return f"{layer}/{leaf}"


def test_discriminator_judges_within_its_batch_while_training():
    """Batch normalisation: another neighbour, another score."""
    gan = kg.DCGAN((16, 16, 1), 4, 4)
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-1, 1, (2, 4, 16, 16, 1)).astype("float32")
    mixed = np.concatenate([a[:1], b[1:]])
    first = [gan.discriminator(x, training=True)[0, 0] for x in (a, mixed)]
    assert abs(float(first[0] - first[1])) > 1e-6
    still = [gan.discriminator(x, training=False)[0, 0] for x in (a, mixed)]
    assert float(still[0]) == pytest.approx(float(still[1]), abs=1e-7)


def test_receptive_field_of_the_discriminator():
    """94 pixels through the 4x4 kernels of four halvings and the last layer."""
    critic = kg.DCGAN((128, 128, 1), 4, 1).discriminator
    before_score = keras.Model(critic.input, critic.get_layer("down_3_relu").output)
    from keras_gans.core.gradients import input_gradient

    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(1, 128, 128, 1)))
    x = ops.cast(x, "float32")
    slope = input_gradient(lambda t: before_score(t, training=False)[:, 4, 4], x)
    rows = np.flatnonzero(np.abs(ops.convert_to_numpy(slope)).sum((0, 2, 3)))
    assert rows.max() - rows.min() + 1 == 46
