import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gans as kg
from keras_gans.converters import biggan_pytorch, loading
from keras_gans.layers import fold
from tests import golden, golden_biggan
from tests.cheap_weights import cheap_weights
from tests.contract import (
    SystemContract,
    count,
    on_tensorflow,
    slow_abroad,
    two_replicas,
)

TINY = {
    "image_shape": (16, 16, 1),
    "latent_dim": 6,
    "num_classes": 3,
    "base_channels": 2,
    "shared_dim": 3,
    "attention": (8,),
}


class TestBigGAN(SystemContract):
    # Without attention, which SAGAN's contract has, and several steps, which the golden
    # ones have: tracing takes most of the time.
    system = kg.BigGAN
    tiny = {**TINY, "base_channels": 1, "attention": (), "discriminator_steps": 1}


def tiny_biggan(**changes):
    return kg.BigGAN(**{**TINY, "ema_decay": None, **changes})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # size, latent_dim, classes, base channels, conditioning, shared_dim, attention
        ((32, 128, 10, 64, "tables", None, None), (4_304_387, 4_207_361)),
        ((64, 100, 1000, 64, "hierarchical", 128, None), (31_866_116, 20_571_842)),
        ((128, 120, 1000, 96, "hierarchical", 128, None), (70_433_988, 87_982_370)),
        ((128, 120, 1000, 64, "hierarchical", 128, None), (31_978_628, 39_448_258)),
        ((256, 140, 1000, 96, "hierarchical", 128, None), (82_097_604, 99_225_890)),
        ((512, 128, 1000, 96, "hierarchical", 128, None), (82_296_804, None)),
        ((32, 80, 10, 16, "hierarchical", 32, None), (297_667, 265_409)),
        ((32, 80, 10, 16, "hierarchical", 32, (16,)), (302_788, 285_893)),
        ((64, 80, 10, 16, "hierarchical", 32, (32,)), (2_059_908, 1_225_970)),
    ],
)
def test_parameter_counts(arguments, expected):
    side, *arguments = arguments
    with cheap_weights():
        gan = kg.BigGAN((side, side, 3), *arguments, ema_decay=None)
    assert count(gan.generator) == expected[0]
    if expected[1] is not None:
        assert count(gan.discriminator) == expected[1]


def test_parameters_of_the_parts():
    """Appendix C of the specification, at 128 pixels."""
    with cheap_weights():
        gan = kg.BigGAN(ema_decay=None)
    parts = {
        "shared_embedding": 128_000,
        "linear": 516_096,
        "output_norm": 192,
        "to_image": 2_595,
    }
    for name, expected in parts.items():
        assert count(gan.generator.get_layer(name)) == expected
    assert count(gan.discriminator.get_layer("linear")) == 1_537
    assert count(gan.discriminator.get_layer("embed")) == 1_536_000
    # Blocks and attention by the formulas: i and o channels, k numbers of condition.
    i, o, k = 16 * 96, 8 * 96, 148
    block = 9 * i * o + o + 9 * o * o + o + i * o + o + 2 * k * i + 2 * k * o
    assert count_of(gan.generator, "block_1_") == block
    i, o = 96, 192
    block = 9 * i * o + o + 9 * o * o + o + i * o + o
    assert count_of(gan.discriminator, "block_1_") == block
    assert count_of(gan.discriminator, "block_5_") == 2 * (9 * 1536**2 + 1536)
    attention = gan.generator.get_layer("block_3_attention")
    assert count(attention) == 2 * 192**2 // 8 + 192**2 + 1


def count_of(network, prefix):
    """Parameters of the layers whose name starts so, without attention."""
    return sum(
        count(layer)
        for layer in network.layers
        if layer.name.startswith(prefix) and "attention" not in layer.name
    )


