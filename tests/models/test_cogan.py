import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients
from keras_gans.models import cogan
from tests import golden
from tests.contract import SystemContract, count, slow_abroad

TINY = {
    "image_shape": (28, 28, 1),
    "latent_dim": 8,
    "generator_channels": (16, 12, 8, 6),
    "discriminator_channels": (4, 6, 10),
}


class TestCoGAN(SystemContract):
    system = kg.CoGAN
    tiny = {
        **TINY,
        "latent_dim": 6,
        "generator_channels": (4, 3, 2, 2),
        "discriminator_channels": (2, 2, 3),
    }

    @classmethod
    def batch(cls, count):
        shape = (2, count, *cls.tiny["image_shape"])
        return tuple(np.random.default_rng(0).integers(0, 256, shape).astype("uint8"))


@pytest.fixture(scope="module")
def tiny():
    return kg.CoGAN(**TINY)


@pytest.fixture(scope="module")
def adapting():
    """A system that classifies, after one epoch on 6 and 4 images."""
    gan = kg.CoGAN(**{**TINY, "num_labels": 3, "generator_channels": (4, 3, 2, 2)})
    gan.compile()
    a, b = images(6), images(4, seed=1)
    gan.fit((a, np.arange(6) % 3), b, batch_size=2, verbose=0)
    return gan


def images(number, seed=0, side=28):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (number, side, side, 1)).astype("uint8")


def test_parameter_counts():
    paper = kg.CoGAN()
    assert (count(paper.generator), count(paper.discriminator)) == (7_842_694, 427_593)
    adapting = cogan.build_discriminator((28, 28, 1), (20, 50, 500), num_labels=10)
    assert count(adapting) == 432_603


def test_maps_of_the_generator(tiny):
    sides = [tiny.generator.get_layer(f"prelu{i}").output.shape[1] for i in range(4)]
    assert sides == [4, 7, 13, 25]


def test_the_features_see_the_whole_image(tiny):
    """Each pixel has a part in the discriminator's features: 28 pixels are seen."""
    features = keras.Model(
        tiny.discriminator.inputs, tiny.discriminator.get_layer("conv2").output
    )
    zeros = ops.zeros((1,), "int32")
    image = ops.convert_to_tensor(golden.images(0, 28, 1, batch=1))
    slope = gradients.input_gradient(lambda x: features((x, zeros)), image)
    # A maximum of four lets one of them through.
    seen = ops.convert_to_numpy(slope)[0, :, :, 0] != 0
    assert seen[0].any() and seen[-1].any() and seen[:, 0].any() and seen[:, -1].any()
    assert features.output_shape == (None, 1, 1, 10)


@pytest.mark.parametrize(("side", "levels"), [(16, 3), (32, 4), (64, 5)])
def test_other_sizes(side, levels):
    gan = kg.CoGAN((side, side, 3), 4, (4, 3, 2, 2, 2)[:levels], (2, 2, 3))
    a, b = gan.sample_pairs(2, seed=0)
    assert a.shape == b.shape == (2, side, side, 3)
    assert gan.discriminator((a, np.zeros(2, "int32"))).shape == (2, 1)


@pytest.mark.parametrize(
    ("shape", "channels", "message"),
    [
        ((28, 28, 1), (4, 3, 2), "4 entries"),
        ((30, 30, 1), (4, 3, 2, 2), "28x28 pixels, or of 4"),
        ((32, 32, 1), (4, 3, 2), "n \\+ 1 entries"),
        ((8, 8, 1), (4, 3), "28x28 pixels, or of 4"),
        ((28,), (4, 3, 2, 2), "28x28 pixels, or of 4"),
    ],
)
def test_impossible_sizes(shape, channels, message):
    with pytest.raises(ValueError, match=message):
        kg.CoGAN(shape, generator_channels=channels)


def test_shared_layers_are_one_set_of_variables(tiny):
    """A changed shared weight changes both domains, a private one its own alone."""
    names = {w.path.split("/")[0] for w in tiny.generator.trainable_weights}
    assert {n for n in names if n.endswith(("_a", "_b"))} == {"dconv4_a", "dconv4_b"}
    gan = kg.CoGAN(**TINY)
    latents = np.ones((1, 8), "float32")

    def both():
        pair = cogan.pair_network(gan.generator)(latents)
        return [ops.convert_to_numpy(image).copy() for image in pair]

    for layer, moves in (("dconv1", (True, True)), ("dconv4_a", (True, False))):
        before = both()
        kernel = gan.generator.get_layer(layer).kernel
        kernel.assign(kernel * 1.5)
        moved = [np.abs(x - y).max() > 0 for x, y in zip(before, both(), strict=True)]
        assert tuple(moved) == moves


