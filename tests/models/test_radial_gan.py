import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import losses
from keras_gans.converters import loading
from keras_gans.core import gradients
from keras_gans.models import radial_gan
from keras_gans.models.radial_gan import system as radial
from tests import golden
from tests.contract import SystemContract, assert_equal, count, on_tensorflow, state_of

WIDTHS = (5, 4, 3)


def cosines(batch, width):
    """txt(batch, width) of the fixtures."""
    j, b = np.arange(width), np.arange(batch)[:, None]
    return np.cos(0.3 * j + 2 * b + 1)


def rows_of(widths, batch):
    return tuple(
        (cosines(batch, width) + 0.5 * i).astype("float32")
        for i, width in enumerate(widths)
    )


def labels_of(domains, batch):
    return tuple(((np.arange(batch) + i) % 2).astype("int32") for i in range(domains))


class RadialContract(SystemContract):
    """The generic checks, for rows of three domains in the place of images."""

    system = kg.RadialGAN
    struck = "generator_1"

    @classmethod
    def batch(cls, count):
        widths = cls.tiny["domains"]
        return rows_of(widths, count), labels_of(len(widths), count)

    @classmethod
    def inputs(cls, gan, count):
        rows, labels = cls.batch(count)
        return rows[0], labels[0]

    @classmethod
    def drawn(cls, gan, count, seed=1):
        rows, labels = cls.batch(count)
        return gan.translate(rows[2], 2, 0, labels[2])

    @classmethod
    def served(cls, gan, signatures, count):
        import tensorflow as tf

        rows, labels = cls.batch(count)
        columns = {f"feature_{i}": tf.constant(rows[2][:, i]) for i in range(3)}
        told = tf.constant(labels[2], tf.float32)
        answer = signatures["translate_domain_2_to_domain_0"](label=told, **columns)
        np.testing.assert_array_equal(answer.pop("label"), labels[2])
        found = np.stack([answer[f"feature_{i}"] for i in range(5)], axis=1)
        return found, cls.drawn(gan, count)

    @staticmethod
    def replica_order(data, updates, replicas):
        order = np.arange(len(data[0][0])).reshape(updates, replicas, -1)
        order = order.transpose(1, 0, 2).reshape(-1)
        return keras.tree.map_structure(lambda part: part[order], data)

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        rows, labels = self.batch(5)
        many = trained.translate(rows[0], 0, 1, labels[0], batch_size=2)
        few = trained.translate(rows[0][:2], "domain_0", "domain_1", labels[0][:2])
        assert many.dtype == np.float32 and many.shape == (5, 4)
        np.testing.assert_allclose(many[:2], few, atol=1e-6)

    @on_tensorflow
    def test_replicas_draw_different_latents(self):
        pytest.skip("No network draws anything; blends are the kernel's uniforms.")


class TestRadialGAN(RadialContract):
    tiny = {"domains": list(WIDTHS), "hidden_units": 3, "latent_dim": 2}


class Critics(kg.RadialGAN):
    """Two domains, in the WGAN form."""

    players = radial._players(2)
    reports = radial._reports(2, penalised=True)


class CriticsContract(RadialContract):
    """Not run whole, for its time: its steps are those of the other game."""

    system = Critics
    tiny = {
        "domains": [3, 2],
        "hidden_units": 3,
        "latent_dim": 2,
        "adversarial": "wgan_gp",
        "critic_steps": 2,
    }


def test_critics_train():
    contract = CriticsContract()
    contract.test_update_moves_its_player_and_no_other(contract.after_sgd())
    gan = contract.fitted(2)
    contract.test_logs_are_the_reports(gan)
    contract.test_validation_and_evaluate(gan)


@on_tensorflow
def test_critics_train_alike_on_two_replicas():
    one = CriticsContract._one_step_on(replicas=1, jit_compile=False)
    CriticsContract().test_two_replicas_equal_one(one)


def layout(network):
    """Places under the names of the fixture, which are a torch sequence's."""
    hidden, out = (x for x in network.layers if isinstance(x, keras.layers.Dense))
    return {
        "0.weight": (hidden.kernel, loading.dense),
        "0.bias": (hidden.bias, loading.same),
        "2.weight": (out.kernel, loading.dense),
        "2.bias": (out.bias, loading.same),
    }


@pytest.fixture(scope="module")
def reference():
    gan = kg.RadialGAN(WIDTHS, hidden_units=6, latent_dim=6)
    prefixes = {"encoder": "enc", "decoder": "dec", "discriminator": "disc"}
    for name in gan.networks:
        role, number = name.split("_")
        places = layout(getattr(gan, name))
        arrays = {
            key: golden.fill(
                f"{prefixes[role]}.{number}.{key}", tuple(variable.shape)[::-1]
            )
            for key, (variable, _) in places.items()
        }
        loading.assign(places, arrays)
    return gan