@pytest.mark.parametrize("conditioning", ["hierarchical", "shared", "tables"])
def test_sizes(conditioning):
    for side, parts in ((32, 4), (64, 5), (128, 6)):
        gan = kg.BigGAN(
            (side, side, 3),
            2 * parts,
            num_classes=3,
            base_channels=1,
            conditioning=conditioning,
            shared_dim=2,
            attention=(),
            initializer="normal",
            ema_decay=None,
        )
        images = gan.sample(2, seed=0, labels=1)
        assert images.shape == (2, side, side, 3)
        assert gan.discriminator((images, np.array([0, 1]))).shape == (2, 1)


def test_what_cannot_be_built():
    with pytest.raises(ValueError, match="use latent_dim=9"):
        tiny_biggan(latent_dim=10)
    for shape in ((28, 28, 1), (32, 64, 3), (4,)):
        with pytest.raises(ValueError, match="16, 32, 64, 128, 256 or 512"):
            tiny_biggan(image_shape=shape)
    with pytest.raises(ValueError, match="hierarchical, shared, tables"):
        tiny_biggan(conditioning="none")
    with pytest.raises(ValueError, match="orthogonal, glorot_uniform, normal"):
        tiny_biggan(initializer="zeros")


@pytest.mark.every_backend
def test_forward_matches_reference():
    """Appendix B, rows BigGAN G and BigGAN D, through the importer's layouts."""
    gan = kg.BigGAN(
        (32, 32, 3),
        80,
        num_classes=10,
        base_channels=16,
        shared_dim=32,
        attention=(16,),
        ema_decay=None,
    )
    golden_biggan.fill(gan)
    labels = np.array([1, 3], "int32")
    latents = golden.latents(0, 80, batch=2)
    images = golden_biggan.outputs_of(gan.generator, latents, labels)
    assert images.mean() == pytest.approx(0.397935, abs=2e-6)
    assert images.std() == pytest.approx(0.371206, abs=2e-6)
    np.testing.assert_allclose(images[1, 3, 5], [0.13926, 0.822676, 0.40277], atol=2e-6)
    real = golden.images(0, 32, 3, batch=2)
    scores = golden_biggan.outputs_of(gan.discriminator, real, labels)
    np.testing.assert_allclose(scores[:, 0], [6.835851, 22.817314], rtol=2e-6)


def fixture_f5(orthogonal_weight):
    gan = kg.BigGAN(
        (32, 32, 3),
        16,
        num_classes=10,
        base_channels=8,
        shared_dim=8,
        attention=(16,),
        orthogonal_weight=orthogonal_weight,
    )
    golden_biggan.fill(gan)
    gan.discriminator.get_layer("linear").bias.assign([-20.0])
    adam = {
        f"{player}_optimizer": keras.optimizers.Adam(
            2e-4, beta_1=0.0, beta_2=0.999, epsilon=3.1623e-10
        )
        for player in gan.players
    }
    gan.compile(run_eagerly=golden_biggan.SEES_INSIDE, **adam)
    return gan


