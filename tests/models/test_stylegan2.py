import math
from unittest import mock

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import loading, stylegan2_ada
from keras_gans.models import stylegan2
from tests import golden
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, slow_abroad
from tests.replica_groups import deviations_of_pairs

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 6,
    "config": "auto",
    "style_dim": 6,
    "mapping_layers": 1,
    "channel_base": 16,
    "max_channels": 4,
}


class TestStyleGAN2(SystemContract):
    system = kg.StyleGAN2
    # R1 in every step: one graph. Path lengths, the largest part of it, where they
    # differ from other losses: in other precisions, compilers, replicas.
    tiny = {**TINY, "discriminator_interval": 1, "path_length_weight": 0.0}

    @classmethod
    def _one_step_on(cls, replicas, jit_compile="auto"):
        # What is drawn once for a batch, or from some of its rows, is other rows' and
        # another draw's on two replicas, as in the reference.
        of_rows = {"style_mixing": 0.0, "noise_mode_in_training": "const"}
        of_rows["path_length_batch_shrink"] = 1
        with cls.changed(path_length_weight=2.0, **of_rows), deviations_of_pairs():
            return super()._one_step_on(replicas, jit_compile)

    @classmethod
    def train_in(cls, policy):
        with cls.changed(path_length_weight=2.0, generator_interval=1):
            super().train_in(policy)

    @slow_abroad
    def test_mixed_float16(self):
        self.train_in("mixed_float16")

    @classmethod
    def changed(cls, **arguments):
        return mock.patch.dict(cls.tiny, arguments)


def to_numpy(x):
    return ops.convert_to_numpy(x)


def counts(side, **arguments):
    with cheap_weights():
        gan = kg.StyleGAN2((side, side, 3), **arguments)
    return count(gan.generator), count(gan.discriminator)


@pytest.mark.parametrize(
    ("side", "arguments", "expected"),
    [
        (1024, {"config": "paper1024"}, (30_370_060, 29_012_513)),
        (1024, {"channel_base": 16384}, (24_900_764, 24_038_161)),
        (512, {"config": "paper512"}, (30_276_583, 28_982_849)),
        (256, {"config": "paper256"}, (24_767_458, 24_001_089)),
        (256, {}, (30_034_338, 28_864_129)),
        (32, {"config": "cifar"}, (19_947_539, 20_720_641)),
        (32, {"config": "cifar", "num_classes": 10}, (20_215_315, 23_089_664)),
    ],
)
def test_parameter_counts(side, arguments, expected):
    assert counts(side, **arguments) == expected


def test_parameter_counts_of_small_networks():
    small = {"latent_dim": 128, "style_dim": 128, "mapping_layers": 4}
    small["max_channels"] = 128
    assert counts(32, channel_base=1024, **small) == (782_451, 871_585)
    assert counts(64, channel_base=2048, **small) == (1_127_544, 1_183_137)


def test_parameter_counts_of_blocks():
    with cheap_weights():
        gan = kg.StyleGAN2((256, 256, 3), config="paper256")
    synthesis = gan.generator.get_layer("synthesis")
    expected = {"b4": 2_894_852, "b8": 5_509_125, "b16": 5_509_125, "b32": 5_509_125}
    expected |= {"b64": 2_296_069, "b128": 705_669, "b256": 242_245}
    assert counts_of_blocks(synthesis) == expected
    assert count(gan.generator.get_layer("mapping")) == 2_101_248
    expected = {"b256": 119_232, "b128": 475_520, "b64": 1_901_312, "b4": 6_559_745}
    expected |= {"b32": 4_981_760, "b16": 4_981_760, "b8": 4_981_760}
    assert counts_of_blocks(gan.discriminator) == expected


def counts_of_blocks(network):
    found = {}
    for layer in network.layers:
        if number := count(layer):
            block = layer.name.split("_")[0]
            found[block] = found.get(block, 0) + number
    return found


