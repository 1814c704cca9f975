import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests import golden, golden_biggan
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, slow_abroad


class TestSAGAN(SystemContract):
    system = kg.SAGAN
    tiny = {
        "image_shape": (16, 16, 1),
        "latent_dim": 4,
        "num_classes": 3,
        "base_channels": 2,
    }


def test_parameter_counts():
    """In the layout of BigGAN-PyTorch with attention at 64, and the authors' 32."""
    with cheap_weights():
        gan = kg.SAGAN(attention=(64,))
        paper = kg.SAGAN()
    assert count(gan.generator) == 42_017_412
    assert count(gan.discriminator) == 39_448_258
    # C^2 5 / 4 + 1 parameters of attention, with C = 256 for 128, and 128 for 64.
    added = [5 * (c**2 - (c // 2) ** 2) // 4 for c in (256, 128)]
    assert count(paper.generator) == 42_017_412 + added[0]
    assert count(paper.discriminator) == 39_448_258 + added[1]


def test_where_attention_is():
    with cheap_weights():
        gan = kg.SAGAN()
    for network in (gan.generator, gan.discriminator):
        maps = [
            layer.output.shape[1:3]
            for layer in network.layers
            if isinstance(layer, kg.layers.SelfAttention)
        ]
        assert maps == [(32, 32)]


def fixture_f6():
    gan = kg.SAGAN(
        (32, 32, 3),
        16,
        num_classes=10,
        base_channels=8,
        attention=(16,),
        ema_decay=0.9999,
        ema_start=2000,
    )
    golden_biggan.fill(gan)
    gan.discriminator.get_layer("linear").bias.assign([-20.0])
    adam = {
        f"{player}_optimizer": keras.optimizers.Adam(
            rate, beta_1=0.0, beta_2=0.999, epsilon=3.1623e-10
        )
        for player, rate in (("discriminator", 4e-4), ("generator", 1e-4))
    }
    gan.compile(run_eagerly=golden_biggan.SEES_INSIDE, **adam)
    return gan


LOSSES = {
    "discriminator": [(0.692196, 5.208128), (8.341861, 1.548293)],
    "generator": [0.5074177, 0.4745048],
}
NORMS = {
    "D blocks.0.1.g.weight": 6.185707,
    "D blocks.1.0.conv1.weight": 65.82872,
    "D linear.weight": 46.51318,
    "G blocks.0.0.bn1.gain.weight": 0.5691412,
    "G blocks.1.0.conv1.weight": 5.191844,
    "G blocks.1.1.theta.weight": 0.162452,
}
# Forward passes in training, number of the first value, first and last sigma, u[0].
SPECTRA = {
    "D blocks.0.1.g": (4, 0, 1.645212, 1.945649, 0.11391),
    "D embed": (4, 0, 1.509091, 1.722904, 0.2530218),
    "G linear": (4, 1, 8.177155, 8.596348, -0.04056781),
    "G blocks.1.1.theta": (4, 1, 1.245884, 1.316853, 0.7353265),
}
TENSORS = {
    "G blocks.0.0.bn1.gain.weight": (
        (-0.003163965, 0.2441005, 9.866708e-5),
        {0: 0.2435091, 160: 0.08409629, 319: 0.3874534},
    ),
    "G blocks.1.0.conv1.weight": (
        (0.0005833676, 0.08390557, 0.0001398696),
        {0: -0.07135834, 4608: 0.1120101, 9215: -0.09530008},
    ),
    "G blocks.1.1.theta.weight": (
        (0.03013417, 0.240106, 0.000130987),
        {0: 0.08555006, 64: 0.1050318, 127: -0.03851459},
    ),
    "D blocks.0.1.g.weight": (
        (-0.004771854, 0.2466199, 0.0005219461),
        {0: -0.1690352, 256: 0.205806, 511: -0.2614047},
    ),
    "D blocks.1.0.conv1.weight": (
        (0.0005475925, 0.08391836, 0.0004097045),
        {0: -0.07136578, 4608: 0.1116166, 9215: -0.0957239},
    ),
    "D linear.weight": (
        (-0.006022242, 0.2177349, 0.0002643336),
        {0: -0.01638112, 16: 0.04053185, 31: 0.2731498},
    ),
    "EMA blocks.1.0.conv1.weight": (
        (0.0005833676, 0.08390557, 0.0001398696),
        {0: -0.07135834, 4608: 0.1120101, 9215: -0.09530008},
    ),
}


@pytest.mark.every_backend
@slow_abroad
def test_train_steps_match_reference():
    """Fixture F6: two steps, the discriminator at four times the generator's rate."""
    gan = fixture_f6()
    before = {key: golden_biggan.tensor_of(gan, key) for key in TENSORS}
    steps = golden_biggan.Steps(gan, SPECTRA, NORMS)
    steps.check_losses(LOSSES)
    steps.check_norms(NORMS)
    steps.check_spectra(SPECTRA)
    for key, (moments, entries) in TENSORS.items():
        atol = 0.02 * (4e-4 if key.startswith("D") else 1e-4) * 2
        after = golden_biggan.tensor_of(gan, key)
        golden.check_tensor(after, before[key], moments, entries, atol=atol)
    # Two biases, off by one step during the two passes of the second iteration.
    atol = 2 * 1e-4 * (1 - 0.9**2) * 1.02
    golden_biggan.check_statistics(
        gan, (-0.009739921, -0.155337), (0.4027182, 1.229314), -0.009739921, atol
    )
    pixel = [0.1405808, 0.238586, 0.01995778]
    golden_biggan.check_outputs(gan, {"G": pixel, "EMA": pixel}, 0.1062825)
    # Rows of classes that the generator's own draws lack keep their values.
    drawn = {label for t in (1, 3) for label in golden_biggan.drawn_labels(t)}
    kept = sorted(set(range(10)) - drawn)
    assert kept == [2, 5, 8, 9]
    key = "G blocks.0.0.bn1.gain.weight"
    after = golden_biggan.tensor_of(gan, key).reshape(10, 32)
    np.testing.assert_array_equal(after[kept], before[key].reshape(10, 32)[kept])


def test_tables_start_as_plain_batch_normalisation():
    gan = kg.SAGAN(**TestSAGAN.tiny)
    first, second = (gan.sample(2, seed=3, labels=label) for label in (0, 2))
    np.testing.assert_array_equal(first, second)
    table = gan.generator.get_layer("block_0_norm_0_gain").embeddings
    table.assign(np.arange(24, dtype="float32").reshape(3, 8) * 0.1)
    second = gan.sample(2, seed=3, labels=2)
    assert np.abs(first - second).max() > 1e-3


def test_default_optimizers():
    found = kg.SAGAN(**TestSAGAN.tiny).default_optimizers()
    for player, rate in (("generator", 1e-4), ("discriminator", 4e-4)):
        adam = found[player]
        assert float(ops.convert_to_numpy(adam.learning_rate)) == pytest.approx(rate)
        assert (adam.beta_1, adam.beta_2) == (0.0, 0.9)