F5A = {
    "losses": {
        "discriminator": [
            (0.692196, 3.687365),
            (5.750199, 3.413092),
            (0.5507826, 2.490841),
            (2.765443, 0.826036),
        ],
        "generator": [1.83422, 5.66317],
    },
    "norms": {
        "D blocks.0.0.conv1.weight": 10.14442,
        "D blocks.1.0.conv_sc.weight": 29.6181,
        "D embed.weight": 38.31298,
        "G shared.weight": 0.8280542,
        "G blocks.1.0.conv1.weight": 4.444049,
        "G blocks.0.0.bn1.gain.weight": 0.3277464,
    },
    "addend": 0.001080934,
    # Forward passes in training, number of the first value, first and last sigma, u[0].
    "spectra": {
        "D blocks.0.0.conv1": (6, 0, 2.412607, 2.74484, 0.07192344),
        "D embed": (6, 0, 1.509091, 1.757353, 0.2778111),
        "G linear": (6, 2, 15.65077, 15.99806, -0.004166028),
        "G blocks.1.0.conv1": (6, 2, 1.631947, 1.714165, 0.06777665),
    },
    "tensors": {
        "G shared.weight": (
            (0.01584, 0.5282834, 0.0001881114),
            {0: -0.4931353, 40: 0.2646933, 79: 0.1000285},
        ),
        "G blocks.1.0.conv1.weight": (
            (0.0005905847, 0.08390761, 0.0002948644),
            {0: -0.07131566, 4608: 0.1118473, 9215: -0.0953642},
        ),
        "G blocks.0.0.bn1.gain.weight": (
            (-0.01191041, 0.3980028, 0.0002653202),
            {0: 0.3974994, 192: -0.6326983, 383: 0.5707304},
        ),
        "D blocks.0.0.conv1.weight": (
            (-0.003183478, 0.2696467, 0.0004833236),
            {0: 0.1423502, 432: -0.1153465, 863: -0.3561817},
        ),
        "D blocks.1.0.conv_sc.weight": (
            (0.009416877, 0.2481971, 0.0003928205),
            {0: -0.3191595, 512: 0.3908268, 1023: -0.3717491},
        ),
        "D embed.weight": (
            (0.00835029, 0.2488706, 0.0004720005),
            {0: -0.388082, 160: -0.3250122, 319: -0.1392984},
        ),
        "EMA blocks.1.0.conv1.weight": (
            (0.0005862547, 0.08390567, 4.657711e-8),
            {0: -0.07120039, 4608: 0.111778, 9215: -0.09544112},
        ),
    },
    "statistics": (
        (-0.01008371, -0.1930121),
        (0.3708823, 1.055504),
        -0.03643696,
    ),
    "outputs": {
        "G": [0.06291492, 0.2961441, 0.1706427],
        "EMA": [-0.1021734, 0.8684966, -0.4831204],
    },
    "score": -1.797718,
}
F5B = {
    "losses": {
        "discriminator": [
            (0.692196, 3.687365),
            (5.750199, 3.413092),
            (0.5507826, 2.484159),
            (2.76694, 0.8218595),
        ],
        "generator": [1.83422, 5.668522],
    },
    "norms": {
        "D blocks.0.0.conv1.weight": 10.14442,
        "D blocks.1.0.conv_sc.weight": 29.6181,
        "D embed.weight": 38.31298,
        "G shared.weight": 0.8280542,
        "G blocks.1.0.conv1.weight": 4.578964,
        "G blocks.0.0.bn1.gain.weight": 8.831338,
    },
    "addend": 1.080934,
    "spectra": {
        "D blocks.0.0.conv1": (6, 0, 2.412607, 2.744843, 0.07192331),
        "D embed": (6, 0, 1.509091, 1.757352, 0.2778113),
        "G linear": (6, 2, 15.65077, 15.99791, -0.004166506),
        "G blocks.1.0.conv1": (6, 2, 1.631947, 1.712883, 0.06706136),
    },
    "tensors": {
        "G shared.weight": (
            (0.0158391, 0.5282836, 0.0001888571),
            {0: -0.4931353, 40: 0.2646933, 79: 0.100029},
        ),
        "G blocks.1.0.conv1.weight": (
            (0.0005887715, 0.08387586, 0.0003039956),
            {0: -0.07136684, 4608: 0.1116322, 9215: -0.09497208},
        ),
        "G blocks.0.0.bn1.gain.weight": (
            (-0.01190645, 0.3976872, 0.0003965489),
            {0: 0.397341, 192: -0.6322188, 383: 0.5704036},
        ),
        "D blocks.0.0.conv1.weight": (
            (-0.00318336, 0.2696467, 0.000483268),
            {0: 0.1423489, 432: -0.1153488, 863: -0.3561793},
        ),
        "D blocks.1.0.conv_sc.weight": (
            (0.009416815, 0.2481972, 0.0003927853),
            {0: -0.3191593, 512: 0.3908266, 1023: -0.3717488},
        ),
        "D embed.weight": (
            (0.008350299, 0.2488706, 0.00047197),
            {0: -0.3880819, 160: -0.3250123, 319: -0.1392984},
        ),
        "EMA blocks.1.0.conv1.weight": (
            (0.0005862544, 0.08390567, 4.7734e-8),
            {0: -0.07120039, 4608: 0.111778, 9215: -0.09544104},
        ),
    },
    "statistics": (
        (-0.01013233, -0.1932946),
        (0.3710889, 1.055701),
        -0.03643697,
    ),
    "outputs": {
        "G": [0.06122377, 0.2955988, 0.1748996],
        "EMA": [-0.1021732, 0.8684967, -0.4831202],
    },
    "score": -1.79898,
}