@pytest.mark.parametrize("domain", [0, 1])
@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_loss_of_one_domain_leaves_the_other_ones_weights(tiny, name, domain):
    network = getattr(tiny, name)
    inputs = golden.latents(0, 8) if name == "generator" else golden.images(0, 28, 1)
    domains = np.full(4, domain, "int32")

    def objective():
        return [ops.sum(ops.square(network((inputs, domains))))], None

    variables = network.trainable_variables
    _, (found,) = gradients.value_and_gradients(objective, [variables])
    own, other = ("_a/", "_b/") if domain == 0 else ("_b/", "_a/")
    for variable, gradient in zip(variables, found, strict=True):
        largest = float(ops.max(ops.abs(gradient)))
        if other in variable.path:
            assert largest == 0, variable.path
        elif own in variable.path or variable.path.endswith("kernel"):
            assert largest > 0, variable.path


def test_pairs_are_halves_of_one_draw(tiny):
    a, b = tiny.sample_pairs(3, seed=7)
    np.testing.assert_array_equal(a, tiny.sample(3, seed=7, labels=0))
    np.testing.assert_array_equal(b, tiny.sample(3, seed=7, labels=1))
    latents = tiny.draw_latents(2, kg.core.random.CounterStream(7))
    together = cogan.pair_network(tiny.generator)(latents)
    np.testing.assert_allclose(a[:2], together[0], atol=1e-6)
    np.testing.assert_allclose(b[:2], together[1], atol=1e-6)
    first, second = tiny.sample_pairs(1), tiny.sample_pairs(1)
    assert np.abs(first[0] - second[0]).max() > 0


def test_training_runs_the_shared_layers_once_for_a_pair(tiny):
    drawn, domains = tiny.generate_pairs(3, training=False)
    assert drawn.shape == (6, 28, 28, 1)
    np.testing.assert_array_equal(domains, [0, 0, 0, 1, 1, 1])
    gan = kg.CoGAN(**TINY)
    batch_sizes = []
    dense = gan.generator.get_layer("dconv0")
    call = dense.call
    dense.call = lambda x: batch_sizes.append(x.shape[0]) or call(x)
    gan.generate_pairs(3, training=True)
    assert batch_sizes == [3]


def test_the_two_domains_need_not_be_of_one_length():
    gan = kg.CoGAN(**TINY)
    a, b = images(2), images(7, seed=1)
    (many,), b_rows = (gan.arrays_of(a, b)[0],), gan.arrays_of(a, b)[1]
    np.testing.assert_array_equal(many, a[[0, 1, 0, 1, 0, 1, 0]])
    order = [next(i for i in range(7) if (b[i] == row).all()) for row in b_rows]
    assert sorted(order) == list(range(7)) and order != list(range(7))


@pytest.mark.parametrize(
    ("x", "y", "error"),
    [
        (images(2), None, r"call fit\(a, b\)"),
        ((images(2), np.arange(2)), images(2), r"call fit\(a, b\)"),
        (images(2), images(2, side=16), r"\(16, 16, 1\)"),
        (images(2) / 255, images(2), r"looks like \[0, 1\]"),
    ],
)
def test_wrong_data(x, y, error):
    gan = kg.CoGAN(**TINY)
    gan.compile()
    with pytest.raises(ValueError, match=error):
        gan.fit(x, y, batch_size=2, verbose=0)


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (images(2), r"call fit\(\(a, labels_a\), b\)"),
        ((images(2), np.arange(3)), "2 images and 3 labels"),
        ((images(2), np.array([0, 3])), r"\[0, 3\)"),
    ],
)
def test_wrong_labels(adapting, x, error):
    with pytest.raises(ValueError, match=error):
        adapting.fit(x, images(2), batch_size=2, verbose=0)


def test_data_sets_of_pairs_train():
    tf = pytest.importorskip("tensorflow")
    gan = kg.CoGAN(**TINY)
    gan.compile()
    pairs = tf.data.Dataset.from_tensor_slices((images(4), images(4, seed=1)))
    gan.fit(pairs.batch(2), verbose=0)
    with pytest.raises(ValueError, match=r"call fit\(a, b\)"):
        alone = tf.data.Dataset.from_tensor_slices(images(4))
        gan.fit(alone.batch(2), verbose=0)


