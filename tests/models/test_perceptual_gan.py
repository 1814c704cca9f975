"""Perceptual GAN: counts, the size split, losses, stages."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models.detector import RoIs
from keras_gans.models.perceptual_gan import build_discriminator, build_generator
from tests.contract import count, differs, trainable_of
from tests.contract_detection import REGIONS, DetectorContract

TINY = {
    **REGIONS,
    "small_side": 10,
    "generator_blocks": 1,
    "block_channels": 2,
    "discriminator_units": (4,),
}


class TestPerceptualGAN(DetectorContract):
    system = kg.PerceptualGAN
    # Where regions lie follows from weights too, without gradients.
    detached = ("detector",)
    # The third step is the last one of the plain detector.
    tiny = {**TINY, "plain_steps": 3, "perception_steps": 0}
    resting = ("discriminator", "generator")


def tiny(**changes):
    steps = {"plain_steps": 0, "perception_steps": 0}
    return kg.PerceptualGAN(**{**TINY, **steps, "seed": 3, **changes})


@pytest.fixture(scope="module")
def scenes():
    return TestPerceptualGAN.batch(4)


def to_numpy(value):
    return np.array(ops.convert_to_numpy(value))


def set_scales(gan, value):
    """Of the normalisations that begin at 0."""
    for layer in gan.generator.layers:
        if layer.name.endswith("_bn") and hasattr(layer, "gamma"):
            layer.gamma.assign(ops.full(layer.gamma.shape, value))


def test_parameter_counts():
    """Section 5.1."""
    shape = (7, 7, 512)
    assert count(build_discriminator(shape)) == 106_960_897
    width, early = 512, 64
    blocks = 2
    convolutions = 9 * early * width + width * width + blocks * 2 * 9 * width * width
    norms = (2 + 2 * blocks) * 2 * width
    generator = build_generator((14, 14, early), width, blocks)
    assert count(generator) == convolutions + norms
    assert generator.output_shape == (None, *shape)


@pytest.mark.every_backend
def test_it_begins_as_the_plain_detector(scenes):
    """Check 1, bit for bit."""
    gan = tiny()
    plain_arguments = {
        name: value
        for name, value in TINY.items()
        if name in kg.Detector().get_config()
    }
    plain = kg.Detector(**plain_arguments, seed=3)
    gan.take_detector(plain)
    first, second = (d.detect(scenes[0]) for d in (plain, gan))
    assert first["num_detections"].sum() > 0
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.parametrize("gate", ["size", "always"])
def test_small_regions_alone_are_changed(gate):
    """Check 3."""
    gan = tiny(gate=gate)
    set_scales(gan, 1.0)
    rng = np.random.default_rng(0)
    sides = np.array([4.0, 9.9, 10.0, 10.1, 20.0])
    boxes = np.stack([[2.0] * 5, [3.0] * 5, 2.0 + sides, 3.0 + sides], 1)[None]
    boxes = ops.cast(boxes, "float32")
    maps = [rng.normal(size=(1, *s, c)) for s, c in (((16, 16), 2), ((4, 4), 8))]
    features = gan.features(ops.zeros((1, 32, 32, 1)), training=False)
    features = type(features)(*(ops.cast(m, "float32") for m in maps))
    pooled = gan.pooled(features, boxes)
    refined = gan.refined(pooled, features, RoIs(boxes), training=False)
    changed = np.abs(to_numpy(refined) - to_numpy(pooled)).max((1, 2, 3)) > 0
    expected = sides <= 10 if gate == "size" else np.ones(5, bool)
    assert changed.tolist() == expected.tolist()
    plain = gan.refined(pooled, features, RoIs(boxes), training=True)
    np.testing.assert_array_equal(to_numpy(plain), to_numpy(pooled))


def test_half_of_the_objects_are_small(scenes):
    gan = tiny()
    _, objects = scenes
    sides = (objects["boxes"][..., 2] - objects["boxes"][..., 0])[
        objects["labels"] >= 0
    ]
    side = gan.split_at_median(objects)
    assert side == pytest.approx(np.median(sides**2) ** 0.5)
    assert float(to_numpy(gan.small_area)) == pytest.approx(side**2)
    turned = tiny(bounding_box_format="xywh")
    boxes = objects["boxes"]
    wide = np.concatenate(
        [boxes[..., 1::-1], (boxes[..., 2:] - boxes[..., :2])[..., ::-1]], -1
    )
    assert turned.split_at_median({**objects, "boxes": wide}) == pytest.approx(side)


def moved_by_a_step(gan, scenes):
    """Names of networks that a step trains, and whether backbone and proposals rest."""
    gan.compile(jit_compile=False)
    before = {name: trainable_of(getattr(gan, name)) for name in gan.networks}
    whole = [*gan.backbone.get_weights(), *gan.rpn.get_weights()]
    gan.fit(*scenes, batch_size=4, verbose=0)
    after = [*gan.backbone.get_weights(), *gan.rpn.get_weights()]
    moved = {
        name
        for name in gan.networks
        if differs(before[name], trainable_of(getattr(gan, name)))
    }
    return moved, not differs(whole, after)


def test_what_moves_in_each_stage(scenes):
    """Check 2: from the second stage on the backbone rests, statistics and all."""
    moved, rests = moved_by_a_step(tiny(plain_steps=1), scenes)
    assert moved == {"backbone", "rpn", "head"} and not rests
    moved, rests = moved_by_a_step(tiny(perception_steps=1), scenes)
    assert moved == {"head"} and rests
    moved, rests = moved_by_a_step(tiny(), scenes)
    assert moved == {"generator", "discriminator"} and rests
    moved, rests = moved_by_a_step(tiny(fine_tune=True), scenes)
    assert moved == {"generator", "discriminator", "head"} and rests


def test_the_backbone_rests_whatever_its_optimizer_remembers(scenes):
    """Adam would go on by momentum where gradients are 0."""
    gan = tiny(plain_steps=1, perception_steps=1)
    gan.compile(jit_compile=False)
    gan.fit(*scenes, batch_size=4, verbose=0)
    whole = [*gan.backbone.get_weights(), *gan.rpn.get_weights()]
    head = trainable_of(gan.head)
    gan.fit(*scenes, batch_size=4, verbose=0)
    assert differs(head, trainable_of(gan.head))
    assert not differs(whole, [*gan.backbone.get_weights(), *gan.rpn.get_weights()])


def test_the_head_sees_large_regions_alone(scenes):
    """With nothing large there is nothing to learn."""
    gan = tiny(perception_steps=1, small_side=100)
    moved, _ = moved_by_a_step(gan, scenes)
    assert moved == set()
    assert gan.history.history["class_loss"] == [0.0]


def rois_of(labels, sides, weights=None):
    labels = np.array(labels, "int32")
    sides = np.array(sides, "float32")
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], -1)
    weights = np.ones(labels.shape) if weights is None else np.array(weights)
    arrays = labels, np.zeros((*labels.shape, 4)), weights
    labels, deltas, weights = map(ops.convert_to_tensor, arrays)
    return RoIs(
        ops.convert_to_tensor(boxes),
        ops.cast(labels, "int32"),
        ops.cast(deltas, "float32"),
        ops.cast(weights, "float32"),
    )


@pytest.mark.every_backend
def test_regions_are_sorted_by_size():
    gan = tiny()
    rois = rois_of([[0, 1, 2, 0, 1, 0]], [[5, 20, 5, 20, 6, 7]], [[1, 1, 1, 1, 1, 0]])
    small, large = gan.both_sizes(rois)
    assert to_numpy(small.labels)[0, :2].tolist() in ([2, 1], [1, 2])
    assert to_numpy(small.weights).tolist() == [[1, 1, 1]]
    assert to_numpy(large.weights).tolist() == [[1, 1, 0]]
    assert to_numpy(large.labels)[0, 0] == 1
    assert to_numpy(small.foreground).tolist() == [[1, 1, 0]]


def logit_judge(gan):
    """D(x) = logit of the first number of a region."""
    return lambda name: lambda regions: regions[:, 0, 0, :1]


@pytest.mark.every_backend
def test_the_adversarial_losses_in_closed_form():
    """Check 4."""
    gan = tiny(adversarial_weight=0.5)
    object.__setattr__(gan, "in_training", logit_judge(gan))
    real, made = [0.7, -0.2], [0.3, 5.0]
    regions = [
        np.tile(np.array(v, "float32")[:, None, None, None], (1, 3, 3, 8))
        for v in (real, made)
    ]
    large, small = rois_of([[1, 2]], [[20, 20]]), rois_of([[1, 0]], [[5, 5]])
    found = gan.discriminator_losses(*map(ops.convert_to_tensor, regions), large, small)

    def minus_log(probability):
        return -np.log(probability)

    def sigmoid(x):
        return 1 / (1 + np.exp(-np.array(x)))

    # Of what was made, only the first holds something.
    expected = minus_log(sigmoid(real)).mean() + minus_log(1 - sigmoid(made[0]))
    assert float(found["discriminator_loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(found["discriminator_accuracy"]) == pytest.approx(0.25)
    losses = gan.generator_losses(ops.convert_to_tensor(regions[1]), small)
    assert float(losses["generator_loss"]) == pytest.approx(
        0.5 * minus_log(sigmoid(made[0])), rel=1e-5
    )
    assert float(losses["small_class_loss"]) > 0


def test_large_ones_learn_a_residual_of_nothing(scenes):
    gan = tiny(gate="always")
    moved, _ = moved_by_a_step(gan, scenes)
    assert "residual_loss" in gan.history.history and "generator" in moved
    assert set(gan.history.history) == set(gan.reports)
    assert "residual_loss" not in kg.PerceptualGAN.reports


def test_the_generator_learns_from_nothing(scenes):
    """Scales of 0 begin to move, and what is detected with them."""
    gan = tiny()
    gan.compile(jit_compile=False)
    gan.fit(*scenes, batch_size=4, epochs=3, verbose=0)
    kernels = {
        layer.name: np.abs(to_numpy(layer.gamma)).max()
        for layer in gan.generator.layers
        if layer.name in ("widen_bn", "block_0_2_bn")
    }
    assert len(kernels) == 2 and all(value > 0 for value in kernels.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gate": "never"}, "gate is one of size, always"),
        ({"wrong": 1}, "wrong"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tiny(**changes)


def test_a_generator_of_another_shape_is_refused():
    own = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Conv2D(8, 3)])
    with pytest.raises(ValueError, match="The generator makes"):
        tiny(generator=own)