@pytest.mark.every_backend
@slow_abroad
@pytest.mark.parametrize(("weight", "fixture"), [(1e-4, F5A), (0.1, F5B)])
def test_train_steps_match_reference(weight, fixture):
    """Fixtures F5a and F5b: two steps of two discriminator updates and one of G."""
    gan = fixture_f5(weight)
    before = {key: golden_biggan.tensor_of(gan, key) for key in fixture["tensors"]}
    rows = before["G blocks.1.0.conv1.weight"].reshape(32, -1)
    addend = 2 * weight * (rows @ rows.T * (1 - np.eye(32))) @ rows
    assert np.linalg.norm(addend) == pytest.approx(fixture["addend"], rel=2e-5)
    steps = golden_biggan.Steps(gan, fixture["spectra"], fixture["norms"])
    steps.check_losses(fixture["losses"])
    steps.check_norms(fixture["norms"])
    steps.check_spectra(fixture["spectra"])
    for key, (moments, entries) in fixture["tensors"].items():
        atol = 0.02 * 2e-4 * (4 if key.startswith("D") else 2)
        after = golden_biggan.tensor_of(gan, key)
        golden.check_tensor(after, before[key], moments, entries, atol=atol)
    # Two biases, off by one step during the three passes of the second iteration.
    atol = 2 * 2e-4 * (1 - 0.9**3) * 1.02
    golden_biggan.check_statistics(gan, *fixture["statistics"], atol=atol)
    golden_biggan.check_outputs(gan, fixture["outputs"], fixture["score"])
    embedding = golden_biggan.tensor_of(gan, "G shared.weight")
    np.testing.assert_array_equal(embedding[:8], before["G shared.weight"][:8])


def test_the_shared_embedding_and_vectors_are_not_made_orthogonal():
    gan = tiny_biggan(orthogonal_weight=1.0)
    before = float(gan.generator_penalties()["orthogonality"])
    table = gan.generator.get_layer("shared_embedding").embeddings
    table.assign(table * 3.0)
    norm = gan.generator.get_layer("output_norm")
    norm.gamma.assign(norm.gamma * 3.0)
    assert float(gan.generator_penalties()["orthogonality"]) == before
    kernel = gan.generator.get_layer("block_0_conv_0").kernel
    kernel.assign(ops.concatenate([kernel[..., :1], kernel[..., :-1]], axis=-1))
    assert float(gan.generator_penalties()["orthogonality"]) > before + 0.1


def test_average_follows_at_once_until_it_starts():
    gan = tiny_biggan(ema_decay=0.5, ema_start=2, discriminator_steps=1)
    gan.compile(jit_compile=False)
    data = TestBigGAN.batch(4)
    gan.train_on_batch(*data)
    for average, weight in zip(gan.sampler.weights, gan.generator.weights, strict=True):
        average, weight = map(ops.convert_to_numpy, (average, weight))
        np.testing.assert_allclose(average, weight, atol=1e-6)
    before = [ops.convert_to_numpy(w).copy() for w in gan.sampler.weights]
    gan.train_on_batch(*data)
    # Buffers too: batch statistics and the vectors of the spectral normalisation.
    for average, weight, old in zip(
        gan.sampler.weights, gan.generator.weights, before, strict=True
    ):
        average, weight = map(ops.convert_to_numpy, (average, weight))
        np.testing.assert_allclose(average, 0.5 * (old + weight), atol=1e-6)