def filled(network, layout):
    """The network with the reference's weights by the fill rule."""
    arrays = {
        name: golden.fill(name, torch_shape(name, variable), equalized=True)
        for name, (variable, _) in layout.items()
    }
    assert {id(v) for v, _ in layout.values()} == {id(v) for v in network.weights}
    arrays["b8.conv1.resample_filter"] = np.ones((4, 4))
    loading.assign(layout, arrays, stylegan2_ada.IGNORED)
    return network


def torch_shape(name, variable):
    shape = tuple(variable.shape)
    if name.endswith("noise_const"):
        return shape
    if name.endswith("b4.const"):
        return (shape[2], *shape[:2])
    if len(shape) < 2:
        return shape
    *map_shape, inputs, outputs = shape
    return (outputs, inputs, *map_shape)


def test_generator_matches_reference():
    network = stylegan2.build_generator((32, 32, 3), 32, 32, None, 2, 512, 32, "random")
    filled(network, stylegan2_ada.generator_layout(network))
    images = to_numpy(network(golden.latents(0, 32, batch=2)))
    assert images.mean() == pytest.approx(-0.062578, rel=1e-3, abs=1e-4)
    assert images.std() == pytest.approx(0.199697, rel=1e-3, abs=1e-4)
    expected = [-0.077871, -0.486808, -0.042820]
    np.testing.assert_allclose(images[1, 3, 5], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "expected",
    [
        [-8.682289, -8.663985],
        [-8.662592, -8.646663, -8.682938, -8.610465]
        + [-8.399585, -8.425689, -8.576353, -8.674278],
    ],
)
def test_discriminator_matches_reference(expected):
    network = stylegan2.build_discriminator((32, 32, 3), None, 512, 32, "resnet", 4)
    filled(network, stylegan2_ada.discriminator_layout(network))
    scores = network(golden.images(0, 32, 3, batch=len(expected)))
    np.testing.assert_allclose(to_numpy(scores)[:, 0], expected, rtol=1e-3, atol=1e-4)


def test_conditional_discriminator_matches_reference():
    network = stylegan2.build_discriminator((16, 16, 3), 10, 512, 32, "orig", 4)
    filled(network, stylegan2_ada.discriminator_layout(network))
    images, labels = golden.images(0, 16, 3, batch=2), np.array([1, 3], "int32")
    scores = to_numpy(network((images, labels)))
    expected = [-0.000389, -0.001693]
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-3, atol=1e-4)


class PhaseScript:
    """Draws of fixture F7: four latents per step, and images of noise for paths."""

    def __init__(self):
        self.latents = self.noises = 0

    def normal(self, shape, truncation=None):
        if len(shape) == 2:
            self.latents += 1
            return ops.convert_to_tensor(golden.latents(self.latents - 1, shape[1]))
        n = 4 * self.noises + np.arange(shape[0])[:, None, None, None]
        h, w, c = np.ogrid[: shape[1], : shape[2], : shape[3]]
        self.noises += 1
        noise = math.sqrt(2) * np.cos(0.9 * h + 0.4 * w + 1.7 * c + 2.3 * n)
        return ops.convert_to_tensor(noise.astype("float32"))


def reference():
    gan = kg.StyleGAN2(
        (16, 16, 3),
        latent_dim=16,
        style_dim=16,
        channel_base=128,
        max_channels=16,
        mapping_layers=2,
        style_mixing=0.0,
        noise_mode_in_training="const",
    )
    filled(gan.generator, stylegan2_ada.generator_layout(gan.generator))
    filled(gan.sampler, stylegan2_ada.generator_layout(gan.sampler))
    filled(gan.discriminator, stylegan2_ada.discriminator_layout(gan.discriminator))
    return gan


def reference_tensors(gan):
    """All trained tensors by the names of fixture F7, flat in the reference's order."""
    networks = {"G": gan.generator, "D": gan.discriminator, "EMA": gan.sampler}
    found = {}
    for prefix, network in networks.items():
        layout = stylegan2_ada.discriminator_layout
        if prefix != "D":
            layout = stylegan2_ada.generator_layout
        for name, (variable, _) in layout(network).items():
            found[f"{prefix} {name}"] = golden.to_torch(to_numpy(variable)).copy()
    return found


