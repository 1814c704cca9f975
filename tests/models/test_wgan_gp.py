import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests import golden
from tests.contract import SystemContract, count

GENERATOR_KEYS = {"deconv_0": "deconv2", "deconv_1": "deconv3", "to_image": "deconv5"}
CRITIC_KEYS = {"conv_0": "conv1", "conv_1": "conv2", "conv_2": "conv3"}


class TestWGANGP(SystemContract):
    system = kg.WGANGP
    tiny = {
        "image_shape": (28, 28, 1),
        "latent_dim": 6,
        "base_channels": 2,
        "critic_steps": 2,
    }


def test_parameter_counts():
    mnist = kg.WGANGP((28, 28, 1))
    assert (count(mnist.generator), count(mnist.critic)) == (1_554_177, 1_030_145)
    cifar = kg.WGANGP((32, 32, 3), base_channels=128)
    assert (count(cifar.generator), count(cifar.critic)) == (5_179_907, 4_114_689)
    resnet = kg.WGANGP((32, 32, 3), architecture="resnet")
    assert (count(resnet.generator), count(resnet.critic)) == (1_204_483, 1_053_825)


@pytest.mark.parametrize("architecture", ["conv", "resnet"])
@pytest.mark.parametrize("side", [16, 28, 32, 64])
def test_sizes(architecture, side):
    arguments = {"latent_dim": 3, "base_channels": 2, "architecture": architecture}
    if architecture == "resnet" and side == 28:
        side = 128
    gan = kg.WGANGP((side, side, 3), **arguments)
    images = gan.sample(2, seed=0)
    assert images.shape == (2, side, side, 3)
    assert gan.critic(images).shape == (2, 1)


def test_feature_maps_of_the_mnist_network():
    generator = kg.WGANGP((28, 28, 1)).generator
    shapes = [layer.output.shape[1] for layer in generator.layers[3:] if _is_map(layer)]
    assert sorted(set(shapes)) == [4, 7, 8, 14, 28]


def _is_map(layer):
    return len(layer.output.shape) == 4


def test_impossible_sizes():
    for shape in ((30, 30, 1), (32, 64, 3), (8, 8, 1), (4,)):
        with pytest.raises(ValueError, match="28x28"):
            kg.WGANGP(shape)
    with pytest.raises(ValueError, match="'conv', 'resnet' or 'mlp'"):
        kg.WGANGP((32, 32, 1), architecture="vit")


def test_gradient_penalty_is_finite_at_zero_slope():
    gan = kg.WGANGP((2,), 2, "mlp", 4, critic_steps=1)
    for weight in gan.critic.trainable_weights:
        weight.assign(ops.zeros_like(weight))
    gan.compile()
    gan.train_on_batch(np.array([[0.1, -0.2], [0.3, -0.4]], "float32"))
    for weight in gan.critic.trainable_weights:
        assert np.isfinite(ops.convert_to_numpy(weight)).all()


def reference_wgan_gp():
    gan = kg.WGANGP((28, 28, 1), latent_dim=8, base_channels=4, critic_steps=2)
    for network, keys in ((gan.generator, GENERATOR_KEYS), (gan.critic, CRITIC_KEYS)):
        for name, key in keys.items():
            golden.set_layer(network.get_layer(name), key)
    dense = gan.generator.get_layer("input")
    kernel = golden.fill("input.weight", (256, 8)).T.reshape(8, 16, 4, 4)
    dense.kernel.assign(kernel.transpose(0, 2, 3, 1).reshape(8, 256))
    bias = golden.fill("input.bias", (256,)).reshape(16, 4, 4)
    dense.bias.assign(bias.transpose(1, 2, 0).reshape(-1))
    score = gan.critic.get_layer("score")
    kernel = golden.fill("output.weight", (1, 256)).reshape(1, 16, 4, 4)
    score.kernel.assign(kernel.transpose(2, 3, 1, 0).reshape(256, 1))
    score.bias.assign(golden.fill("output.bias", (1,)))
    return gan


def reference_tensors(gan):
    """The tensors of fixture F3, flat in the reference's order."""
    found = {}
    dense = ops.convert_to_numpy(gan.generator.get_layer("input").kernel)
    dense = dense.reshape(8, 4, 4, 16).transpose(3, 1, 2, 0).reshape(-1)
    found["G input.weight"] = dense.copy()
    score = ops.convert_to_numpy(gan.critic.get_layer("score").kernel)
    score = score.reshape(4, 4, 16, 1).transpose(3, 2, 0, 1).reshape(-1)
    found["D output.weight"] = score.copy()
    for network, name, key in (
        (gan.generator, "deconv_0", "G deconv2.weight"),
        (gan.generator, "to_image", "G deconv5.weight"),
        (gan.critic, "conv_0", "D conv1.weight"),
        (gan.critic, "conv_2", "D conv3.weight"),
    ):
        kernel = ops.convert_to_numpy(network.get_layer(name).kernel)
        found[key] = golden.to_torch(kernel).copy()
    return found


