import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests import golden
from tests.contract import SystemContract, count

# martinarjovsky/WassersteinGAN:models/dcgan.py with isize 32.
GENERATOR_KEYS = {
    "project": "main.initial:16-32:convt",
    "project_norm": "main.initial:32:batchnorm",
    "up_0": "main.pyramid:32-16:convt",
    "up_0_norm": "main.pyramid:16:batchnorm",
    "up_1": "main.pyramid:16-8:convt",
    "up_1_norm": "main.pyramid:8:batchnorm",
    "to_image": "main.final:8-3:convt",
}
CRITIC_KEYS = {
    "down_0": "main.initial:3-8:conv",
    "down_1": "main.pyramid:8-16:conv",
    "down_1_norm": "main.pyramid:16:batchnorm",
    "down_2": "main.pyramid:16-32:conv",
    "down_2_norm": "main.pyramid:32:batchnorm",
    "score": "main.final:32-1:conv",
}


class TestWGAN(SystemContract):
    system = kg.WGAN
    # What its weights are a little beside is clipped before it is judged.
    detached = ("critic",)
    tiny = {
        "image_shape": (16, 16, 1),
        "latent_dim": 6,
        "base_channels": 4,
        "critic_steps": 2,
    }
    clips = True


def test_parameter_counts():
    gan = kg.WGAN((64, 64, 3))
    assert (count(gan.generator), count(gan.critic)) == (3_576_704, 2_765_568)
    small = kg.WGAN((32, 32, 3))
    assert (count(small.generator), count(small.critic)) == (1_068_928, 663_296)
    mlp = kg.WGAN((64, 64, 3), architecture="mlp")
    assert (count(mlp.generator), count(mlp.critic)) == (6_880_768, 794_881)


def test_unknown_architecture():
    with pytest.raises(ValueError, match="'dcgan' or 'mlp'"):
        kg.WGAN((32, 32, 3), architecture="resnet")


def test_train_steps_match_reference():
    """Fixture F2a: two steps of two critic updates and one of the generator."""
    gan = kg.WGAN((32, 32, 3), latent_dim=16, base_channels=8, critic_steps=2)
    keyed = [(gan.generator, GENERATOR_KEYS, "G"), (gan.critic, CRITIC_KEYS, "D")]
    for network, keys, _ in keyed:
        for name, key in keys.items():
            golden.set_layer(network.get_layer(name), key)
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: golden.latents(t, 16))
    watch = golden.Watch(gan, "critic")
    before = {k: golden.trained_tensor(n, keys, k[2:]) for k, n, keys in tensors(keyed)}

    # c1 real, c1 fake, c2 real, c2 fake, G.
    expected = [
        [-0.002017172, -0.001853766, -0.001865653, -0.002022798, -0.00242902],
        [-0.001778879, -0.002193543, -0.001741083, -0.002186454, -0.002244913],
    ]
    for step in range(2):
        draws = range(2 * step, 2 * step + 2)
        gan.train_on_batch(np.concatenate([golden.images(t, 32, 3) for t in draws]))
        means = watch.mean_scores()
        golden.close(means, expected[step], rtol=2e-3)
        if step == 0:
            golden.close(means[:2], expected[0][:2], rtol=2e-5)

    norms = {
        "down_0/kernel": 0.02468473,
        "down_1_norm/beta": 0.008017656,
        "score/kernel": 0.02251603,
        "project/kernel": 0.003898004,
        "up_0_norm/gamma": 0.0002566397,
        "to_image/kernel": 0.0009122476,
    }
    for path, norm in norms.items():
        rtol = 2e-5 if path.startswith(("down", "score")) else 2e-3
        assert watch.gradients[path] == pytest.approx(norm, rel=rtol), path
    largest = max(np.abs(ops.convert_to_numpy(v)).max() for v in gan.critic.weights[:1])
    assert largest < 0.0106

    statistics = {
        "G main.initial:16-32:convt.weight": (
            (-0.001359416, 0.06207373, 0.0006930986),
            {0: -0.02467177, 4096: 0.09323696, 8191: -0.005633313},
        ),
        "G main.pyramid:16:batchnorm.weight": (
            (1.00777, 0.1029426, 0.0007979381),
            {0: 1.047895, 8: 1.136862, 15: 0.9815537},
        ),
        "G main.final:8-3:convt.weight": (
            (-0.004511371, 0.2007443, 0.0007504159),
            {0: 0.3247005, 192: 0.1378993, 383: 0.1697972},
        ),
        "D main.initial:3-8:conv.weight": (
            (-0.0001795522, 0.00956745, 0.1965887),
            {0: -0.009401068, 192: -0.0102861, 383: -0.01030155},
        ),
        "D main.pyramid:16:batchnorm.bias": (
            (0.002071736, 0.008977036, 0.1057672),
            {0: 0.00983797, 8: 0.008726789, 15: 0.00049982},
        ),
        "D main.final:32-1:conv.weight": (
            (-0.0006449216, 0.009351593, 0.05459035),
            {0: -0.01007737, 256: -0.008750601, 511: 0.008697683},
        ),
    }
    after = {k: golden.trained_tensor(n, keys, k[2:]) for k, n, keys in tensors(keyed)}
    for key, (moments, entries) in statistics.items():
        golden.check_tensor(after[key], before[key], moments, entries, atol=5e-5)
    norm = gan.critic.get_layer("down_1_norm")
    means = ops.convert_to_numpy(norm.moving_mean)[:2]
    np.testing.assert_allclose(means, [0.02989163, -0.05751634], atol=1e-5)
    images = ops.convert_to_numpy(gan(golden.latents(0, 16)))
    expected = [-0.05683964, -0.01768895, -0.2106652]
    np.testing.assert_allclose(images[1, 3, 5], expected, atol=1e-4)