@pytest.mark.every_backend
def test_losses_match_reference(reference):
    """R1, R2."""
    reference.compile()
    found = reference.evaluate(
        rows_of(WIDTHS, 4), labels_of(3, 4), batch_size=4, verbose=0, return_dict=True
    )
    told = [found[f"discriminator_loss_{i}"] for i in range(3)]
    np.testing.assert_allclose(told, [1.504056, 1.144224, 1.548989], rtol=1e-4)
    assert sum(told) == pytest.approx(4.197269, rel=1e-4)
    taken = [found[f"adversarial_loss_{i}"] for i in range(3)]
    np.testing.assert_allclose(taken, [0.670705, 1.441918, 0.597971], rtol=1e-4)
    missed = [found[f"cycle_loss_{i}"] / 0.1 for i in range(3)]
    np.testing.assert_allclose(missed, [1.244737, 1.023054, 1.728738], rtol=1e-4)
    both = [found[f"adversarial_loss_{i}"] + found[f"cycle_loss_{i}"] for i in range(3)]
    np.testing.assert_allclose(both, [0.795178, 1.544223, 0.770845], rtol=1e-4)


@pytest.mark.every_backend
def test_translations_match_reference(reference):
    """R3."""
    rows, labels = rows_of(WIDTHS, 4), labels_of(3, 4)
    first = reference.translate(rows[0], 0, 1, labels[0])
    expected = [-0.851486, -0.398901, -0.985313, -0.818946]
    np.testing.assert_allclose(first[0], expected, rtol=1e-4, atol=1e-5)
    second = reference.translate(rows[2], 2, 0, labels[2])
    expected = [1.067211, -0.260982, -0.027116, 1.653425, -0.640937]
    np.testing.assert_allclose(second[1], expected, rtol=1e-4, atol=1e-5)


def peer(prefix, inputs, outputs, slope):
    """A network of the WGAN fixtures: two hidden layers of 8."""
    network = keras.Sequential([keras.Input((inputs,))])
    for units in (8, 8):
        network.add(keras.layers.Dense(units))
        network.add(keras.layers.LeakyReLU(negative_slope=slope))
    network.add(keras.layers.Dense(outputs))
    keys = ("model.0.model.0", "model.1.model.0", "model.2")
    dense = (x for x in network.layers if isinstance(x, keras.layers.Dense))
    for key, layer in zip(keys, dense, strict=True):
        shape = tuple(layer.kernel.shape)[::-1]
        layer.kernel.assign(golden.fill(f"{prefix}{key}.weight", shape).T)
        layer.bias.assign(golden.fill(f"{prefix}{key}.bias", shape[:1]))
    return network


@pytest.fixture(scope="module")
def peers():
    return {
        role: [peer(f"{role}.{i}.", *sizes) for i in range(3)]
        for role, sizes in {
            "generators": (5, 6, 0.0),
            "mappers": (6, 6, 0.0),
            "discriminators": (6, 1, 0.01),
        }.items()
    }


def noise(k):
    j, b = np.arange(5), np.arange(4)[:, None]
    return np.cos(0.5 * j + b + k).astype("float32")


class Spread:
    """The fixture's alpha, as the share of what is made."""

    def uniform(self, shape):
        return ops.convert_to_tensor(1 - np.arange(1, 5, dtype="float32")[:, None] / 5)


@pytest.mark.every_backend
def test_critics_match_the_peer(peers):
    """R4 to R6, R8: the terms of the WGAN form, on the peer's networks."""
    rows = [r for r in rows_of((6, 6, 6), 4)]
    generators, mappers, critics = peers.values()
    first = ops.convert_to_numpy(generators[0](noise(0)))[0]
    expected = [0.397784, 0.191510, -1.150431, -1.422892, -0.051587, -0.265142]
    np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-5)
    scores = ops.convert_to_numpy(critics[0](rows[0]))[:, 0]
    expected = [-0.281444, 0.680198, 0.450172, 0.232431]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    mapped = ops.convert_to_numpy(mappers[1](rows[0]))[0]
    expected = [-0.150564, -0.387348, -0.544749, -1.726282, 0.685534, -0.651860]
    np.testing.assert_allclose(mapped, expected, rtol=1e-4, atol=1e-5)
    for i, expected in enumerate((-0.320689, -0.451636)):
        apart = []
        for k in range(3):
            fake = generators[k](noise(k))
            fake = fake if k == i else mappers[i](fake)
            score = critics[i](rows[i])
            apart.append(losses.wasserstein.critic(score, critics[i](fake)))
        found = float(sum(apart)) / 3
        assert found == pytest.approx(expected, rel=1e-4)
    for i, expected in enumerate((13.912573, 4.291695, 1.569268)):
        blend = losses.interpolate(rows[i], generators[i](noise(0)), Spread())
        found = 10 * float(losses.gradient_penalty(critics[i], blend))
        assert found == pytest.approx(expected, rel=1e-4)