class Updates:
    """Loss terms and gradient norms of each update, and D's mean scores, in order."""

    def __init__(self, gan):
        self.terms, self.norms = [], []
        self.scores = golden.Watch(gan, "discriminator").scores
        names = {
            **stylegan2_ada.generator_layout(gan.generator),
            **stylegan2_ada.discriminator_layout(gan.discriminator),
        }
        self._names = {id(variable): name for name, (variable, _) in names.items()}
        self._watch_terms(gan)
        self._watch_gradients(gan.generator_optimizer)
        self._watch_gradients(gan.discriminator_optimizer)

    def _watch_terms(self, gan):
        record = gan._record

        def watched(terms_by_player):
            for terms in terms_by_player.values():
                self.terms.append({name: float(v) for name, v in terms.items()})
            return record(terms_by_player)

        object.__setattr__(gan, "_record", watched)

    def _watch_gradients(self, optimizer):
        apply = optimizer.apply

        def watched(gradients, variables):
            pairs = zip(gradients, variables, strict=True)
            norms = {self._names[id(v)]: to_numpy(g) for g, v in pairs}
            self.norms.append({k: np.linalg.norm(g) for k, g in norms.items()})
            apply(gradients, variables)

        optimizer.apply = watched


EXPECTED_NORMS = [
    {
        "mapping.fc0.weight": 0.0004240437,
        "synthesis.b8.conv0.weight": 0.1906843,
        "synthesis.b16.torgb.weight": 0.03364583,
    },
    {
        "mapping.fc0.weight": 0.08079761,
        "synthesis.b8.conv0.weight": 10.82284,
        "synthesis.b16.torgb.weight": 13.98047,
        "synthesis.b8.conv1.noise_strength": 15.07999,
        "synthesis.b4.torgb.bias": 0.0,
        "synthesis.b8.torgb.bias": 0.0,
        "synthesis.b16.torgb.bias": 0.0,
    },
    {
        "b16.fromrgb.weight": 0.5646107,
        "b8.conv0.weight": 0.2043473,
        "b4.out.weight": 0.4636847,
    },
    {
        "b16.fromrgb.weight": 30.92063,
        "b8.conv0.weight": 20.65591,
        "b4.out.weight": 78.73328,
        "b4.conv.bias": 0.0,
        "b4.fc.bias": 0.0,
        "b4.out.bias": 0.0,
    },
    {
        "mapping.fc0.weight": 0.0003473532,
        "synthesis.b8.conv0.weight": 0.1498269,
        "synthesis.b16.torgb.weight": 0.03002657,
    },
    {
        "b16.fromrgb.weight": 0.4249149,
        "b8.conv0.weight": 0.1518624,
        "b4.out.weight": 0.3165336,
    },
]
EXPECTED_TENSORS = {
    "G mapping.fc0.weight": (
        (0.08482787, 1.334907, 0.002915775),
        {0: 0.726212, 128: -1.10505, 255: 0.7475068},
    ),
    "G synthesis.b8.conv0.weight": (
        (-0.02033067, 1.39006, 0.002790229),
        {0: -0.4394483, 1152: -2.142384, 2303: 2.012103},
    ),
    "G synthesis.b16.torgb.weight": (
        (-0.06783359, 1.330185, 0.002780386),
        {0: -0.101855, 12: 0.1550111, 23: 1.678976},
    ),
    "D b16.fromrgb.weight": (
        (-0.137953, 1.371209, 0.003439685),
        {0: 1.837301, 12: -1.158002, 23: 0.5553319},
    ),
    "D b8.conv0.weight": (
        (0.0244982, 1.435059, 0.003564098),
        {0: 1.630269, 1152: -1.149102, 2303: 1.626755},
    ),
    "D b4.out.weight": (
        (-0.1210298, 1.139229, 0.003963693),
        {0: 1.168494, 8: -1.692488, 15: -1.111685},
    ),
    "EMA synthesis.b16.torgb.weight": (
        (-0.06745564, 1.330788, 1.537766e-6),
        {0: -0.1012005, 12: 0.1556644, 23: 1.675104},
    ),
}


