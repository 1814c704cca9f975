"""A-Fast-RCNN: counts, the search for windows, masks, rotations, stages."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models.a_fast_rcnn import (
    build_mask_network,
    build_rotation_network,
    occlusion,
    rotation,
)
from keras_gans.models.a_fast_rcnn.positives import Positives
from keras_gans.models.detector import RoIs
from tests.contract import assert_equal, count, differs, state_of, trainable_of
from tests.contract_detection import REGIONS, DetectorContract

TINY = {
    **REGIONS,
    "mask_channels": 3,
    "candidate_cells": 4,
    "hidden_cells": 2,
}


class TestAFastRCNN(DetectorContract):
    system = kg.AFastRCNN
    # The third step is the mask network's, the fourth all players'; every mask is hard
    # enough.
    tiny = {**TINY, "plain_steps": 2, "pretraining_steps": 1, "margin": -1.0}
    resting = ("mask_network", "rotation_network")


def tiny(**changes):
    steps = {"plain_steps": 0, "pretraining_steps": 0}
    return kg.AFastRCNN(**{**TINY, **steps, "seed": 3, **changes})


@pytest.fixture(scope="module")
def scenes():
    return TestAFastRCNN.batch(4)


def to_numpy(value):
    return np.array(ops.convert_to_numpy(value))


def test_parameter_counts():
    """Section 6.1, for VGG16's regions."""
    assert count(build_mask_network((7, 7, 512))) == 2_952_449
    head = build_rotation_network((7, 7, 512), blocks=4, hidden_units=16)
    assert count(head) == 25_088 * 16 + 16 + 16 * 16 + 16 + 16 * 4 + 4


def test_windows_of_the_release():
    """Section 9: offsets 0, 2, 4, 5; the last one is shifted back by one."""
    assert occlusion.window_offsets(7, 2, 2) == (0, 2, 4, 5)
    found = occlusion.windows()
    assert found.shape == (16, 7, 7) and (found.sum((1, 2)) == 4).all()
    last = np.zeros((7, 7))
    last[5:, 5:] = 1
    np.testing.assert_array_equal(found[-1], last)
    assert occlusion.window_offsets(6, 2, 2) == (0, 2, 4)


@pytest.mark.every_backend
def test_the_search_finds_the_cell_that_counts():
    """Check 1: a head that looks at one cell; the first window that covers it."""
    regions = np.random.default_rng(0).uniform(0.5, 1, (3, 7, 7, 4)).astype("float32")
    cells = [(0, 0), (3, 5), (6, 6)]
    windows = occlusion.windows()

    def probability(shown):
        shown = ops.reshape(shown, (16, 3, 7, 7, 4))
        seen = [shown[:, i, y, x, 0] for i, (y, x) in enumerate(cells)]
        return ops.sigmoid(ops.stack(seen, axis=1))

    found = to_numpy(
        occlusion.hardest_window(ops.convert_to_tensor(regions), probability, windows)
    )
    for (y, x), window in zip(cells, found, strict=True):
        covering = [w for w in windows if w[y, x]]
        np.testing.assert_array_equal(window, covering[0])


@pytest.mark.every_backend
def test_a_mask_hides_15_of_the_20_highest():
    """Check 2."""
    rng = np.random.default_rng(0)
    logits, noise = rng.normal(size=(6, 49)), rng.uniform(size=(6, 49))
    hidden = to_numpy(
        occlusion.sampled_mask(*(ops.cast(v, "float32") for v in (logits, noise)))
    )
    assert set(np.unique(hidden)) == {0.0, 1.0} and (hidden.sum(1) == 15).all()
    highest = np.argsort(-logits, axis=1)[:, :20]
    for row, best in zip(hidden, highest, strict=True):
        assert set(np.flatnonzero(row)) <= set(best)
        # At random: not simply the highest 15.
    assert any(
        set(np.flatnonzero(r)) != set(b[:15])
        for r, b in zip(hidden, highest, strict=True)
    )