def test_a_discriminator_of_zeros_loses_two():
    gan = tiny_biggan(discriminator_steps=1)
    for name in ("linear", "embed"):
        layer = gan.discriminator.get_layer(name)
        variable = layer.kernel if name == "linear" else layer.embeddings
        # Weights of zero have no direction; zero features give the same logits.
        variable.assign(ops.ones_like(variable))
    last = gan.discriminator.get_layer("block_2_conv_1")
    last.bias.assign(-1e6 * ops.ones_like(last.bias))
    gan.compile()
    logs = gan.evaluate(*TestBigGAN.batch(4), verbose=0, return_dict=True)
    assert logs["discriminator_loss"] == pytest.approx(2.0)
    assert logs["generator_loss"] == pytest.approx(0.0)


@pytest.mark.every_backend
def test_scores_of_two_classes_differ_by_the_projection():
    """D(x, y) - D(x, y') = <e(y) - e(y'), h(x)> with e over its singular value."""
    gan = tiny_biggan()
    critic = gan.discriminator
    x = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype("float32")
    first, second = np.array([0, 0], "int32"), np.array([2, 1], "int32")
    run = golden_biggan.outputs_of
    scores = [run(critic, x, y)[:, 0] for y in (first, second)]
    features = keras.Model(critic.inputs, critic.get_layer("linear").input)
    h = run(features, x, first)
    table = critic.get_layer("embed")
    e = ops.convert_to_numpy(table.embeddings) / float(table.sigma())
    expected = ((e[first] - e[second]) * h).sum(axis=1)
    np.testing.assert_allclose(scores[0] - scores[1], expected, rtol=1e-3, atol=1e-5)
    assert np.abs(expected).min() > 1e-3


def test_features_are_summed_over_the_map():
    """A map tiled 2x2 has four times the features."""
    from keras_gans.layers import SpectralParts

    h = {}
    maps = np.random.default_rng(0).normal(size=(1, 2, 2, 8)).astype("float32")
    for name, x in (("once", maps), ("tiled", np.tile(maps, (1, 2, 2, 1)))):
        inputs = keras.Input(x.shape[1:])
        labels = keras.Input((), dtype="int32")
        scores = SpectralParts().projection(inputs, labels, 3)
        network = keras.Model((inputs, labels), scores)
        features = keras.Model(inputs, network.get_layer("linear").input)
        h[name] = ops.convert_to_numpy(features(x))
    np.testing.assert_allclose(h["once"], np.maximum(maps, 0).sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(h["tiled"], 4 * h["once"], rtol=1e-6)


def test_blocks_read_the_class_and_their_own_part_of_z():
    gan = tiny_biggan()
    table = gan.generator.get_layer("shared_embedding").embeddings
    outputs = [gan.generator.get_layer(f"block_{i}_condition").output for i in range(2)]
    conditions = keras.Model(gan.generator.inputs, outputs)
    z = np.arange(12, dtype="float32").reshape(2, 6)
    found = conditions((z, np.array([2, 1])))
    for i, condition in enumerate(found):
        condition = ops.convert_to_numpy(condition)
        rows = ops.convert_to_numpy(table)[[2, 1]]
        np.testing.assert_array_equal(condition[:, :3], rows)
        np.testing.assert_array_equal(condition[:, 3:], z[:, 2 + 2 * i : 4 + 2 * i])
    # With equal embeddings and no z the samples cannot be told apart.
    table.assign(ops.ones_like(table))
    found = conditions((0 * z, np.array([2, 1])))
    assert all(float(ops.max(ops.abs(c[0] - c[1]))) == 0 for c in found)


@pytest.mark.every_backend
def test_folded_networks_equal_the_live_ones():
    gan = tiny_biggan()
    for network in (gan.generator, gan.discriminator):
        for layer in network._flatten_layers():
            if isinstance(layer, kg.layers.SelfAttention):
                layer.gamma.assign(0.5)
    run, judge = golden_biggan.outputs_of, fold(gan.discriminator)
    z = np.random.default_rng(0).normal(size=(3, 6)).astype("float32")
    labels = np.array([0, 2, 1], "int32")
    images = run(gan.generator, z, labels)
    again = run(fold(gan.generator), z, labels)
    np.testing.assert_allclose(again, images, atol=1e-6)
    kinds = {type(layer) for layer in judge._flatten_layers()}
    assert layers.Conv2D in kinds
    assert not kinds & {kg.layers.SNConv2D, kg.layers.SNDense, kg.layers.SNEmbedding}
    scores = [run(network, images, labels) for network in (gan.discriminator, judge)]
    np.testing.assert_allclose(*scores, rtol=1e-4)


@pytest.mark.every_backend
@pytest.mark.parametrize("ema_decay", [None, 0.5])
def test_standing_statistics(ema_decay):
    """Averages of the batch statistics over latents of the truncation asked for."""
    gan = tiny_biggan(ema_decay=ema_decay)
    first = "block_0_norm_0"
    untouched = [w for w in gan.sampler.weights if "moving" not in w.path]
    before = [ops.convert_to_numpy(w).copy() for w in untouched]
    gan.standing_statistics(truncation=0.3, batches=4, batch_size=8, seed=5)
    for weight, old in zip(untouched, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), old)
    maps = keras.Model(
        gan.sampler.inputs, gan.sampler.get_layer(first).input[0]
    )  # A linear function of z, on which no batch statistics act.
    means, variances = [], []
    for number in range(4):
        stream = kg.core.random.CounterStream(5, first_row=8 * number)
        z = gan.draw_latents(8, stream, 0.3)
        assert float(ops.max(ops.abs(z))) <= 0.3
        x = maps((z, ops.zeros(8, "int32")), training=False)
        x = ops.convert_to_numpy(x)
        means.append(x.mean((0, 1, 2)))
        variances.append(x.var((0, 1, 2)))
    norm = gan.sampler.get_layer(first)
    found = map(ops.convert_to_numpy, (norm.moving_mean, norm.moving_variance))
    for values, expected in zip(found, (means, variances), strict=True):
        np.testing.assert_allclose(values, np.mean(expected, axis=0), rtol=1e-4)
    assert all(
        layer.momentum == 0.9
        for layer in gan.sampler.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    assert gan.generator.trainable and bool(gan.generator.trainable_weights)
    assert not gan.sampler.trainable_weights or ema_decay is None


def test_classes_are_drawn_uniformly_from_the_models_stream():
    gan = tiny_biggan()
    real = np.zeros((3000, 1))
    gan.generate = lambda like, training: like
    _, classes = gan.generate_of_any_class(real)
    shares = np.bincount(ops.convert_to_numpy(classes), minlength=3) / 3000
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)


