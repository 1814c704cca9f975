import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gans as kg
from tests import golden
from tests.contract import SystemContract, count


class TestGAN(SystemContract):
    system = kg.GAN
    tiny = {"image_shape": (6, 6, 1), "latent_dim": 5, "hidden_units": 8}
    tiny |= {"maxout_units": 4}


def test_parameter_counts():
    gan = kg.GAN((28, 28, 1))
    assert (count(gan.generator), count(gan.discriminator)) == (2_503_984, 1_231_441)


def reference_gan(minimax):
    """Fixture F10 in our own builders: 6-d latents, 4 pixels, 5 units of 3 pieces."""
    latents, x = keras.Input((6,)), None
    x = layers.Dense(8, "relu", name="h0")(latents)
    x = layers.Dense(8, "relu", name="h1")(x)
    x = layers.Dense(4, "sigmoid", name="y")(x)
    generator = keras.Model(latents, kg.layers.Rescaling(2.0, -1.0)(x))
    images = keras.Input((4,))
    x = kg.layers.Rescaling(0.5, 0.5)(images)
    x = kg.layers.Maxout(5, 3, name="h0")(x)
    x = kg.layers.Maxout(5, 3, name="h1")(x)
    discriminator = keras.Model(images, layers.Dense(1, name="y")(x))
    for network in (generator, discriminator):
        for name in ("h0", "h1", "y"):
            layer = network.get_layer(name)
            shape = tuple(layer.kernel.shape)[::-1]
            layer.kernel.assign(golden.fill(f"{name}.weight", shape).T)
            layer.bias.assign(golden.fill(f"{name}.bias", (shape[0],)))
    return kg.GAN(
        (4,), 6, generator=generator, discriminator=discriminator, minimax=minimax
    )


F10A = {
    "L_D": [0.7150988, 0.6496542, 0.6604598],
    "L_G": [0.690882, 0.7828432, 0.7140017],
    "D(x)": [-0.07840861, 0.01756774, 0.1109588],
    "D(G)": [0.004838219, -0.1720005, -0.04045213],
    "norms": [("D", "h0/kernel", 0.1337232), ("D", "y/kernel", 0.3043515)]
    + [("G", "h0/kernel", 0.1840684), ("G", "y/bias", 0.08750703)],
    "G h0": ((0.08815137, 0.5863126, 0.004788146), {0: -0.6617869, 24: 0.04385935}),
    "G y": ((0.009479733, 0.1333274, 0.0111461), {0: -0.1532694, 2: 0.104845}),
    "D h0": ((0.07139294, 0.6988926, 0.007843734), {0: -0.793626, 59: -0.1546191}),
    "D y": ((-0.198036, 0.4548264, 0.006992091), {0: -0.1602557, 4: 0.3163755}),
    "sample": [0.3965419, 0.6081029, 0.5345189, 0.5057721],
    "score": 0.0864706,
}
F10B = {
    "L_D": [0.7150988, 0.6496622, 0.6601766],
    "L_G": [-0.6957202, -0.6108586, -0.6729758],
    "D(x)": [-0.07840861, 0.01756774, 0.1109419],
    "D(G)": [0.004838219, -0.1719655, -0.04164462],
    "norms": [("D", "h0/kernel", 0.1337232), ("D", "y/kernel", 0.3043515)]
    + [("G", "h0/kernel", 0.1910036), ("G", "y/bias", 0.08974322)],
    "G h0": ((0.08814398, 0.5862993, 0.004897694), {0: -0.6625838, 24: 0.04398447}),
    "G y": ((0.009268093, 0.133348, 0.01089448), {0: -0.1534004, 2: 0.1048692}),
    "D h0": ((0.0713932, 0.6988933, 0.007842194), {0: -0.793626, 59: -0.1546191}),
    "D y": ((-0.1980085, 0.4548507, 0.007008661), {0: -0.1602245, 4: 0.3164052}),
    "sample": [0.3965303, 0.6078906, 0.5344014, 0.5054016],
    "score": 0.08666887,
}