@pytest.mark.every_backend
def test_train_steps_match_reference():
    """Fixture F3: two steps of two critic updates and one of the generator."""
    gan = reference_wgan_gp()
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(
        normal=lambda t, shape: golden.latents(t, 8),
        uniform=lambda t, shape: golden.coefficients(t).reshape(4, 1, 1, 1),
    )
    watch = golden.Watch(gan, "critic")
    slopes = golden.watch_penalties(gan)
    before = reference_tensors(gan)
    # The fixture's "unit images" are these, mapped from [-1, 1] inside the critic.
    expected = [
        # E D(x), E D(G), penalty, of both critic updates; then the generator's cost.
        ((0.2356391, 0.02230404, 0.003852203), (0.0292875, 0.07309654, 0.0004342996)),
        ((0.306786, 0.03052622, 0.004275929), (0.1757179, 0.06744086, 0.003270958)),
    ]
    generator_costs = [0.02747166, 0.02927853]
    for step in range(2):
        draws = range(2 * step, 2 * step + 2)
        data = np.concatenate([golden.images(t, 28, 1) for t in draws])
        gan.reset_metrics()
        logs = gan.train_on_batch(data, return_dict=True)
        scores = watch.mean_scores()
        # The critic also scores the blend; its mean is not in the fixture.
        _, real_1, fake_1, _, real_2, fake_2, generated = scores
        found = [(real_1, fake_1), (real_2, fake_2)]
        for k in range(2):
            rtol = 2e-5 if step == k == 0 else 1e-4
            golden.close(found[k], expected[step][k][:2], rtol=rtol)
            np.testing.assert_allclose(slopes.pop(0), expected[step][k][2], rtol=5e-4)
        golden.close([-generated], [generator_costs[step]], rtol=1e-4)
        loss = float(logs["generator_loss"])
        assert loss == pytest.approx(generator_costs[step], rel=1e-4)

    norms = {
        "conv_0/kernel": 0.8325311,
        "conv_2/kernel": 2.051433,
        "score/kernel": 2.202694,
        "input/kernel": 0.08509099,
        "deconv_0/kernel": 0.4883773,
        "to_image/kernel": 0.1624648,
    }
    for path, norm in norms.items():
        rtol = 2e-5 if path.startswith(("conv", "score")) else 1e-4
        assert watch.gradients[path] == pytest.approx(norm, rel=rtol), path
    assert watch.gradients["score/bias"] == 0

    statistics = {
        "G input.weight": (
            (-0.007956582, 0.5041524, 0.0001622243),
            {0: 0.5090276, 1024: -0.407331, 2047: -0.5799533},
        ),
        "G deconv2.weight": (
            (-0.001598494, 0.0990915, 0.0001735656),
            {0: -0.125889, 1600: 0.172392, 3199: -0.1154882},
        ),
        "G deconv5.weight": (
            (0.004818867, 0.2676382, 0.0001902047),
            {0: 0.2986728, 50: 0.4793069, 99: 0.3210301},
        ),
        "D conv1.weight": (
            (-0.009985241, 0.2839235, 0.0002772459),
            {0: -0.4358787, 50: 0.3017272, 99: 0.1895257},
        ),
        "D conv3.weight": (
            (0.0008366586, 0.09940243, 0.0002580221),
            {0: -0.1578506, 1600: -0.1696997, 3199: 0.1530828},
        ),
        "D output.weight": (
            (0.003206831, 0.08609253, 0.0002506313),
            {0: -0.1110513, 128: 0.0004389663, 255: -0.0267375},
        ),
    }
    after = reference_tensors(gan)
    for key, (moments, entries) in statistics.items():
        atol = 0.02 * 1e-4 * (4 if key.startswith("D") else 2)
        golden.check_tensor(after[key], before[key], moments, entries, atol=atol)
    images = ops.convert_to_numpy(gan(golden.latents(0, 8)))
    unit = (images[1, 13, 15, 0] + 1) / 2
    assert unit == pytest.approx(0.526334, abs=8e-6)
    score = gan.critic(golden.images(0, 28, 1), training=False)
    assert float(score[1, 0]) == pytest.approx(0.1103444, abs=8e-6)


def test_resnet_trains_with_a_doubled_generator_batch():
    gan = kg.WGANGP((16, 16, 1), 4, "resnet", 2, critic_steps=1)
    gan.compile()
    sizes = []
    generate = gan.generate
    object.__setattr__(
        gan,
        "generate",
        lambda like, **k: sizes.append(like.shape[0]) or generate(like, **k),
    )
    gan.train_on_batch(np.zeros((4, 16, 16, 1), "float32"))
    assert sizes[0] == 4 and sizes[-1] == 8
    rate = gan.generator_optimizer.learning_rate
    assert float(ops.convert_to_numpy(rate)) == pytest.approx(2e-4, rel=1e-4)


@pytest.mark.slow
def test_learns_the_ring_of_eight_gaussians():
    """All modes, and at least 90 % of samples within three sigma of one."""
    rng = np.random.default_rng(0)
    angles = np.arange(8) * np.pi / 4
    centres = 0.7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    sigma = 0.02
    data = centres[rng.integers(0, 8, 40_000)] + sigma * rng.normal(size=(40_000, 2))
    # The penalty's scale is that of the data: 10 suits images, whose distances are
    # large; on a ring of radius 0.7 it holds the critic too flat to see the modes.
    gan = kg.WGANGP((2,), 2, "mlp", 128, penalty_weight=0.1, ema_decay=0.99)
    decay = keras.optimizers.schedules.PolynomialDecay
    updates = 120 * (len(data) // (256 * 5))
    gan.compile(
        critic_optimizer=keras.optimizers.Adam(
            decay(1e-3, 5 * updates, 1e-5), 0.5, 0.9
        ),
        generator_optimizer=keras.optimizers.Adam(decay(1e-3, updates, 1e-5), 0.5, 0.9),
    )
    gan.fit(data.astype("float32"), batch_size=256, epochs=120, verbose=0)
    samples = gan.sample(10_000, seed=0, batch_size=10_000)
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    near = distances.min(axis=1) <= 3 * sigma
    hits = np.bincount(distances.argmin(axis=1)[near], minlength=8)
    print(f"within three sigma: {near.mean():.3f}; per mode: {hits}")
    assert (hits > 100).all()
    assert near.mean() >= 0.9