@pytest.mark.every_backend
@slow_abroad
def test_train_steps_match_reference():
    """Fixture F7a: a step with both regularisers, and one with neither."""
    gan = reference()
    # JAX would compile each operation by itself; what its steps lead to is compared.
    is_eager = keras.backend.backend() == "tensorflow"
    gan.compile(run_eagerly=is_eager)
    gan.training_seeds = PhaseScript()
    updates = Updates(gan) if is_eager else None
    before = reference_tensors(gan)
    assert float(to_numpy(gan.path_length)) == 0.0
    gan.train_on_batch(golden.images(0, 16, 3))
    assert float(to_numpy(gan.path_length)) == pytest.approx(0.02655624, rel=1e-4)
    gan.train_on_batch(golden.images(1, 16, 3))
    if is_eager:
        check_updates(updates)

    after = reference_tensors(gan)
    for name, (statistics, entries) in EXPECTED_TENSORS.items():
        atol = 0.02 * 0.002 * 3
        golden.check_tensor(after[name], before[name], statistics, entries, atol)
    average = to_numpy(gan.generator.get_layer("styles").average)
    np.testing.assert_allclose(average[:2], [0.07506659, 0.08389433], rtol=1e-5)
    np.testing.assert_array_equal(
        average, to_numpy(gan.sampler.get_layer("styles").average)
    )
    latents = ops.convert_to_tensor(golden.latents(0, 16))
    expected = [-0.0530121, -0.2283898, 0.2880683]
    images = to_numpy(gan.generator(latents))
    np.testing.assert_allclose(images[1, 3, 5], expected, atol=1e-5)
    expected = [-0.1184121, -0.3146144, 0.2174098]
    images = to_numpy(gan.images_of(latents, truncation=0.5))
    np.testing.assert_allclose(images[1, 3, 5], expected, atol=1e-5)
    score = to_numpy(gan.discriminator(golden.images(0, 16, 3)))[1, 0]
    assert score == pytest.approx(3.358184, rel=1e-5)


def check_updates(updates):
    """The loss terms, gradients and scores of the six updates of fixture F7a."""
    expected = [
        {"generator_loss": 0.5812468},
        {"path_length_penalty": 4 * 13.8272},
        {"discriminator_loss": 0.926128},
        {"r1_penalty": 16 * 5.606441},
        {"generator_loss": 0.6705447},
        {"discriminator_loss": 0.7899009},
    ]
    assert [list(t) for t in updates.terms] == [list(t) for t in expected]
    for i, (found, wanted) in enumerate(zip(updates.terms, expected, strict=True)):
        rtol = 2e-5 if i == 0 else 1e-4
        for name, value in wanted.items():
            assert found[name] == pytest.approx(value, rel=rtol), (i, name)
    # Fakes of the generator, fakes and reals of the discriminator, in both steps; in
    # between the reals of R1.
    scores = [*updates.scores[:3], *updates.scores[4:]]
    expected = [0.2379189, 0.3905137, 4.248812, 0.04572812, 0.09589326, 3.225024]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)
    pairs = zip(updates.norms, EXPECTED_NORMS, strict=True)
    for i, (found, wanted) in enumerate(pairs):
        for name, value in wanted.items():
            rtol = 2e-5 if i == 0 else 1e-4
            assert found[name] == pytest.approx(value, rel=rtol), (i, name)


def test_optimizers_allow_for_lazy_updates():
    gan = kg.StyleGAN2(**{**TINY, "config": "stylegan2"})
    expected = {
        "generator": (0.0016, 0.9919920, 8.949e-10),
        "discriminator": (0.001882353, 0.9905855, 9.703e-10),
    }
    for player, optimizer in gan.default_optimizers().items():
        config = optimizer.get_config()
        found = [config[name] for name in ("learning_rate", "beta_2", "epsilon")]
        np.testing.assert_allclose(found, expected[player], rtol=1e-4)
        assert config["beta_1"] == 0.0