@pytest.mark.every_backend
@pytest.mark.parametrize(("minimax", "fixture"), [(False, F10A), (True, F10B)])
def test_train_steps_match_reference(minimax, fixture):
    """Three simultaneous updates with the paper's own optimizers."""
    gan = reference_gan(minimax)
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(
        uniform=lambda t, shape: math.sqrt(3.0) * golden.latents(t, 6)
    )
    watch = golden.Watch(gan, "discriminator")
    before = f10_tensors(gan)
    for step in range(3):
        gan.reset_metrics()
        data = 2 * golden.vectors(step, 4) - 1
        logs = gan.train_on_batch(data, return_dict=True)
        rtol = 2e-5 if step == 0 else 1e-4
        loss = float(logs["discriminator_loss"])
        assert loss == pytest.approx(fixture["L_D"][step], rel=rtol)
        loss = float(logs["generator_loss"])
        assert loss == pytest.approx(fixture["L_G"][step], rel=rtol)
        found = watch.mean_scores()
        expected = [fixture["D(G)"][step], fixture["D(x)"][step]]
        golden.close(found, expected, atol=2e-6)
    for letter, path, norm in fixture["norms"]:
        found = watch.gradients_of(
            gan, {"D": "discriminator", "G": "generator"}[letter]
        )
        assert found[path] == pytest.approx(norm, rel=2e-5), (letter, path)
    after = f10_tensors(gan)
    for key in ("G h0", "G y", "D h0", "D y"):
        moments, entries = fixture[key]
        golden.check_tensor(after[key], before[key], moments, entries, atol=1e-6)
    images = ops.convert_to_numpy(gan(math.sqrt(3.0) * golden.latents(0, 6)))
    np.testing.assert_allclose((images[1] + 1) / 2, fixture["sample"], atol=1e-6)
    score = gan.discriminator(2 * golden.vectors(0, 4) - 1, training=False)
    assert float(score[1, 0]) == pytest.approx(fixture["score"], abs=1e-6)


def f10_tensors(gan):
    tensors = {
        "G h0": gan.generator.get_layer("h0").kernel,
        "G y": gan.generator.get_layer("y").bias,
        "D h0": gan.discriminator.get_layer("h0").kernel,
        "D y": gan.discriminator.get_layer("y").kernel,
    }
    return {
        k: golden.to_torch(ops.convert_to_numpy(v)).copy() for k, v in tensors.items()
    }


def test_undecided_discriminator_costs_log_two():
    gan = kg.GAN((3,), 2, 4, 2)
    for weight in gan.discriminator.get_layer("logits").weights:
        weight.assign(ops.zeros_like(weight))
    gan.compile()
    logs = gan.evaluate(np.array([[-0.5, 0, 0.5]] * 4), verbose=0, return_dict=True)
    assert logs["discriminator_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert logs["generator_loss"] == pytest.approx(math.log(2), abs=1e-6)


def test_adapt_starts_from_the_mean_image():
    rng = np.random.default_rng(0)
    images = (rng.uniform(0, 255, (1, 6, 6, 1)) * np.ones((50, 1, 1, 1))).astype(
        "uint8"
    )
    gan = kg.GAN((6, 6, 1), ema_decay=0.9)
    gan.adapt(images)
    drawn = gan.sample(400, seed=0).mean(axis=0)
    expected = images[0] / 127.5 - 1
    assert np.abs(drawn - expected).mean() < 0.1
    fresh = kg.GAN((6, 6, 1)).sample(400, seed=0).mean(axis=0)
    assert np.abs(fresh - expected).mean() > 0.3


def test_adapt_refuses_a_network_without_the_bias():
    gan = kg.GAN(
        (2,), 2, generator=keras.Sequential([layers.Input((2,)), layers.Dense(2)])
    )
    with pytest.raises(ValueError, match="output bias"):
        gan.adapt(np.zeros((2, 2), "float32"))


def test_rate_decays_to_its_floor():
    from keras_gans.models.gan import FlooredExponentialDecay

    rate = FlooredExponentialDecay(0.1, 1.000004, 1e-6)
    assert float(rate(1_000_000)) == pytest.approx(1.83e-3, rel=2e-3)
    assert float(rate(10_000_000)) == pytest.approx(1e-6)


def test_momentum_rises_from_a_half_to_seven_tenths():
    from keras_gans.models.gan import RisingMomentumSGD

    for epoch, momentum in ((0, 0.5), (1, 0.5), (125.5, 0.6), (250, 0.7), (400, 0.7)):
        weight = keras.Variable([0.0])
        optimizer = RisingMomentumSGD(0.0)
        optimizer.build([weight])
        optimizer.momentums[0].assign([1.0])
        optimizer.iterations.assign(int(epoch * 500))
        optimizer.apply([ops.ones((1,))], [weight])
        assert float(weight[0]) == pytest.approx(momentum, abs=1e-6)


def test_uniform_latents_cannot_be_truncated():
    with pytest.raises(ValueError, match="no tail"):
        kg.GAN((2,), 2, 4, 2).sample(1, truncation=0.5)


def test_latents_have_unit_variance():
    gan = kg.GAN((2,), 50, 4, 2)
    z = ops.convert_to_numpy(gan.draw_latents(1000, gan.seeds))
    assert np.abs(z).max() <= math.sqrt(3)
    assert z.var() == pytest.approx(1.0, abs=0.02)