@pytest.mark.every_backend
def test_adaptation_is_logged_and_saved(adapting, tmp_path):
    assert set(adapting.history.history) == {
        "discriminator_loss",
        "generator_loss",
        "classification_loss",
        "feature_distance",
    }
    found = adapting.classify(images(5), domain=1, batch_size=2)
    assert found.shape == (5,) and found.dtype == np.int32
    assert adapting.accuracy(images(5), found, domain=1) == 1.0
    adapting.save_to_preset(tmp_path / "preset")
    again = kg.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.classify(images(5), domain=1), found)
    with pytest.raises(ValueError, match="num_labels"):
        kg.CoGAN(**TINY).classify(images(1), domain=0)
    with pytest.raises(ValueError, match=r"\[0, 2\)"):
        adapting.classify(images(1), domain=2)


@pytest.mark.every_backend
def test_adaptation_losses(adapting):
    """10 CE on domain a alone, and 0.01 times the mean squared distance of a pair."""
    labels = ops.convert_to_tensor(np.array([2, 0], "int32"))
    class_logits = np.array([[0, 1, 2], [1, 0, 0], [9, 9, 0], [0, 9, 9]], "float32")
    features = np.arange(12, dtype="float32").reshape(4, 3)
    found = adapting.adaptation_losses(
        labels, (None, None, ops.array(class_logits)), (None, ops.array(features), None)
    )
    wrong = np.log(np.exp(class_logits[:2]).sum(1)) - np.array([2.0, 1.0])
    expected = pytest.approx(10 * wrong.mean(), rel=1e-5)
    assert float(found["classification_loss"]) == expected
    # Features of a pair lie 6 apart in each of three dimensions.
    assert float(found["feature_distance"]) == pytest.approx(0.01 * 3 * 36, rel=1e-6)


@pytest.mark.every_backend
def test_decay_goes_through_the_moments():
    """Without a gradient of its own a weight takes full steps towards zero."""
    weight = keras.Variable([0.5, -0.25])
    optimizer = cogan.AdamWithL2(0.01)
    optimizer.build([weight])
    optimizer.apply([ops.zeros(2)], [weight])
    np.testing.assert_allclose(weight, [0.49, -0.24], atol=1e-6)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config() and again.l2 == 5e-4


def test_one_logit_is_the_softmax_of_two():
    two = np.array([[0.3, 1.2], [-2.0, 0.5]], "float32")
    one = cogan.RealMinusFake()(two.reshape(2, 1, 1, 2))
    of_real = np.exp(two[:, 1]) / np.exp(two).sum(1)
    np.testing.assert_allclose(ops.sigmoid(one)[:, 0], of_real, rtol=1e-6)


def fill_as_reference(gan):
    for network in (gan.generator, gan.discriminator):
        for layer in network.layers:
            if hasattr(layer, "kernel") or layer.name.startswith("bn"):
                golden.set_layer(layer, layer.name)


def test_forward_pass_matches_reference():
    """Appendix B of the specification, at the size of the paper."""
    gan = kg.CoGAN()
    fill_as_reference(gan)
    latents = golden.latents(0, 100, batch=2)
    expected = [(0.765950, 0.263261, 0.909633), (0.488826, 0.366336, 0.158291)]
    for domain, (mean, std, pixel) in enumerate(expected):
        made = gan((latents, np.full(2, domain, "int32")))
        made = (ops.convert_to_numpy(made).astype("float64") + 1) / 2
        found = (made.mean(), made.std(), made[1, 3, 5, 0])
        np.testing.assert_allclose(found, (mean, std, pixel), rtol=1e-3, atol=1e-4)
    unit = golden.images(0, 28, 1, batch=2)
    both = np.concatenate([unit, 1 - unit])
    two_logits = keras.Model(
        gan.discriminator.inputs, gan.discriminator.get_layer("conv3").output
    )
    found = two_logits((2 * both - 1, np.array([0, 0, 1, 1], "int32")))
    scores = [
        [-2.279405, 1.690295],
        [-0.169956, 2.679769],
        [3.686435, 9.578539],
        [3.268787, 7.663207],
    ]
    np.testing.assert_allclose(found[:, 0, 0], scores, rtol=1e-3, atol=1e-4)


GENERATOR_ROWS = {
    "dconv1.weight": (
        (-0.001040574, 0.1331394, 0.0003075493),
        {0: -0.1073026, 864: 0.226063, 1727: 0.1450902},
    ),
    "dconv4_b.weight": (
        (-0.01736133, 0.2325629, 0.0003539918),
        {0: 0.3027799, 108: -0.05832387, 215: 0.1112963},
    ),
    "dconv1.bias": (
        (-0.05372881, 0.1003155, 0.0003997788),
        {0: -0.1328792, 6: 0.01966483, 11: -0.1440412},
    ),
}
DISCRIMINATOR_ROWS = {
    "conv0_a.weight": (
        (0.0460692, 0.2725423, 0.0002724544),
        {0: 0.3720544, 50: -0.3236599, 99: -0.4873828},
    ),
    "conv1.weight": (
        (-0.006624058, 0.1409327, 0.00032566),
        {0: -0.2183862, 300: -0.02013836, 599: -0.03326871},
    ),
    "conv3.weight": (
        (-0.009964262, 0.4260819, 0.0003647512),
        {0: -0.7048335, 10: 0.4970001, 19: 0.07861405},
    ),
}