def tiny(**changes):
    return kg.StyleGAN2(**{**TINY, **changes})


def some_latents(count, seed=0):
    draws = np.random.default_rng(seed).normal(size=(count, TINY["latent_dim"]))
    return ops.convert_to_tensor(draws.astype("float32"))


def with_a_mean_style(gan):
    """As after some training: styles have a mean, and noise shows."""
    gan.sampler.get_layer("styles").average.assign(0.3 * np.arange(6) - 0.5)
    for layer in gan.sampler.get_layer("synthesis").layers:
        if isinstance(layer, kg.layers.StyleNoise):
            layer.strength.assign(0.5)
    return gan


@pytest.mark.every_backend
def test_truncation():
    gan = with_a_mean_style(tiny())
    latents = some_latents(3)
    mean_images = to_numpy(gan.images_of(latents, truncation=0.0))
    np.testing.assert_allclose(mean_images, mean_images[[1, 2, 0]], atol=1e-6)
    styles = np.tile(0.3 * np.arange(6) - 0.5, (1, 4, 1)).astype("float32")
    np.testing.assert_allclose(
        mean_images[:1], to_numpy(gan.synthesize(styles)), atol=1e-6
    )
    whole = to_numpy(gan.images_of(latents))
    same = to_numpy(gan.images_of(latents, truncation=1.0))
    np.testing.assert_allclose(whole, same, atol=1e-5)
    half = to_numpy(gan.map(latents, truncation=0.5))
    np.testing.assert_allclose(
        half, (styles + to_numpy(gan.map(latents))) / 2, atol=1e-6
    )
    first, second = (gan.sample(2, seed=3, truncation=psi) for psi in (None, 0.0))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(second[0], mean_images[0], atol=1e-6)


@pytest.mark.every_backend
def test_mixing_ends_at_either_parent():
    gan = with_a_mean_style(tiny())
    first, second = some_latents(2), some_latents(2, seed=1)
    images = [to_numpy(gan.images_of(z)) for z in (first, second)]
    layers = gan.map(first).shape[1]
    assert layers == 4
    np.testing.assert_allclose(
        to_numpy(gan.mix(first, second, layers)), images[0], atol=1e-6
    )
    np.testing.assert_allclose(
        to_numpy(gan.mix(first, second, 0)), images[1], atol=1e-6
    )
    between = to_numpy(gan.mix(first, second, 2))
    assert min(np.abs(between - image).max() for image in images) > 1e-3


def test_mixed_styles_change_once_and_for_the_whole_batch():
    gan = tiny(style_mixing=1.0)
    latents, others = some_latents(3), some_latents(3, seed=1)
    plain, other = (to_numpy(gan.map(z)) for z in (latents, others))
    for place, cutoff in ((0.0, 1), (0.4, 2), (0.99, 3)):
        script = golden.Scripted(
            normal=lambda t, shape: others,
            uniform=lambda t, shape, place=place: [[0.5, place]],
        )
        gan.training_seeds = script
        found = to_numpy(gan.styles_in_training(latents))
        np.testing.assert_allclose(found[:, :cutoff], plain[:, :cutoff], atol=1e-6)
        np.testing.assert_allclose(found[:, cutoff:], other[:, cutoff:], atol=1e-6)
    gan.style_mixing = 0.4
    gan.training_seeds = script
    np.testing.assert_allclose(
        to_numpy(gan.styles_in_training(latents)), plain, atol=1e-6
    )


def test_mean_style_follows_the_styles_drawn_first():
    gan = tiny(style_mixing=1.0)
    average = gan.generator.get_layer("styles").average
    latents = some_latents(3)
    mean = to_numpy(gan.map(latents))[:, 0].mean(axis=0)
    gan.styles_in_training(latents)
    np.testing.assert_allclose(to_numpy(average), 0.005 * mean, rtol=1e-4)
    gan.styles_in_training(latents)
    expected = (1 - 0.995**2) * mean
    np.testing.assert_allclose(to_numpy(average), expected, rtol=1e-4)
    gan.evaluating = True
    gan.styles_in_training(latents)
    np.testing.assert_allclose(to_numpy(average), expected, rtol=1e-4)


