import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import pix2pixhd as converter
from keras_gans.core import gradients
from keras_gans.core.random import CounterStream
from keras_gans.models import pix2pixhd
from keras_gans.models.pix2pixhd import instances as by_instance
from keras_gans.models.pix2pixhd import maps as label_maps
from tests import golden_translation as golden
from tests.cheap_weights import cheap_weights
from tests.contract import count, differs, on_tensorflow, state_of
from tests.contract_translation import TranslatorContract

SIDES = (32, 64)


def grid(batch=2):
    return np.ogrid[:batch, : SIDES[0], : SIDES[1]]


def labels(batch=2):
    """lab of the fixtures."""
    b, h, w = grid(batch)
    return ((h // 4 + w // 8 + b) % 5).astype("int32")


def instances(batch=2):
    """inst of the fixtures."""
    b, h, w = grid(batch)
    return (10 * (h // 8) + w // 16 + 100 * b).astype("int32")


def seen():
    """cond of the fixtures: classes and boundaries."""
    classes = label_maps.one_hot(labels(), 5)
    return ops.concatenate([classes, label_maps.boundaries(instances())], axis=-1)


# Sections 2 and 13: halvings, blocks, trunk's width, enhancers, their blocks; by
# position; parameters; moments, pixels and error of the images.
GENERATORS = {
    "H1": (
        (3, 2, 8, 0, 0),
        False,
        199_803,
        (0.410952, 0.510920),
        ([0.329836, 0.769271, 0.583302], [0.766610, 0.634436, 0.136992]),
        3.4e-6,
    ),
    "H3": (
        (2, 2, 8, 1, 1),
        False,
        54_471,
        (0.093543, 0.537100),
        ([-0.767544, 0.506969, 0.896243], [0.074157, 0.457217, 0.311679]),
        4.2e-6,
    ),
    "H4": (
        (2, 1, 8, 2, 2),
        False,
        38_181,
        (-0.014110, 0.656333),
        ([-0.606908, -0.032591, 0.886632], [-0.955078, 0.149312, 0.624450]),
        5.7e-6,
    ),
    "F4": (
        (3, 2, 8, 0, 0),
        True,
        199_803,
        (-0.123250, 0.587655),
        ([0.775224, -0.897123, -0.785253], [-0.058252, -0.749482, -0.548374]),
        5.3e-6,
    ),
    "F5": (
        (2, 2, 8, 1, 1),
        True,
        54_471,
        (0.085452, 0.588706),
        ([0.967542, 0.723022, -0.826671], [0.592010, 0.233277, -0.705479]),
        3.2e-6,
    ),
}
# H6: moments and one value (1, 1, 2, 0) of each layer, from full size on.
FEATURES = [
    [
        ((2, 17, 33, 8), (0.194183, 0.453541), 0.600700),
        ((2, 9, 17, 16), (0.325138, 0.658624), -0.039058),
        ((2, 5, 9, 32), (0.316932, 0.658673), -0.150622),
        ((2, 6, 10, 64), (0.315814, 0.639760), 0.282927),
        ((2, 7, 11, 1), (-0.374024, 0.778167), -0.394841),
    ],
    [
        ((2, 9, 17, 8), (0.147421, 0.405225), 0.183240),
        ((2, 5, 9, 16), (0.324872, 0.647231), 0.410217),
        ((2, 3, 5, 32), (0.322619, 0.647373), 0.100325),
        ((2, 4, 6, 64), (0.320825, 0.644081), -0.104218),
        ((2, 5, 7, 1), (-0.318982, 0.612139), -0.809462),
    ],
]
EXACT = {"rtol": 1e-4, "atol": 1e-5}


def moments_of(maps):
    maps = ops.convert_to_numpy(maps)
    return maps.mean(dtype="float64"), maps.std(dtype="float64")


@pytest.mark.every_backend
def test_maps_are_those_of_the_fixtures():
    classes = ops.convert_to_numpy(label_maps.one_hot(labels(), 5))
    counts = [[384, 416, 448, 416, 384], [384, 384, 416, 448, 416]]
    np.testing.assert_array_equal(classes.sum(axis=(1, 2)), counts)
    edges = ops.convert_to_numpy(label_maps.boundaries(instances()))
    np.testing.assert_array_equal(edges.sum(axis=(1, 2, 3)), [540, 540])
    edges = ops.convert_to_numpy(label_maps.boundaries(labels()))
    np.testing.assert_array_equal(edges.sum(axis=(1, 2, 3)), [1148, 1148])


@pytest.mark.every_backend
@pytest.mark.parametrize("name", GENERATORS)
def test_generator_matches_reference(name):
    (d, n, width, e, m), by_position, parameters, moments, pixels, err = GENERATORS[
        name
    ]
    network = pix2pixhd.build_generator(6, 3, d, n, width, e, m)
    golden.fill(network, converter.generator_layout, by_position=by_position)
    assert count(network) == parameters
    golden.check(network(seen()), moments, *pixels, err)


@pytest.mark.every_backend
def test_trunk_and_head_are_the_global_generator():
    """H1 by the parts of a generator with enhancers."""
    generator = pix2pixhd.build_generator(6, 3, 3, 2, 8, 1, 1)
    trunk, head = generator.get_layer("trunk"), pix2pixhd.build_trunk_head(8, 3)
    both = keras.Model(trunk.input, head(trunk.output))
    golden.fill(both, lambda _: converter.global_layout(trunk, head))
    _, _, _, moments, pixels, err = GENERATORS["H1"]
    golden.check(head(trunk(seen())), moments, *pixels, err)


@pytest.mark.every_backend
def test_discriminator_matches_reference():
    network = pix2pixhd.build_discriminator(9, 3, 8, 2)
    golden.fill(network, converter.discriminator_layout)
    assert count(network) == 90_610
    pair = ops.concatenate([seen(), golden.target(2, SIDES)], axis=-1)
    logits, features = network(pair)
    for level, expected in enumerate(FEATURES):
        layers = [*features[level], logits[level]]
        for maps, (shape, moments, value) in zip(layers, expected, strict=True):
            assert maps.shape == shape
            np.testing.assert_allclose(moments_of(maps), moments, **EXACT)
            found = ops.convert_to_numpy(maps)[1, 1, 2, 0]
            np.testing.assert_allclose(found, value, **EXACT)


@pytest.mark.every_backend
def test_discriminator_without_matching_matches_reference():
    """H9: the same network under other names."""
    network = pix2pixhd.build_discriminator(9, 3, 8, 2)
    golden.fill(network, lambda d: converter.discriminator_layout(d, False))
    pair = ops.concatenate([seen(), golden.target(2, SIDES)], axis=-1)
    logits, _ = network(pair)
    expected = [(-0.337639, 0.649926), (0.247899, 0.632923)]
    for maps, moments in zip(logits, expected, strict=True):
        np.testing.assert_allclose(moments_of(maps), moments, **EXACT)


@pytest.mark.every_backend
def test_encoder_matches_reference():
    """H10."""
    network = pix2pixhd.build_encoder(3, 3, 4, 2)
    golden.fill(network, converter.encoder_layout)
    assert count(network) == 4_099
    features = network(golden.target(2, SIDES))
    np.testing.assert_allclose(moments_of(features), (0.218651, 0.534661), **EXACT)
    pooled = by_instance.pooled(features, ops.convert_to_tensor(instances()))
    np.testing.assert_allclose(moments_of(pooled), (0.218651, 0.203666), **EXACT)
    pooled = ops.convert_to_numpy(pooled)
    expected = [0.481129, -0.015294, 0.263232]
    np.testing.assert_allclose(pooled[1, 3, 5], expected, **EXACT)
    expected = [0.422736, -0.070314, 0.278924]
    np.testing.assert_allclose(pooled[0, 20, 40], expected, **EXACT)


def small(**changes):
    """The system of H1 and H6."""
    sizes = {"halvings": 3, "residual_blocks": 2, "base_channels": 8}
    return kg.Pix2PixHD(
        (*SIDES, 3), 5, discriminator_channels=8, **{**sizes, **changes}
    )


@pytest.mark.every_backend
def test_losses_match_reference():
    """H7, by the system's own step."""
    gan = small()
    golden.fill(gan.generator, converter.generator_layout)
    golden.fill(gan.discriminator, converter.discriminator_layout)
    gan.compile()
    sources, images = (labels(), instances()), golden.target(2, SIDES)
    found = gan.evaluate(sources, images, batch_size=2, verbose=0, return_dict=True)
    expected = {
        "generator_loss": 4.870570,
        "discriminator_loss": 3.017654,
        "matching_loss": 18.398693,
    }
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("channels", "halvings", "enhancers", "expected"),
    [
        (36, 4, 0, 182_546_755),
        (39, 4, 0, 182_556_163),
        (3, 4, 0, 182_443_267),
        (36, 3, 0, 45_696_835),
        (36, 4, 1, 182_857_059),
        (39, 4, 1, 182_871_171),
    ],
)
def test_parameters_of_the_generator(channels, halvings, enhancers, expected):
    with cheap_weights():
        network = pix2pixhd.build_generator(channels, 3, halvings, enhancers=enhancers)
    assert count(network) == expected
    if enhancers and channels == 36:
        trunk = network.get_layer("trunk")
        assert count(trunk) == 182_537_344
        first = [network.get_layer(f"enhancer_1_{part}") for part in ("first", "down")]
        assert sum(map(count, first)) == 74_976


@pytest.mark.parametrize(
    ("channels", "scales", "expected"),
    [
        (39, 1, 2_801_601),
        (39, 2, 5_603_202),
        (39, 3, 8_404_803),
        (6, 1, 2_767_809),
        (6, 3, 8_303_427),
    ],
)
def test_parameters_of_the_discriminator(channels, scales, expected):
    with cheap_weights():
        network = pix2pixhd.build_discriminator(channels, scales=scales)
    assert count(network) == expected


def test_parameters_of_the_paper():
    with cheap_weights():
        gan = kg.Pix2PixHD(feature_channels=3)
    assert count(gan.encoder) == 788_803
    assert count(gan.generator) == 182_556_163
    assert count(gan.discriminator) == 5_603_202


def test_sizes_of_the_patches():
    network = pix2pixhd.build_discriminator(4, base_channels=1, scales=1)
    logits, features = network.compute_output_shape((1, 256, 512, 4))
    sizes = [shape[1:3] for shape in (*features[0], logits[0])]
    assert sizes == [(129, 257), (65, 129), (33, 65), (34, 66), (35, 67)]


def blocks(count, side, num_labels, seed=0):
    """Label maps of squares, and instance maps with ids of their own."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, num_labels, (count, side // 4, side // 4))
    found = coarse.repeat(4, axis=1).repeat(4, axis=2)
    columns = np.arange(side) // (side // 2)
    return found.astype("uint8"), (1000 * found + columns).astype("int32")


class TestPix2PixHD(TranslatorContract):
    system = kg.Pix2PixHD
    tiny = {
        "image_shape": (16, 16, 1),
        "num_labels": 3,
        "halvings": 2,
        "residual_blocks": 1,
        "base_channels": 2,
        "discriminator_halvings": 1,
        "discriminator_channels": 2,
        "matching_weight": 1.0,
    }

    @classmethod
    def batch(cls, count):
        shape = (count, *cls.tiny["image_shape"])
        images = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
        return blocks(count, shape[1], cls.tiny["num_labels"]), images

    @classmethod
    def inputs(cls, gan, count):
        return cls.batch(count)[0]

    @classmethod
    def served(cls, gan, signatures, count):
        labels, instances = cls.batch(count)[0]
        maps = {"labels": labels.astype("int32"), "instances": instances}
        answers = [
            signatures[name](**maps) for name in ("serving_default", "translate")
        ]
        found = np.array([answer["images"] for answer in answers])
        return found, np.array(2 * [gan.translate((labels, instances))])

    @staticmethod
    def replica_order(data, updates, replicas):
        order = np.arange(len(data[1])).reshape(updates, replicas, -1)
        order = order.transpose(1, 0, 2).reshape(-1)
        return keras.tree.map_structure(lambda part: part[order], data)

    @on_tensorflow
    def test_served_files_equal_translated_images(self, trained, tmp_path):
        import tensorflow as tf

        trained.export(tmp_path / "1")
        ask = tf.saved_model.load(str(tmp_path / "1")).signatures["translate_png"]
        maps = self.batch(2)[0]

        def files(maps, dtype):
            pixels = maps[..., None].astype(dtype)
            return tf.stack([tf.io.encode_png(image) for image in pixels])

        expected = (trained.translate(maps) + 1) * 127.5
        labels, instances = files(maps[0], "uint8"), files(maps[1], "uint16")
        # Whichever depth a file has, its numbers count.
        for kind in ("uint8", "uint16"):
            answer = ask(label_bytes=files(maps[0], kind), instance_bytes=instances)
            found = [tf.io.decode_png(file).numpy() for file in answer["image_bytes"]]
            np.testing.assert_allclose(found, expected, atol=0.51)
        coloured = tf.stack([tf.io.encode_png(np.zeros((16, 16, 3), "uint8"))] * 2)
        for wrong in (coloured, tf.constant(["none"] * 2)):
            with pytest.raises(tf.errors.InvalidArgumentError, match="grey PNG"):
                ask(label_bytes=wrong, instance_bytes=instances)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"lie in \[0, 3\)"):
            ask(label_bytes=files(maps[0] + 1, "uint8"), instance_bytes=instances)
        with pytest.raises(tf.errors.InvalidArgumentError, match="one size"):
            ask(label_bytes=labels, instance_bytes=files(maps[1][:, :8], "uint16"))

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        maps = self.batch(5)[0]
        many = trained.translate(maps, seed=11, batch_size=2)
        few = trained.translate([part[:2] for part in maps], seed=11)
        assert many.dtype == np.float32 and many.shape == (5, 16, 16, 1)
        np.testing.assert_allclose(many[:2], few, atol=1e-6)
        assert many.min() >= -1.0001 and many.max() <= 1.0001

    def test_wrong_sides_are_refused(self, trained):
        maps = np.zeros((1, 17, 16), "uint8")
        with pytest.raises(ValueError, match="nearest size is 16x16"):
            trained.translate((maps, maps))

    def test_larger_images_are_translated(self, trained):
        maps = np.zeros((1, 32, 16, 1), "uint8")
        assert trained.translate((maps, maps)).shape == (1, 32, 16, 1)


class Staged(TestPix2PixHD):
    """All parts: a step of the trunk, four of the enhancer, then of both."""

    tiny = {
        **TestPix2PixHD.tiny,
        "enhancers": 1,
        "enhancer_blocks": 1,
        "global_steps": 1,
        "fix_global_steps": 4,
        "feature_channels": 2,
        "encoder_channels": 2,
        "num_clusters": 2,
    }

    @classmethod
    def drawn(cls, gan, count, seed=1):
        looks = np.full((count, 16, 16, 2), 0.5, "float32")
        return gan.translate((*cls.batch(count)[0], looks), seed=seed)


def one_step(gan):
    gan.fit(*Staged.batch(2), batch_size=2, verbose=0)


def parts_of(gan):
    """Values of all that is trained, by part."""
    head, trunk, enhancer = gan._generator_parts()
    parts = {"trunk": trunk, "head": head, "enhancer": enhancer}
    parts |= {name: getattr(gan, name).weights for name in ("encoder", "discriminator")}
    return {
        name: [ops.convert_to_numpy(w).copy() for w in part]
        for name, part in parts.items()
    }


@pytest.mark.every_backend
def test_what_moves_in_each_stage():
    gan = Staged.make(fix_global_steps=2)
    gan.compile()
    always = {"encoder", "discriminator"}
    for stage, expected in [
        ("global", {"trunk", "head"} | always),
        ("enhancer", {"enhancer"} | always),
        ("enhancer", {"enhancer"} | always),
        ("joint", {"trunk", "enhancer"} | always),
    ]:
        assert gan.stage == stage
        before = parts_of(gan)
        one_step(gan)
        after = parts_of(gan)
        assert {name for name in after if differs(before[name], after[name])} == (
            expected
        )


@pytest.mark.every_backend
def test_optimizers_start_afresh_with_a_stage():
    gan = Staged.make(fix_global_steps=2, global_steps=3)
    gan.compile()
    found, resting = [], []
    for _ in range(7):
        one_step(gan)
        players = (gan.generator_optimizer, gan.discriminator_optimizer)
        found.append([int(ops.convert_to_numpy(o.iterations)) for o in players])
        adam = players[0]
        kernel = gan.trunk.get_layer("first").kernel
        moment = adam._momentums[adam._get_variable_index(kernel)]
        resting.append(not ops.convert_to_numpy(moment).any())
    assert found == [[1, 1], [2, 2], [3, 3], [1, 1], [2, 2], [1, 3], [2, 4]]
    assert resting == [False, False, False, True, True, False, False]


def test_a_training_resumes_in_the_middle_of_a_stage(tmp_path):
    gan = Staged.fitted(epochs=2)
    assert gan.stage == "enhancer"
    begun = Staged.make()
    begun.compile()
    Staged().test_resumed_equals_never_stopped(Staged.recorded(tmp_path), (begun, None))


@pytest.mark.every_backend
def test_half_precision_trains_a_part():
    Staged.train_in("mixed_float16")


def test_the_contract_of_all_parts(tmp_path):
    gan = Staged.fitted(epochs=2)
    Staged().test_config_round_trip(gan)
    Staged().test_preset_round_trip(gan, tmp_path)


def test_evaluation_neither_counts_nor_moves():
    gan = Staged.make(global_steps=0)
    gan.compile()
    before = state_of(gan)
    gan.evaluate(*Staged.batch(2), batch_size=2, verbose=0)
    after = state_of(gan)
    changed = {k for k in after if (before[k] != after[k]).any()}
    assert all(name.startswith("seed") for name in changed)


@pytest.mark.every_backend
def test_translations_of_the_first_stage_are_enlarged():
    gan = Staged.make(feature_channels=0)
    gan.compile()
    maps = Staged.batch(3)[0]
    given = gan.channels_of(*map(label_maps.as_map, maps))
    x = gan.sampler.get_layer("trunk")(gan.small(given))
    coarse = ops.convert_to_numpy(gan.averaged("trunk_head")(x))
    expected = np.kron(coarse, np.ones((1, 2, 2, 1)))
    np.testing.assert_allclose(gan.translate(maps), expected, atol=1e-6)
    np.testing.assert_allclose(gan.predict(maps, verbose=0), expected, atol=1e-6)
    one_step(gan)
    expected = ops.convert_to_numpy(gan.sampler(given))
    np.testing.assert_allclose(gan.translate(maps), expected, atol=1e-6)
    # The graph of before, in float32 through many normalisations of small maps.
    np.testing.assert_allclose(gan.predict(maps, verbose=0), expected, atol=1e-5)


@on_tensorflow
def test_served_in_either_stage(tmp_path):
    import tensorflow as tf

    gan = Staged.make(global_steps=1)
    gan.compile()
    maps, images = Staged.batch(3)
    for version in ("1", "2"):
        gan.cluster_features(maps, images)
        gan.export(tmp_path / version)
        served = tf.saved_model.load(str(tmp_path / version))
        found, expected = Staged.served(gan, served.signatures, 3)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        one_step(gan)


@pytest.mark.every_backend
def test_boundaries_of_known_maps():
    """Section 2.13, check 5."""
    same = np.full((1, 6, 8), 7, "int32")
    assert not ops.convert_to_numpy(label_maps.boundaries(same)).any()
    halves = np.where(np.arange(8) < 3, 5, 9)[None, None].repeat(6, axis=1)
    edges = ops.convert_to_numpy(label_maps.boundaries(halves))[0, :, :, 0]
    np.testing.assert_array_equal(
        edges, np.isin(np.arange(8), (2, 3)) * np.ones((6, 1))
    )
    turned = label_maps.boundaries(halves.transpose(0, 2, 1))
    np.testing.assert_array_equal(ops.convert_to_numpy(turned)[0, :, :, 0], edges.T)


@pytest.mark.every_backend
def test_pooling_is_the_mean_of_each_instance():
    """Section 2.13, check 4: of each image by itself, whatever the ids."""
    random = np.random.default_rng(0)
    features = random.normal(size=(3, 6, 10, 2)).astype("float32")
    ids = random.choice([-3, 0, 26_001, 70_000], (3, 6, 10)).astype("int32")
    ids[2] = 5
    found = ops.convert_to_numpy(by_instance.pooled(features, ids))
    for image in range(3):
        for instance in np.unique(ids[image]):
            own = ids[image] == instance
            assert found[image][own].std(axis=0).max() < 1e-7
            mean = features[image][own].mean(axis=0)
            np.testing.assert_allclose(found[image][own][0], mean, atol=1e-6)


@pytest.mark.every_backend
def test_gradient_of_pooling_is_shared_by_the_instance():
    ids = np.array([[[1, 1, 2, 2]]], "int32")
    weights = np.array([1.0, 3.0, 0.0, 8.0], "float32").reshape(1, 1, 4, 1)
    slope = gradients.input_gradient(
        lambda x: by_instance.pooled(x, ids) * weights, np.zeros_like(weights)
    )
    np.testing.assert_allclose(ops.convert_to_numpy(slope).ravel(), [2, 2, 4, 4])


@pytest.mark.every_backend
def test_each_instance_has_a_look_of_its_class():
    maps, ids = blocks(4, 16, 3)
    maps, ids = label_maps.as_map(maps), label_maps.as_map(ids)
    centres = np.arange(1, 13, dtype="float32").reshape(3, 2, 2)
    counts = np.array([2, 1, 0], "int32")
    found = [
        ops.convert_to_numpy(
            by_instance.drawn(maps, ids, centres, counts, CounterStream(seed))
        )
        for seed in range(8)
    ]
    maps, ids = ops.convert_to_numpy(maps), ops.convert_to_numpy(ids)
    for features in found:
        for image in range(4):
            for instance in np.unique(ids[image]):
                looks = np.unique(features[image][ids[image] == instance], axis=0)
                assert len(looks) == 1
    of_class = {
        label: {tuple(look) for features in found for look in features[maps == label]}
        for label in range(3)
    }
    assert of_class == {0: {(1, 2), (3, 4)}, 1: {(5, 6)}, 2: {(0, 0)}}
    alone = by_instance.drawn(
        maps[2:3], ids[2:3], centres, counts, CounterStream(5, first_row=2)
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(alone)[0], found[5][2])


def test_looks_are_clustered_class_by_class():
    ids = np.zeros((8, 16), "int32")
    ids[:, 8:], ids[0, 0], ids[0, 1:4] = 24_001, 7, 8
    classes = np.where(ids == 24_001, 2, ids % 3)
    features = np.stack([ids / 100, classes], axis=-1)
    found = by_instance.looks(features, classes, ids)
    sizes = {tuple(look): (label, size) for label, look, size in found}
    assert sizes == {
        (0.0, 0.0): (0, 60 / 4),
        (0.07, 1.0): (1, 1 / 4),
        (0.08, 2.0): (2, 3 / 4),
        (240.01, 2.0): (2, 64 / 4),
    }
    found += [(2, np.array([240.03, 2.0]), 1.0), (1, np.ones(2), 0.5)]
    centres, counts = by_instance.centres_of(found, 4, 2, 2)
    # What covers at most half a 32nd of the image is left out.
    np.testing.assert_array_equal(counts, [1, 0, 2, 0])
    np.testing.assert_array_equal(centres[0, 0], [0, 0])
    two = sorted(centres[2].tolist())
    np.testing.assert_allclose(two, [[0.08, 2], [240.02, 2]], rtol=1e-6)


def test_a_look_is_kept_chosen_and_given(tmp_path):
    gan = Staged.make(global_steps=0, seed=5)
    maps, images = Staged.batch(3)
    with pytest.raises(ValueError, match="call cluster_features first"):
        gan.translate(maps)
    features = gan.encode_features(images, maps[1], batch_size=2)
    encoded = gan.averaged("encoder")(images.astype("float32") / 127.5 - 1)
    expected = by_instance.pooled(encoded, label_maps.as_map(maps[1]))
    np.testing.assert_allclose(features, ops.convert_to_numpy(expected), atol=1e-6)
    given = gan.translate((*maps, features))
    called = ops.convert_to_numpy(gan((*maps, features)))
    np.testing.assert_allclose(given, called, atol=1e-6)
    assert np.abs(given - gan.translate((*maps, -features))).max() > 1e-6
    gan.cluster_features(maps, images)
    counts = ops.convert_to_numpy(gan.centre_counts)
    assert set(np.flatnonzero(counts)) == set(np.unique(maps[0]))
    chosen = [gan.translate(maps, seed=seed) for seed in range(3)]
    assert np.abs(chosen[0] - chosen[1]).max() > 1e-6
    np.testing.assert_allclose(
        gan.translate([part[1:] for part in maps], seed=2, first_row=1),
        chosen[2][1:],
        atol=1e-6,
    )
    gan.save_to_preset(tmp_path / "looks")
    again = kg.from_preset(tmp_path / "looks")
    np.testing.assert_array_equal(again.translate(maps, seed=2), chosen[2])


def perceptual():
    images = keras.Input((None, None, 1))
    first = keras.layers.Conv2D(2, 3, activation="relu")(images)
    return keras.Model(images, [first, keras.layers.Conv2D(3, 3)(first)])


@pytest.mark.every_backend
def test_losses_at_the_known_point():
    """Section 2.13, check 6: what matches is 0 where the image is the real one."""
    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny, perceptual_network=perceptual())
    gan.compile()
    maps, images = TestPix2PixHD.batch(2)
    for layer in gan.discriminator.layers:
        if layer.name.endswith("to_logits"):
            layer.kernel.assign(np.zeros(layer.kernel.shape))

    def losses(images):
        return gan.evaluate(maps, images, batch_size=2, verbose=0, return_dict=True)

    found = losses(gan.translate(maps))
    assert found["matching_loss"] == pytest.approx(0, abs=1e-6)
    assert found["perceptual_loss"] == pytest.approx(0, abs=1e-6)
    # Two undecided discriminators.
    assert found["generator_loss"] == pytest.approx(2, rel=1e-6)
    assert found["discriminator_loss"] == pytest.approx(1, rel=1e-6)
    real = images.astype("float32") / 127.5 - 1
    pairs = zip(
        *(gan.perceptual_network(x) for x in (real, gan.translate(maps))), strict=True
    )
    distances = [
        np.abs(np.subtract(*map(ops.convert_to_numpy, p))).mean() for p in pairs
    ]
    expected = distances[0] / 4 + distances[1]
    assert losses(images)["perceptual_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.every_backend
def test_a_perceptual_network_is_frozen_and_kept():
    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny, perceptual_network=perceptual())
    gan.compile()
    before = [ops.convert_to_numpy(w).copy() for w in gan.perceptual_network.weights]
    logs = gan.fit(*TestPix2PixHD.batch(4), batch_size=2, verbose=0).history
    assert set(logs) == set(gan.reports) and "perceptual_loss" in logs
    after = [ops.convert_to_numpy(w) for w in gan.perceptual_network.weights]
    assert len(before) == 4 and not differs(before, after)
    again = kg.Pix2PixHD.from_config(gan.get_config())
    assert again.perceptual_network.count_params() == sum(w.size for w in before)
    assert not again.perceptual_network.trainable_weights


def test_the_perceptual_loss_trains_the_generator():
    moved = []
    for network in (None, perceptual()):
        gan = kg.Pix2PixHD(**TestPix2PixHD.tiny, perceptual_network=network)
        gan.compile(generator_optimizer=keras.optimizers.SGD(0.1))
        gan.fit(*TestPix2PixHD.batch(2), batch_size=2, verbose=0)
        moved.append([ops.convert_to_numpy(w) for w in gan.generator.weights])
    assert differs(*moved)


def test_the_other_game_at_the_known_point():
    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny, game="non_saturating", discriminators=3)
    gan.compile()
    for layer in gan.discriminator.layers:
        if layer.name.endswith("to_logits"):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    data = TestPix2PixHD.batch(2)
    found = gan.evaluate(*data, batch_size=2, verbose=0, return_dict=True)
    assert found["generator_loss"] == pytest.approx(3 * np.log(2), rel=1e-6)
    assert found["discriminator_loss"] == pytest.approx(3 * np.log(2), rel=1e-6)


def test_labels_alone():
    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny, instance_edges=False)
    gan.compile()
    (labels, instances), images = TestPix2PixHD.batch(4)
    assert gan.generator.input_shape[-1] == 3
    logs = gan.fit(labels, images, batch_size=2, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    assert gan.translate(labels).shape == images.shape
    with pytest.raises(ValueError, match=r"call fit\(labels, images\)"):
        gan.fit((labels, instances), images, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match="made of labels. Found: 2"):
        gan.translate((labels, instances))


@pytest.mark.parametrize("channels", [(), (1,)])
def test_data_sets_of_maps(channels):
    import tensorflow as tf

    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny)
    gan.compile()
    maps, images = TestPix2PixHD.batch(4)
    maps = tuple(part.reshape(*part.shape, *channels) for part in maps)
    gan.fit(tf.data.Dataset.from_tensor_slices((maps, images)).batch(2), verbose=0)
    one = gan.evaluate(maps, images, batch_size=2, verbose=0)
    plain = TestPix2PixHD.batch(4)
    assert one == gan.evaluate(*plain, batch_size=2, verbose=0)
    other = tuple(part[:, :8] for part in maps)
    with pytest.raises(ValueError, match=r"\(8, 16"):
        gan.fit(tf.data.Dataset.from_tensor_slices((other, images)).batch(2))


def test_framed_pairs_of_maps():
    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny)
    gan.compile()
    maps, images = TestPix2PixHD.batch(4)
    maps = tuple(part[..., None] for part in maps)
    options = {"jitter": 20, "image_size": 16, "flip": True, "integer_labels": True}
    batches = kg.data.PairBatches(maps, images, batch_size=2, **options)
    logs = gan.fit(batches, verbose=0).history
    assert np.isfinite(list(logs.values())).all()


def test_other_data_is_refused():
    gan = kg.Pix2PixHD(**TestPix2PixHD.tiny)
    gan.compile()
    (labels, instances), images = TestPix2PixHD.batch(4)

    def refused(match, x, y=images):
        with pytest.raises(ValueError, match=match):
            gan.fit(x, y, batch_size=2, verbose=0)

    refused(r"call fit\(\(labels, instances\), images\)", labels)
    refused("call fit", (labels, instances), None)
    refused("unscaled", (labels / 255, instances))
    refused("Instance maps hold integers", (labels, instances / 1.0))
    refused(r"Labels lie in \[0, 3\).*Found: \[1, 3\]", (labels % 2 * 2 + 1, instances))
    refused("have the shape", (np.stack(3 * [labels], axis=-1), instances))
    refused("one size", (labels, instances[:, :8]))
    refused("one size", (labels[:, :8], instances[:, :8]))
    refused("There are 3 maps and 4 images", (labels[:3], instances[:3]))
    refused("looks like", (labels, instances), images / 255)
    with pytest.raises(ValueError, match=r"made of \(labels, instances\)"):
        gan.translate(labels)
    with pytest.raises(ValueError, match="no encoder"):
        gan.encode_features(images, instances)


def test_other_arguments_are_refused():
    tiny = TestPix2PixHD.tiny
    with pytest.raises(ValueError, match="game is one of"):
        kg.Pix2PixHD(**tiny, game="hinge")
    with pytest.raises(ValueError, match="nearest size is 16x16"):
        kg.Pix2PixHD(**{**tiny, "image_shape": (18, 16, 1)})
    with pytest.raises(ValueError, match="a multiple of 4. Found: 2"):
        kg.Pix2PixHD(**tiny, enhancers=2)
    images = keras.Input((None, None, 1))
    many = [keras.layers.Conv2D(1, 1)(images) for _ in range(6)]
    with pytest.raises(ValueError, match="up to 5 maps. Found: 6"):
        kg.Pix2PixHD(**tiny, perceptual_network=keras.Model(images, many))
    with pytest.raises(ValueError, match="channels from"):
        kg.Pix2PixHD(**tiny, generator=keras.Model(images, many[0]))