def reference_tensors(gan):
    found = {}
    for network, rows in (
        (gan.generator, GENERATOR_ROWS),
        (gan.discriminator, DISCRIMINATOR_ROWS),
    ):
        for key in rows:
            keys = {key.split(".")[0]: key.split(".")[0]}
            found[key] = golden.trained_tensor(network, keys, key)
    return found


def watch_terms(gan):
    """List that receives the cross-entropies of reals and fakes as they are scored."""
    found, run = [], gan.in_training

    def watched(name):
        def call(inputs, is_real=False):
            scores = run(name)(inputs, is_real=is_real)
            sign = -1.0 if is_real else 1.0
            found.append(ops.mean(ops.softplus(sign * scores)))
            return scores

        return call

    object.__setattr__(gan, "in_training", watched)
    return found


@pytest.mark.every_backend
@slow_abroad
def test_train_steps_match_reference():
    """Fixture F11a: two steps of one update of each player."""
    gan = kg.CoGAN(**TINY)
    fill_as_reference(gan)
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: golden.latents(t, 8))
    terms, watch = watch_terms(gan), golden.Watch(gan, critic=None)
    before = reference_tensors(gan)
    expected = [(0.44402, 1.499418, 0.5193702), (1.093471, 1.253166, 0.4045673)]
    for step, (real, fake, generator) in enumerate(expected):
        a, b = golden.images(2 * step, 28, 1), -golden.images(2 * step + 1, 28, 1)
        gan.reset_metrics()
        logs = gan.train_on_batch(a, b, return_dict=True)
        rtol = 2e-5 if step == 0 else 1e-4
        assert float(logs["discriminator_loss"]) == pytest.approx(real + fake, rel=rtol)
        assert float(logs["generator_loss"]) == pytest.approx(generator, rel=1e-4)
        if keras.backend.backend() == "tensorflow":
            # The generator's own scores come third.
            found = [float(term) for term in terms[3 * step : 3 * step + 2]]
            np.testing.assert_allclose(found, [real, fake], rtol=rtol)
    check_gradients(watch, gan)
    check_weights(gan, before)


def check_gradients(watch, gan):
    found = watch.gradients_of(gan, "discriminator")
    norms = {"conv0_a": 2.737407, "conv1": 16.96071, "conv3": 1.317741}
    for name, norm in norms.items():
        assert found[f"{name}/kernel"] == pytest.approx(norm, rel=2e-5), name
    found = watch.gradients_of(gan, "generator")
    norms = {
        "dconv1/kernel": 2.184947,
        "prelu2/alpha": 0.2558714,
        "dconv4_b/kernel": 0.4476739,
    }
    for path, norm in norms.items():
        assert found[path] == pytest.approx(norm, rel=1e-4), path


def check_weights(gan, before):
    after = reference_tensors(gan)
    for key, (moments, entries) in {**GENERATOR_ROWS, **DISCRIMINATOR_ROWS}.items():
        golden.check_tensor(
            after[key], before[key], moments, entries, atol=0.02 * 2e-4 * 2
        )
    slope = float(ops.reshape(gan.generator.get_layer("prelu2").alpha, ()))
    assert slope == pytest.approx(0.2496871, abs=0.02 * 2e-4 * 2)
    assert abs(slope - 0.25) == pytest.approx(0.0003129286, rel=1e-2)
    statistics = gan.generator.get_layer("bn1")
    np.testing.assert_allclose(
        statistics.moving_mean[:2], [0.1244567, 0.1364625], rtol=1e-5
    )
    np.testing.assert_allclose(
        statistics.moving_variance[:2], [1.211895, 0.5580859], rtol=1e-5
    )
    for domain, pixel in enumerate((0.4933797, 0.4023437)):
        made = gan((golden.latents(0, 8), np.full(4, domain, "int32")))
        unit = (float(made[1, 13, 15, 0]) + 1) / 2
        assert unit == pytest.approx(pixel, abs=2e-3)
    score = gan.discriminator((golden.images(0, 28, 1), np.zeros(4, "int32")))
    assert float(score[1, 0]) == pytest.approx(0.8347327, rel=1e-4)