def regions_of(labels, size=3, channels=4):
    """Regions 1, 2, 3 ... and their `RoIs`."""
    labels = np.array(labels, "int32")
    regions = np.arange(1, labels.size + 1, dtype="float32")
    regions = np.tile(regions[:, None, None, None], (1, size, size, channels))
    rois = RoIs(None, ops.convert_to_tensor(labels), None, ops.ones(labels.shape))
    return regions, rois


@pytest.mark.every_backend
def test_the_cross_entropy_of_masks():
    """-log of the probability that the network gives to what is there."""
    logits = np.array([-2.0, 0.0, 3.0, 3.0], "float32")
    hide = np.array([0.0, 1.0, 1.0, 0.0], "float32")
    given = np.where(hide == 1, 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits)))
    found = to_numpy(occlusion.cross_entropy(logits, hide))
    np.testing.assert_allclose(found, -np.log(given), rtol=1e-6)


@pytest.mark.every_backend
def test_positives_are_cut_out_and_put_back():
    regions, rois = regions_of([[0, 2, 0, 1], [0, 0, 0, 0]])
    positives = Positives(rois, 3)
    np.testing.assert_array_equal(to_numpy(positives.weights), [[1, 1, 0], [0, 0, 0]])
    assert sorted(to_numpy(positives.labels)[0, :2]) == [1, 2]
    rows = to_numpy(positives.cut_out(ops.convert_to_tensor(regions)))
    assert sorted(rows[:2, 0, 0, 0]) == [2.0, 4.0]
    back = positives.put_back(
        ops.convert_to_tensor(regions), -ops.convert_to_tensor(rows)
    )
    expected = [1, -2, 3, -4, 5, 6, 7, 8]
    np.testing.assert_array_equal(to_numpy(back)[:, 1, 1, 0], expected)


@pytest.mark.every_backend
def test_background_and_first_pictures_are_untouched():
    """Check 2, and the release's half of the batch."""
    gan = tiny(adversary="asdn")
    regions, rois = regions_of([[1, 0, 2]] * 4, channels=8)
    seen = []
    head = gan.network("head", training=True)
    object.__setattr__(
        gan, "network", lambda *a, **k: lambda x: (seen.append(x), head(x))[1]
    )
    rois = rois._replace(deltas=ops.zeros((4, 3, 4)))
    gan.compile()
    gan.evaluating = True
    gan.head_losses(ops.convert_to_tensor(regions), rois)
    shown = to_numpy(seen[0]).reshape(4, 3, 9, 8) / regions.reshape(4, 3, 9, 8)
    assert (shown[:, 1] == 1).all() and (shown[::2] == 1).all()
    for row in shown[1::2][:, [0, 2]].reshape(-1, 9, 8):
        assert (row == row[:, :1]).all(), "all channels of a cell"
        assert (row[:, 0] == 0).sum() == 2


@pytest.mark.every_backend
def test_rotations():
    """Check 4: nothing by 0 degrees, rot90 by 90."""
    regions = np.random.default_rng(0).normal(size=(2, 7, 7, 8)).astype("float32")
    still = rotation.rotated(ops.convert_to_tensor(regions), ops.zeros((2, 4)))
    np.testing.assert_array_equal(to_numpy(still), regions)
    turns = np.array([[0.0, 0.5, 1.0, -0.5]] * 2, "float32") * np.pi
    found = to_numpy(
        rotation.rotated(ops.convert_to_tensor(regions), ops.convert_to_tensor(turns))
    )
    for block, times in enumerate((0, 1, 2, -1)):
        part = slice(2 * block, 2 * block + 2)
        expected = np.rot90(regions[..., part], times, axes=(1, 2))
        np.testing.assert_allclose(found[..., part], expected, atol=1e-5)
    largest = np.pi / 18
    angles = to_numpy(
        rotation.angles(ops.convert_to_tensor([-99.0, 0.0, 99.0]), largest)
    )
    np.testing.assert_allclose(np.degrees(angles), [-10, 0, 10], atol=1e-4)