def test_parameters():
    """8.9, 1."""
    gan = kg.RadialGAN((20, 8), hidden_units=30, latent_dim=30)
    assert count(gan.encoder_0) == 1_590
    assert count(gan.decoder_0) == 1_580
    assert count(gan.discriminator_0) == 691
    for i, d in enumerate((20, 8)):
        assert count(getattr(gan, f"encoder_{i}")) == (d + 1) * 30 + 30 + 900 + 30
    # Without a width: as many units as there are features.
    assert kg.RadialGAN(WIDTHS).encoder_0.output.shape[-1] == 12


@pytest.mark.every_backend
def test_undecided_discriminators():
    """8.9, 3: M 2 ln 2 for the discriminators, ln 2 for each of the others."""
    gan = kg.RadialGAN(**TestRadialGAN.tiny)
    for i in range(3):
        for weight in getattr(gan, f"discriminator_{i}").get_layer("logits").weights:
            weight.assign(np.zeros(weight.shape, "float32"))
    gan.compile()
    data = TestRadialGAN.batch(4)
    found = gan.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
    told = [found[f"discriminator_loss_{i}"] for i in range(3)]
    assert sum(told) == pytest.approx(3 * 2 * np.log(2), rel=1e-6)
    for i in range(3):
        assert found[f"adversarial_loss_{i}"] == pytest.approx(np.log(2), rel=1e-6)


class Identity(keras.layers.Layer):
    def call(self, inputs):
        return inputs[0]


@pytest.mark.every_backend
def test_perfect_cycles_cost_nothing_and_have_a_finite_slope():
    """8.9, 4."""
    rows = ops.convert_to_tensor(cosines(4, 3).astype("float32"))

    def cycle(made):
        return radial.root(radial.distance(made, rows))[None]

    # The root of the 1e-12 that keeps the slope finite.
    assert float(cycle(rows)[0]) == pytest.approx(1e-6, rel=1e-3)
    slope = ops.convert_to_numpy(gradients.input_gradient(cycle, rows))
    assert np.isfinite(slope).all()
    # Elsewhere it is the root itself, and so is its slope.
    made = rows + 0.5
    assert float(cycle(made)[0]) == pytest.approx(0.5, rel=1e-6)
    slope = ops.convert_to_numpy(gradients.input_gradient(cycle, made))
    np.testing.assert_allclose(slope, 1 / 12, rtol=1e-5)


def test_the_step_of_one_domain_lets_the_others_rest():
    """8.9, 5; the contract sees to it that players move their own networks alone."""
    gan = kg.RadialGAN(**TestRadialGAN.tiny)
    assert gan.players["generator_1"] == ("encoder_1", "decoder_1")
    assert gan.players["discriminator"] == tuple(f"discriminator_{i}" for i in range(3))
    gan.compile()
    # One step on the adversarial term alone: it reaches the decoder, no encoder.
    free = kg.RadialGAN(**TestRadialGAN.tiny, cycle_weight=0.0)
    free.compile(**{f"{p}_optimizer": keras.optimizers.SGD(0.1) for p in free.players})
    before = {
        n: ops.convert_to_numpy(getattr(free, n).weights[0]) for n in free.networks
    }
    free.fit(*TestRadialGAN.batch(4), batch_size=4, verbose=0)
    for name, old in before.items():
        new = ops.convert_to_numpy(getattr(free, name).weights[0])
        assert (np.abs(new - old).max() > 0) == (not name.startswith("encoder")), name