def tensors(keyed):
    names = [
        "G main.initial:16-32:convt.weight",
        "G main.pyramid:16:batchnorm.weight",
        "G main.final:8-3:convt.weight",
        "D main.initial:3-8:conv.weight",
        "D main.pyramid:16:batchnorm.bias",
        "D main.final:32-1:conv.weight",
    ]
    by_letter = {letter: (network, keys) for network, keys, letter in keyed}
    return [(name, *by_letter[name[0]]) for name in names]


def tiny_gan(**changes):
    arguments = {"latent_dim": 4, "architecture": "mlp", "base_channels": 4}
    return kg.WGAN((4,), hidden_units=4, **{**arguments, **changes})


def points(count):
    return np.random.default_rng(0).uniform(-1, 1, (count, 4)).astype("float32")


def test_critic_stays_clipped_up_to_one_update():
    gan = tiny_gan(clip=0.05)
    gan.compile()
    gan.fit(points(200), batch_size=8, epochs=2, verbose=0)
    # RMSprop's first step is ten times its rate, later ones are smaller.
    for weight in gan.critic.trainable_weights:
        assert np.abs(ops.convert_to_numpy(weight)).max() <= 0.05 + 10 * 5e-5 + 1e-6


def test_warm_up_follows_the_authors_schedule():
    """100 critic updates for each of the first 25 generator updates, then 5."""
    gan = tiny_gan(critic_warm_up=True)
    gan.compile(jit_compile=False)
    critic_updates_at = []
    data = points(40)
    steps = 0
    while int(ops.convert_to_numpy(gan.generator_updates)) < 26 and steps < 600:
        before = int(ops.convert_to_numpy(gan.generator_updates))
        gan.train_on_batch(data)
        steps += 1
        if int(ops.convert_to_numpy(gan.generator_updates)) > before:
            critic_updates_at.append(steps * 5)
    waits = np.diff([0, *critic_updates_at])
    assert list(waits) == [100] * 25 + [5]


def test_warm_up_counters_are_saved(tmp_path):
    gan = tiny_gan(critic_warm_up=True)
    gan.compile()
    for _ in range(3):
        gan.train_on_batch(points(40))
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert int(ops.convert_to_numpy(again.critic_updates)) == 15


def test_generator_waits_whole_while_it_waits():
    gan = tiny_gan(critic_warm_up=True, ema_decay=0.5, clip=0.5, base_channels=16)
    gan.compile()
    held = [ops.convert_to_numpy(w).copy() for w in gan.generator.weights]
    slots = [
        ops.convert_to_numpy(v).copy()
        for v in gan.generator_optimizer.variables
        if "learning_rate" not in v.path
    ]
    for _ in range(19):
        gan.train_on_batch(points(40))
    for old, new in zip(held, gan.generator.weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))
    now = [
        v for v in gan.generator_optimizer.variables if "learning_rate" not in v.path
    ]
    for old, new in zip(slots, now, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))
    gan.train_on_batch(points(40))
    assert np.abs(held[0] - ops.convert_to_numpy(gan.generator.weights[0])).max() > 0


def test_constant_added_to_the_critic_changes_no_loss_difference():
    real, fake = ops.array([[1.0], [-1.0]]), ops.array([[0.5], [-2.0]])
    plain = kg.losses.wasserstein.critic(real, fake)
    shifted = kg.losses.wasserstein.critic(real + 3.0, fake + 3.0)
    assert float(plain) == pytest.approx(float(shifted), abs=1e-6)


def test_batch_must_split_into_critic_steps():
    gan = tiny_gan()
    gan.compile()

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return points(64)

    with pytest.raises(ValueError, match="multiple of 5"):
        gan.fit(Batches(), verbose=0)