def test_what_is_not_turned_yet_can_be():
    """The slope in the angle at 0, against a small rotation."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a tape")
    regions = tf.constant(
        np.random.default_rng(1).normal(size=(1, 5, 5, 2)), tf.float32
    )
    weights = tf.constant(
        np.random.default_rng(2).normal(size=(1, 5, 5, 2)), tf.float32
    )

    def value(theta):
        return tf.reduce_sum(weights * rotation.rotated(regions, theta))

    theta = tf.Variable([[0.0, 0.3]])
    with tf.GradientTape() as tape:
        found = value(theta)
    slopes = tape.gradient(found, theta).numpy()[0]
    assert abs(slopes[0]) > 1e-3
    step = 1e-3
    for k, place in enumerate((0.0, 0.3)):
        # One-sided at 0, where the slope is another one to the other side.
        sides = [[0.0, 0.3], [0.0, 0.3]]
        sides[0][k], sides[1][k] = place, place + step
        low, high = (value(tf.constant([side])).numpy() for side in sides)
        assert (
            slopes[k] == pytest.approx((high - low) / step, rel=0.2, abs=0.05) or k == 0
        )


@pytest.mark.every_backend
def test_every_second_picture_is_turned():
    """A head that never saw regions as they are would take them for background."""
    gan = tiny(adversary="astn", largest_angle=90.0)
    bias = gan.rotation_network.get_layer("turns").bias
    bias.assign(ops.full(bias.shape, 50.0))
    regions = np.random.default_rng(0).normal(size=(6, 3, 3, 8)).astype("float32")
    _, rois = regions_of([[1, 2, 0]] * 2)
    rois = rois._replace(deltas=ops.zeros((2, 3, 4)))
    seen = []
    head = gan.network("head", training=True)
    object.__setattr__(
        gan, "network", lambda *a, **k: lambda x: (seen.append(x), head(x))[1]
    )
    gan.head_losses(ops.convert_to_tensor(regions), rois)
    expected = regions.copy()
    expected[3:5] = np.rot90(regions[3:5], axes=(1, 2))
    np.testing.assert_allclose(to_numpy(seen[0]), expected, atol=1e-4)


def frozen_step(gan, scenes):
    """One batch; what moved, by the name of the network."""
    gan.compile(jit_compile=False)
    before = {name: trainable_of(getattr(gan, name)) for name in gan.networks}
    gan.fit(*scenes, batch_size=4, verbose=0)
    return {
        n for n in gan.networks if differs(before[n], trainable_of(getattr(gan, n)))
    }


def test_what_moves_in_each_stage(scenes):
    detector = {"backbone", "rpn", "head"}
    assert frozen_step(tiny(plain_steps=1), scenes) == detector
    pretraining = tiny(pretraining_steps=1, adversary="asdn")
    others = state_of(pretraining)
    assert frozen_step(pretraining, scenes) == {"mask_network"}
    # Its batch statistics rest too.
    after = state_of(pretraining)
    assert all(
        np.array_equal(others[name], after[name]) for name in others if "moving" in name
    )
    assert pretraining.stage == "joint"
    # Check 3: masks that are not hard enough teach nothing.
    easy = tiny(margin=2.0, adversary="asdn")
    assert frozen_step(easy, scenes) == detector
    assert easy.history.history["hard_masks"] == [0.0]
    assert easy.history.history["mask_loss"] == [0.0]
    hard = tiny(margin=-1.0)
    assert frozen_step(hard, scenes) == {*detector, "mask_network", "rotation_network"}
    assert hard.history.history["hard_masks"] == [1.0]


def test_the_adversary_of_one_kind_has_one_network(scenes):
    asdn, astn = (tiny(adversary=kind) for kind in ("asdn", "astn"))
    assert "rotation_network" not in asdn.networks
    assert "mask_network" not in astn.networks
    assert set(asdn.players) == {"detector", "masker"}
    assert set(astn.players) == {"detector", "rotator"}
    assert tiny(adversary="astn", pretraining_steps=9).stage == "joint"
    moved = frozen_step(astn, scenes)
    assert moved == {"backbone", "rpn", "head", "rotation_network"}
    logs = {name: values[0] for name, values in astn.history.history.items()}
    assert set(logs) == set(astn.reports)
    total = logs["class_loss"] + logs["box_loss"]
    assert logs["rotation_loss"] == pytest.approx(-total, rel=1e-6)
    with pytest.raises(ValueError, match="adversary is one of asdn, astn, both"):
        tiny(adversary="none")


def test_simultaneous_play_is_a_reversed_gradient(scenes):
    """One loss, its gradient reversed before the rotation network: the same steps."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a tape")
    gan = tiny(adversary="astn")
    sgd = {f"{p}_optimizer": keras.optimizers.SGD(1.0) for p in gan.players}
    gan.compile(run_eagerly=True, **sgd)
    before = trainable_of(gan.rotation_network)
    other = tiny(adversary="astn")
    object.__setattr__(other, "_running_stage", "joint")
    data = (scenes[0].astype("float32") / 127.5 - 1, scenes[1])

    @tf.custom_gradient
    def reversed_gradient(turns):
        return tf.identity(turns), lambda upstream: -upstream

    network = other.in_training
    object.__setattr__(
        other,
        "in_training",
        lambda name: (
            (lambda x: reversed_gradient(network(name)(x)))
            if name == "rotation_network"
            else network(name)
        ),
    )
    with tf.GradientTape() as tape:
        total = sum(other.detector_losses(*other.unpack(data)).values())
    variables = other.rotation_network.trainable_variables
    expected = tape.gradient(total, [v.value for v in variables])
    gan.fit(*scenes, batch_size=4, verbose=0, shuffle=False)
    after = trainable_of(gan.rotation_network)
    for old, new, slope in zip(before, after, expected, strict=True):
        np.testing.assert_allclose(old - new, slope.numpy(), atol=1e-6)
    assert differs(before, after)