def test_importer_wants_every_array_and_no_other():
    gan = tiny_biggan()
    places = biggan_pytorch.generator_layout(gan.generator)
    arrays = golden_biggan.state_dict(places)
    recorded = {"linear.sv0": np.ones(1), "blocks.0.0.conv1.sv0": np.ones(1)}
    loading.assign(places, {**arrays, **recorded}, biggan_pytorch.IGNORED)
    with pytest.raises(ValueError, match="1 are unknown: blocks.9.weight"):
        loading.assign(places, {**arrays, "blocks.9.weight": np.ones(1)})
    variables = {id(variable) for variable, _ in places.values()}
    assert variables == {id(weight) for weight in gan.generator.weights}
    places = biggan_pytorch.discriminator_layout(gan.discriminator)
    variables = {id(variable) for variable, _ in places.values()}
    assert variables == {id(weight) for weight in gan.discriminator.weights}


@on_tensorflow
def test_standing_statistics_under_a_strategy():
    """The same as without: they are computed once, and given to every replica."""
    with two_replicas().scope():
        gan = tiny_biggan()
    single = tiny_biggan()
    for model in (gan, single):
        model.standing_statistics(truncation=0.5, batches=2, batch_size=4)
    for ours, theirs in zip(gan.sampler.weights, single.sampler.weights, strict=True):
        if "moving" in ours.path:
            for copy in two_replicas().experimental_local_results(ours.value):
                expected = ops.convert_to_numpy(theirs)
                np.testing.assert_allclose(copy.numpy(), expected, atol=1e-5)