@pytest.mark.every_backend
def test_two_domains_are_a_cyclegan_with_a_shared_latent():
    """8.9, 6: the terms of two domains, written out."""
    gan = kg.RadialGAN((3, 2), hidden_units=4, latent_dim=3, cycle_weight=0.7)
    gan.compile()
    rows, labels = rows_of((3, 2), 4), labels_of(2, 4)
    found = gan.evaluate(rows, labels, batch_size=4, verbose=0, return_dict=True)
    y = [np.float32(part)[:, None] for part in labels]

    def run(name, x, label):
        return ops.convert_to_numpy(getattr(gan, name)((x, label)))

    for i, j in ((0, 1), (1, 0)):
        fake = run(f"decoder_{i}", run(f"encoder_{j}", rows[j], y[j]), y[j])
        there = run(f"decoder_{j}", run(f"encoder_{i}", rows[i], y[i]), y[i])
        back = run(f"decoder_{i}", run(f"encoder_{j}", there, y[i]), y[i])
        name = f"discriminator_{i}"
        real, made = run(name, rows[i], y[i]), run(name, fake, y[j])
        told = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(made)).mean()
        taken = np.log1p(np.exp(-made)).mean()
        missed = 0.7 * np.sqrt(np.square(back - rows[i]).mean())
        assert found[f"discriminator_loss_{i}"] == pytest.approx(told, rel=1e-5)
        assert found[f"adversarial_loss_{i}"] == pytest.approx(taken, rel=1e-5)
        assert found[f"cycle_loss_{i}"] == pytest.approx(missed, rel=1e-5)


def test_domains_come_in_orders_of_their_own():
    rows = (np.arange(6.0)[:, None], np.arange(4.0)[:, None])
    labels = (np.arange(6), np.arange(4))
    batches = radial_gan.DomainBatches(rows, labels, batch_size=3, repeats=2, seed=1)
    assert len(batches) == 4
    epoch = [batches[i] for i in range(4)]
    for (a, b), (label_a, label_b) in epoch:
        np.testing.assert_array_equal(a[:, 0], label_a)
        np.testing.assert_array_equal(b[:, 0], label_b)
    first, second = (np.concatenate([e[1][k] for e in epoch]) for k in (0, 1))
    assert sorted(first[:6]) == sorted(first[6:]) == list(range(6))
    assert np.bincount(second).tolist() == [3, 3, 3, 3]
    assert first.tolist() != sorted(first) and first[:4].tolist() != second[:4].tolist()


def test_wrong_rows_are_refused():
    gan = kg.RadialGAN(**TestRadialGAN.tiny)
    gan.compile()
    rows, labels = TestRadialGAN.batch(4)
    with pytest.raises(ValueError, match="learns from 3 domains: call fit"):
        gan.fit(rows[:2], labels[:2], batch_size=2)
    with pytest.raises(ValueError, match="have 5 features. Found the shape"):
        gan.fit(rows[::-1], labels, batch_size=2)
    with pytest.raises(ValueError, match="needs standardised|standardised ones"):
        gan.fit((rows[0] * 2000, *rows[1:]), labels, batch_size=2)
    with pytest.raises(ValueError, match="missing or infinite"):
        gan.fit((rows[0] * np.nan, *rows[1:]), labels, batch_size=2)
    with pytest.raises(ValueError, match="Labels are 0 or 1"):
        gan.fit(rows, (labels[0] + 1, *labels[1:]), batch_size=2)
    with pytest.raises(ValueError, match="4 rows and 3 labels"):
        gan.fit(rows, (labels[0][:3], *labels[1:]), batch_size=2)
    with pytest.raises(ValueError, match="no domain 'nowhere'"):
        gan.translate(rows[0], "nowhere", 1, labels[0])
    with pytest.raises(ValueError, match="translated with its label"):
        gan.translate(rows[0], 0, 1)
    with pytest.raises(ValueError, match="two domains or more"):
        kg.RadialGAN([3])
    with pytest.raises(ValueError, match="adversarial is 'bce' or"):
        kg.RadialGAN(WIDTHS, adversarial="hinge")
    with pytest.raises(ValueError, match="leave augmentation out"):
        kg.RadialGAN(WIDTHS, augmentation="ada")
    with pytest.raises(
        ValueError, match="encoder_0 is for rows of 3 features, not of 5"
    ):
        kg.RadialGAN(WIDTHS, encoder_0=radial_gan.build_encoder(3, 2, 2))


def test_a_shared_label_prevalence_stands_for_unknown_labels():
    gan = kg.RadialGAN(**TestRadialGAN.tiny)
    rows, _ = TestRadialGAN.batch(4)
    found = gan.translate(rows[0], 0, 1, labels="prevalence")
    half = gan.translate(rows[0], 0, 1, labels=np.full(4, 0.5))
    np.testing.assert_array_equal(found, half)


def test_state_of_given_networks_is_kept(tmp_path):
    given = radial_gan.build_encoder(5, 7, 2, "encoder_0")
    gan = kg.RadialGAN(**TestRadialGAN.tiny, encoder_0=given)
    gan.save_to_preset(tmp_path / "gan")
    again = kg.from_preset(tmp_path / "gan")
    assert again.encoder_0.get_layer("hidden").units == 7
    assert again.encoder_1.get_layer("hidden").units == 3
    assert_equal(state_of(gan), state_of(again))