@pytest.mark.every_backend
def test_the_adversary_hurts():
    """Check 6: masks lower the true class, and the window found does so most."""
    gan = tiny(adversary="asdn")

    def sees_what_is_bright(regions):
        shade = ops.mean(regions, axis=(1, 2, 3))
        return ops.stack([0 * shade, shade, shade], axis=1), None

    object.__setattr__(gan, "at_rest", lambda name: sees_what_is_bright)
    _, rois = regions_of([[1, 2]] * 4)
    regions = np.random.default_rng(0).uniform(0, 3, (8, 3, 3, 8)).astype("float32")
    regions = ops.convert_to_tensor(regions)
    positives = Positives(rois, 2)
    windows = occlusion.windows(3, 2, 2)

    def probability(shown):
        found = gan.true_probability(shown, positives, len(windows))
        return ops.reshape(found, (len(windows), -1))

    def losses(hide):
        left = regions * (1 - hide[..., None])
        return -np.log(to_numpy(gan.true_probability(left, positives)))[0]

    found = losses(occlusion.hardest_window(regions, probability, windows))
    for window in windows:
        every = ops.convert_to_tensor(np.stack([window] * 8))
        assert (found >= losses(every) - 1e-6).all()
    whole = losses(ops.zeros((8, 3, 3)))
    assert (found > whole).all()
    masked = losses(gan.hidden_cells_of(regions, positives))
    assert (masked[1::2] > whole[1::2]).all()
    np.testing.assert_array_equal(masked[::2], whole[::2])


def test_takes_over_a_plain_detector(scenes):
    names = set(TINY) - {"mask_channels", "candidate_cells", "hidden_cells"}
    plain = kg.Detector(**{name: TINY[name] for name in names}, seed=8)
    gan = tiny()
    gan.take_detector(plain)
    first, second = (d.detect(scenes[0]) for d in (plain, gan))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    for name in ("backbone", "rpn", "head"):
        assert_equal(
            dict(enumerate(getattr(plain, name).get_weights())),
            dict(enumerate(getattr(gan, name).get_weights())),
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_cells": 5}, "hidden_cells=5"),
        ({"candidate_cells": 10}, "Of 9 cells"),
        ({"rotation_blocks": 3}, "8 channels are turned in rotation_blocks=3"),
        ({"wrong": 1}, "wrong"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tiny(**changes)


def test_the_signature_names_the_detectors_arguments():
    config = tiny().get_config()
    assert config["roi_size"] == 3 and config["adversary"] == "both"
    assert config["mask_network"] is None if "mask_network" in config else True
    assert kg.AFastRCNN((32, 32, 1), 2, base_channels=2).image_shape == (32, 32, 1)