def test_path_lengths_of_a_linear_synthesis():
    """J^T y of an affine map is the sum over pixels of its matrix times y."""
    gan = tiny(style_mixing=0.0)
    matrix = np.random.default_rng(0).normal(size=(4 * 6, 64)).astype("float32")
    noise = np.random.default_rng(1).normal(size=(2, 8, 8, 1)).astype("float32")

    def synthesis(styles):
        return ops.reshape(
            ops.matmul(ops.reshape(styles, (-1, 24)), matrix), noise.shape
        )

    object.__setattr__(gan, "synthesize_in_training", synthesis)
    gan.training_seeds = golden.Scripted(normal=lambda t, shape: noise)
    gan.path_length.assign(2.0)
    found = gan.path_losses(some_latents(4), [])["path_length_penalty"]
    slopes = (noise.reshape(2, 64) / 8) @ matrix.T
    lengths = np.sqrt((slopes.reshape(2, 4, 6) ** 2).sum(axis=2).mean(axis=1))
    target = 0.99 * 2.0 + 0.01 * lengths.mean()
    expected = 4 * 2.0 * np.mean((lengths - target) ** 2)
    assert float(found) == pytest.approx(expected, rel=1e-4)
    assert float(to_numpy(gan.path_length)) == pytest.approx(target, rel=1e-5)


def test_initial_features_have_unit_variance():
    """Before a filter takes some of it, and away from the zeros outside a map."""
    arguments = {"latent_dim": 128, "style_dim": 128, "channel_base": 1024}
    gan = tiny(image_shape=(32, 32, 3), max_channels=128, **arguments)
    latents = np.random.default_rng(0).normal(size=(16, 128)).astype("float32")
    synthesis = gan.generator.get_layer("synthesis")
    features = synthesis.get_layer("b4_conv1_activation").output
    features = keras.Model(synthesis.input, features)(gan.map(latents))
    inner = to_numpy(features)[:, 1:-1, 1:-1]
    assert np.sqrt(np.mean(inner**2)) == pytest.approx(1.0, abs=0.15)
    assert 0.5 < to_numpy(gan.generator(latents)).std() < 2.0


def test_scores_depend_on_the_group_and_not_on_its_order():
    network = stylegan2.build_discriminator((8, 8, 1), None, 16, 4, "resnet", 4)
    images = golden.images(0, 8, 1, batch=8)
    scores = to_numpy(network(images))[:, 0]
    # Groups are the even and the odd rows.
    order = [2, 5, 6, 7, 0, 1, 4, 3]
    np.testing.assert_allclose(
        to_numpy(network(images[order]))[:, 0], scores[order], atol=1e-5
    )
    torn = [1, 0, 2, 3, 4, 5, 6, 7]
    assert np.abs(to_numpy(network(images[torn]))[:, 0] - scores[torn]).max() > 1e-5


def test_conditional_trains_and_follows_its_labels():
    gan = tiny(num_classes=3, path_length_weight=0.0)
    gan.compile()
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype("uint8")
    logs = gan.fit(images, np.arange(4) % 3, batch_size=4, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    one, other = (gan.sample(2, seed=1, labels=k) for k in (0, 1))
    assert np.abs(one - other).max() > 1e-3
    truncated = gan.sample(2, seed=1, labels=1, truncation=0.5)
    assert np.abs(other - truncated).max() > 1e-4
    np.testing.assert_array_equal(
        to_numpy(gan.map(some_latents(2))),
        to_numpy(gan.map(some_latents(2), np.zeros(2, "int32"))),
    )


def test_stages_follow_the_intervals():
    gan = tiny(generator_interval=4, discriminator_interval=16)
    due = [gan.stage_at(count) for count in range(33)]
    assert [i for i, (paths, _) in enumerate(due) if paths] == list(range(0, 33, 4))
    assert [i for i, (_, slopes) in enumerate(due) if slopes] == [0, 16, 32]
    assert tiny(path_length_weight=0.0).stage_at(0) == (False, True)
    assert tiny(r1_weight=0.0).stage_at(0) == (True, False)


def test_penalties_are_left_out_between_their_steps():
    gan = tiny(generator_interval=2, discriminator_interval=3)
    seen, record = [], gan._record
    object.__setattr__(
        gan,
        "_record",
        lambda t: seen.extend(*[list(v) for v in t.values()]) or record(t),
    )
    gan.compile(run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1)).astype("uint8")
    gan.fit(images, batch_size=4, verbose=0)
    everything = list(gan.reports)
    assert seen == [*everything, "generator_loss", "discriminator_loss"]


def test_average_decay():
    def decay(gan, batch, iterations):
        object.__setattr__(gan, "_images_in_step", batch)
        gan.iterations.assign(iterations)
        return float(gan.average_decay())

    paper = tiny(config="stylegan2")
    assert decay(paper, 32, 0) == pytest.approx(0.9977844, rel=1e-6)
    assert decay(tiny(config="paper256"), 64, 0) == pytest.approx(0.9977844, rel=1e-6)
    assert decay(paper, 64, 0) == pytest.approx(0.9955737, rel=1e-6)
    auto = tiny()
    assert decay(auto, 16, 10**6) == pytest.approx(0.5 ** (16 / 5000), rel=1e-6)
    assert decay(auto, 16, 0) == 0.0
    assert decay(auto, 16, 100) == pytest.approx(0.5 ** (16 / 80), rel=1e-6)
    assert tiny(ema_decay=0.5).average_decay() == 0.5


def test_automatic_penalty_weight():
    """0.0002 * side^2 / batch, in place of a fixed gamma."""
    images = golden.images(0, 8, 1)
    found = {}
    for weight in (None, 3.0):
        gan = tiny(r1_weight=weight)
        object.__setattr__(gan, "_images_in_step", 4)
        loss = gan.slope_losses(ops.convert_to_tensor(images), [])["r1_penalty"]
        found[weight] = float(loss)
    assert found[None] == pytest.approx(found[3.0] * 0.0002 * 64 / 4 / 3.0, rel=1e-5)


def test_configurations():
    auto = stylegan2.configurations.defaults_of("auto", 1024)
    assert (auto["channel_base"], auto["learning_rate"]) == (32768, 0.002)
    auto = stylegan2.configurations.defaults_of("auto", 256)
    assert (auto["channel_base"], auto["learning_rate"]) == (16384, 0.0025)
    gan = tiny(config="cifar", style_mixing=0.5)
    assert (gan.style_mixing, gan.path_length_weight) == (0.5, 0.0)
    assert (gan.r1_weight, gan.half_life, gan.ramp_up) == (0.01, 500_000, 0.05)


def test_what_does_not_exist():
    for shape in ((24, 24, 1), (16, 32, 3), (4, 4, 1), (64,)):
        with pytest.raises(ValueError, match="8, 16, 32, 64"):
            tiny(image_shape=shape)
    with pytest.raises(ValueError, match="'auto' or one of stylegan2, paper256"):
        tiny(config="stylegan3")
    with pytest.raises(ValueError, match="'resnet' or 'orig'. Found: 'skip'"):
        tiny(discriminator_architecture="skip")
    inputs = keras.Input((6,))
    images = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(inputs))
    with pytest.raises(ValueError, match="lacks mapping, styles, synthesis"):
        tiny(generator=keras.Model(inputs, images))


def test_published_names_are_checked():
    gan = tiny()
    layout = stylegan2_ada.generator_layout(gan.generator)
    arrays = {n: np.zeros(torch_shape(n, v)) for n, (v, _) in layout.items()}
    del arrays["synthesis.b4.const"]
    arrays["synthesis.b4.conv0.weight"] = np.zeros(3)
    with pytest.raises(ValueError, match="missing: synthesis.b4.const; 1 are unknown"):
        loading.assign(layout, arrays, stylegan2_ada.IGNORED)
