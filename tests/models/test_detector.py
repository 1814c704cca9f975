import json

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.box_checks import FORMATS
from keras_gans.core.object_detector import Truth
from keras_gans.models import detector as networks
from keras_gans.models.detector import boxes as box
from keras_gans.models.detector import targets
from keras_gans.models.detector.targets import RoIs
from tests.contract import count, on_tensorflow
from tests.contract_detection import DetectorContract, as_rows

TINY = {
    "image_shape": (32, 32, 1),
    "num_classes": 2,
    "anchor_scales": (8, 14),
    "anchor_ratios": (1.0,),
    "base_channels": 4,
    "hidden_units": 8,
    "roi_size": 3,
    "rois_per_image": 8,
    "rpn_samples": 8,
    "pre_nms": 16,
    "post_nms": 6,
    "max_detections": 5,
}


def tiny(**changes):
    return kg.Detector(**{**TINY, "seed": 1, **changes})


@pytest.fixture(scope="module")
def model():
    """One that no test changes."""
    return tiny()


class TestDetector(DetectorContract):
    system = kg.Detector
    tiny = TINY


@pytest.mark.every_backend
class TestArithmetic:
    # (x, y, x, y) of a proposal and of what is there.
    proposal = np.array([[20, 10, 60, 50]], "float32")
    there = np.array([[18, 14, 70, 58]], "float32")

    def test_golden_deltas(self):
        raw = ops.convert_to_numpy(box.encoded(self.there, self.proposal))[0]
        np.testing.assert_allclose(raw, (0.15, 0.10, 0.095310, 0.262364), atol=1e-6)
        deltas = ops.convert_to_numpy(box.encoded(self.there, self.proposal, box.STDS))
        normal = (1.5, 1.0, 0.476551, 1.311821)
        np.testing.assert_allclose(deltas[0], normal, atol=1e-5)
        loss = box.smooth_l1(ops.convert_to_tensor(deltas))
        assert float(loss[0]) == pytest.approx(2.425371702, abs=1e-5)
        back = box.decoded(ops.convert_to_tensor(deltas), self.proposal, box.STDS)
        np.testing.assert_allclose(ops.convert_to_numpy(back), self.there, atol=1e-4)

    def test_golden_overlap(self):
        found = box.overlaps(self.proposal[None], self.there[None])
        assert float(found[0, 0, 0]) == pytest.approx(0.588235294, abs=1e-6)

    def test_huge_deltas_stay_finite(self):
        deltas = ops.convert_to_tensor(np.full((1, 4), 1e4, "float32"))
        assert np.isfinite(
            ops.convert_to_numpy(box.decoded(deltas, self.proposal))
        ).all()

    def test_smooth_l1_of_both_parts(self):
        differences = ops.convert_to_tensor([[0.05, -0.2, 0.0, 3.0]])
        found = float(box.smooth_l1(differences, beta=0.1)[0])
        assert found == pytest.approx(0.5 * 0.05**2 / 0.1 + 0.15 + 2.95, abs=1e-6)

    def test_anchors(self):
        found = box.anchor_boxes((2, 3), (8, 4), (16,), (1.0, 4.0))
        assert found.shape == (12, 4)
        np.testing.assert_allclose(found[0], (4 - 8, 2 - 8, 4 + 8, 2 + 8))
        # Four times as high as wide, of the same area.
        np.testing.assert_allclose(found[1], (4 - 16, 2 - 4, 4 + 16, 2 + 4))
        middle = (found[-1, :2] + found[-1, 2:]) / 2
        np.testing.assert_allclose(middle, (12, 10))


def greedy(boxes, scores, threshold, keep, classes=None):
    """The rule as it is usually written: one box after the other."""
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        rivals = [j for j in kept if classes is None or classes[j] == classes[i]]
        if scores[i] >= 0 and all(iou(boxes[i], boxes[j]) <= threshold for j in rivals):
            kept.append(i)
    return kept[:keep]


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def some_boxes(rng, *shape, side=40):
    low = rng.uniform(0, side, (*shape, 2))
    return np.concatenate([low, low + rng.uniform(4, 20, (*shape, 2))], -1).astype(
        "float32"
    )


@pytest.mark.every_backend
@pytest.mark.parametrize("threshold", [0.2, 0.5])
@pytest.mark.parametrize("with_classes", [False, True])
def test_suppression_is_the_greedy_one(threshold, with_classes):
    rng = np.random.default_rng(0)
    boxes = some_boxes(rng, 3, 60)
    scores = np.where(rng.random((3, 60)) < 0.8, rng.random((3, 60)), -1.0)
    scores = scores.astype("float32")
    classes = rng.integers(0, 3, (3, 60)) if with_classes else None
    indices, left = box.non_maximum_suppression(
        *map(ops.convert_to_tensor, (boxes, scores)),
        threshold,
        20,
        None if classes is None else ops.convert_to_tensor(classes),
    )
    indices, left = map(ops.convert_to_numpy, (indices, left))
    assert indices.shape == (3, 20)
    for i in range(3):
        of_row = None if classes is None else classes[i]
        expected = greedy(boxes[i], scores[i], threshold, 20, of_row)
        assert list(indices[i][left[i] >= 0]) == expected
        np.testing.assert_array_equal(left[i][: len(expected)], scores[i][expected])


@pytest.mark.every_backend
class TestTargets:
    @pytest.fixture(scope="class")
    @classmethod
    def truth(cls):
        boxes = [[(4, 4, 20, 16), (10, 18, 30, 30)], [(8, 2, 18, 14), (0, 0, 0, 0)]]
        labels = np.array([[2, 0], [1, -1]], "int32")
        return Truth(ops.convert_to_tensor(boxes, "float32"), ops.cast(labels, "int32"))

    def test_classes_and_deltas_of_regions(self, truth):
        boxes = np.array(
            [
                [(5, 4, 21, 16), (11, 19, 28, 30), (0, 24, 8, 32), (0, 0, 0, 0)],
                [(8, 3, 18, 15), (8, 2, 30, 30), (8, 2, 18, 14), (0, 0, 32, 32)],
            ],
            "float32",
        )
        rois = targets.labelled(ops.convert_to_tensor(boxes), truth)
        labels, deltas = map(ops.convert_to_numpy, (rois.labels, rois.deltas))
        # 0 is background: classes follow by one more.
        assert labels.tolist() == [[3, 1, 0, 0], [2, 0, 2, 0]]
        first = np.array((0.0, -1 / 16, 0.0, 0.0)) / box.STDS
        np.testing.assert_allclose(deltas[0, 0], first, atol=1e-5)
        np.testing.assert_allclose(deltas[1, 2], 0.0, atol=1e-5)
        assert not deltas[labels == 0].any() and np.isfinite(deltas).all()

    def test_anchors_of_something_and_of_nothing(self, truth):
        rng = np.random.default_rng(3)
        anchors = some_boxes(rng, 50, side=20)
        anchors[:2] = (4, 4, 20, 15), (5, 4, 20, 16)  # Both large, the second larger.
        tiled = ops.convert_to_tensor(np.stack([anchors, anchors]))
        found = targets.anchors_positive_and_negative(tiled, truth)
        positive, negative, index = map(ops.convert_to_numpy, found)
        boxes, labels = map(ops.convert_to_numpy, truth[:2])
        for i in range(2):
            there = [
                b for b, label in zip(boxes[i], labels[i], strict=True) if label >= 0
            ]
            table = np.array([[iou(a, b) for b in there] for a in anchors])
            best = table.max(0)
            expected = (table.max(1) >= 0.7) | (table >= best - 1e-7).any(1)
            np.testing.assert_array_equal(positive[i], expected)
            np.testing.assert_array_equal(negative[i], (table.max(1) < 0.3) & ~expected)
            np.testing.assert_array_equal(index[i], table.argmax(1))
        assert positive[0, :2].all() and positive.sum() >= 4

    @pytest.mark.parametrize(
        ("positives", "negatives", "expected"),
        [(10, 40, (4, 12)), (2, 40, (2, 14)), (10, 5, (4, 5)), (0, 3, (0, 3))],
    )
    def test_balance(self, positives, negatives, expected):
        kind = np.array([1] * positives + [2] * negatives + [0] * (60 - positives))
        kind = np.random.default_rng(0).permutation(kind[:60])[None]
        positive, negative = kind == 1, kind == 2
        chosen = set()
        for draw in range(5):
            noise = np.random.default_rng(draw).random((1, 60)).astype("float32")
            rows, weights = targets.balanced(
                *map(ops.convert_to_tensor, (positive, negative, noise)), 16, 4
            )
            rows, weights = ops.convert_to_numpy(rows), ops.convert_to_numpy(weights)
            assert rows.shape == weights.shape == (1, 16)
            taken = rows[0][weights[0] > 0]
            assert len(set(taken)) == len(taken), "a row is taken twice"
            kinds = kind[0][taken]
            assert ((kinds == 1).sum(), (kinds == 2).sum()) == expected
            chosen.add(tuple(sorted(taken)))
        if negatives > 16:
            assert len(chosen) == 5

    def test_jittered_boxes_are_near(self, truth):
        from keras_gans.core.random import SeedStream

        made = targets.jittered(truth, 500, 7, SeedStream(0), (32, 32, 1))
        made = ops.convert_to_numpy(made)
        assert made.shape == (2, 2 * 500 + 7, 4)
        near, there = made[0, :500], np.array((4, 4, 20, 16))
        middle = (near[:, :2] + near[:, 2:]) / 2
        np.testing.assert_allclose(middle.mean(0), (12, 10), atol=0.4)
        np.testing.assert_allclose(middle.std(0), (0.15 * 16, 0.15 * 12), rtol=0.15)
        logs = np.log((near[:, 2:] - near[:, :2]) / (there[2:] - there[:2]))
        np.testing.assert_allclose(logs.std(0), 0.2, rtol=0.15)
        assert (made[:, -7:, 2:] > made[:, -7:, :2]).all()

    def test_losses_of_the_head(self):
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(6, 3)).astype("float32")
        deltas = rng.normal(size=(6, 8)).astype("float32")
        aims = rng.normal(size=(2, 3, 4)).astype("float32")
        labels = np.array([[0, 1, 2], [2, 0, 1]], "int32")
        weights = np.array([[1, 1, 1], [1, 0, 1]], "float32")
        rois = RoIs(None, *map(ops.convert_to_tensor, (labels, aims, weights)))
        found = targets.roi_losses(*map(ops.convert_to_tensor, (logits, deltas)), rois)
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        flat = labels.reshape(-1)
        of_class = -np.log(p[range(6), flat]).reshape(2, 3)
        own = deltas.reshape(6, 2, 4)[range(6), np.maximum(flat - 1, 0)]
        d = np.abs(own.reshape(2, 3, 4) - aims)
        of_box = np.where(d < 1, d * d / 2, d - 0.5).sum(-1) * (labels > 0)
        np.testing.assert_allclose(found[0], of_class, rtol=1e-5)
        np.testing.assert_allclose(found[1], of_box, rtol=1e-5)
        mean = targets.mean_over_pictures(found[0], rois.weights)
        expected = (of_class[0].mean() + of_class[1, [0, 2]].mean()) / 2
        assert float(mean) == pytest.approx(expected, rel=1e-5)


def test_counts_of_the_specification():
    backbone = networks.build_backbone((128, 128, 3))
    assert backbone.count_params() == 574_944
    # The rest are moving statistics.
    assert count(backbone) == 574_944 - 2 * 672
    assert networks.build_head((7, 7, 128), 10, 256).count_params() == 1_684_787
    assert networks.build_rpn(128, 9).count_params() == 153_389


def test_any_backbone():
    vgg = keras.applications.VGG16(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    found = kg.Detector(
        **{**TINY, "image_shape": (64, 64, 3)},
        backbone=vgg,
        feature_layers=("block1_conv2", "block5_conv3"),
    )
    assert found.backbone.count_params() == 14_714_688
    assert found.strides == {"early": (1, 1), "deep": (16, 16)}
    assert found.roi_shape == (3, 3, 512)
    assert found.get_config()["feature_layers"] is None


@pytest.mark.every_backend
class TestSampling:
    def test_regions_of_a_step(self, model):
        images, objects = TestDetector.batch(4)
        _, truth = model.unpack((images, objects))
        near = ops.convert_to_numpy(truth.boxes) + np.array((1, 0, 1, 0), "float32")
        far = some_boxes(np.random.default_rng(0), 4, 30, side=12)
        far[:, :3] = 0.0
        proposals = ops.convert_to_tensor(np.concatenate([near, far], 1))
        rois = model.sample_rois(None, proposals, truth)
        labels, weights = map(ops.convert_to_numpy, (rois.labels, rois.weights))
        assert rois.boxes.shape == (4, 8, 4)
        # A quarter of eight regions may hold something.
        assert ((labels > 0) * weights).sum(1).tolist() == [2, 2, 2, 2]
        sides = ops.convert_to_numpy(box.sides(rois.boxes))
        assert (sides[weights > 0] > 0).all(), "rows that fill up are no regions"

    def test_mining_takes_the_worst(self):
        model = tiny(mining="ohem", rois_per_image=3)
        images, objects = TestDetector.batch(2)
        scaled, truth = model.unpack((images, objects))
        features = model.features(scaled, training=False)
        proposals = some_boxes(np.random.default_rng(2), 2, 12, side=12)
        chosen = model.sample_rois(features, ops.convert_to_tensor(proposals), truth)
        there = ops.convert_to_numpy(truth.boxes)
        rois = targets.labelled(
            ops.convert_to_tensor(np.concatenate([proposals, there], 1)), truth
        )
        outputs = model.head(model.pooled(features, rois.boxes))
        loss = ops.convert_to_numpy(sum(targets.roi_losses(*outputs, rois)))
        boxes, labels = map(ops.convert_to_numpy, (rois.boxes, rois.labels))
        loss[(boxes[..., 2:] <= boxes[..., :2]).any(-1)] = -1
        for i in range(2):
            expected = greedy(boxes[i], loss[i], 0.7, 3, labels[i])
            np.testing.assert_array_equal(chosen.boxes[i], boxes[i][expected])


@pytest.mark.every_backend
class TestFormats:
    @pytest.mark.parametrize("name", FORMATS)
    def test_boxes_come_in_and_go_out(self, model, name):
        images, objects = TestDetector.batch(3)
        other = tiny(bounding_box_format=name, score_threshold=0.01)
        height, width = TINY["image_shape"][:2]
        given = keras.utils.bounding_boxes.convert_format(
            objects["boxes"], "yxyx", name, height=height, width=width
        )
        given = ops.convert_to_numpy(given)
        given[objects["labels"] < 0] = -1
        other.check_batch(images, {**objects, "boxes": given})
        _, truth = other.unpack((images, {**objects, "boxes": given}))
        _, same = model.unpack((images, objects))
        np.testing.assert_allclose(truth.boxes, same.boxes, atol=1e-4)
        places = np.array([[(2.0, 4.0, 12.0, 30.0), (0.0, 0.0, 0.0, 0.0)]], "float32")
        confidence = np.array([[0.9, -1.0]], "float32")
        found_in = (places, confidence, np.array([[1, 0]], "int32"))
        found_in = tuple(map(ops.convert_to_tensor, found_in))
        object.__setattr__(other, "found_in", lambda images, proposals: found_in)
        found = other.detections(ops.convert_to_tensor(images[:1]))
        back = keras.utils.bounding_boxes.convert_format(
            found["boxes"][:, :1], name, "yxyx", height=height, width=width
        )
        np.testing.assert_allclose(back, places[:, :1], atol=1e-4)
        assert ops.convert_to_numpy(found["boxes"])[0, 1].tolist() == [-1] * 4
        assert ops.convert_to_numpy(found["labels"]).tolist() == [[1, -1]]
        assert int(found["num_detections"][0]) == 1


class TestRefusals:
    def test_constructor(self):
        for changes, message in (
            ({"bounding_box_format": "xxyy"}, "bounding_box_format is one of yxyx"),
            ({"proposals": "all"}, "proposals is one of rpn"),
            ({"mining": "hard"}, "mining is one of random"),
            ({"class_names": ("one",)}, "2 classes have as many names. Found: 1"),
            ({"image_shape": (30, 32, 1)}, "multiples of the backbone's stride"),
            ({"augmentation": "color"}, "takes no augmentation"),
        ):
            with pytest.raises(ValueError, match=message):
                tiny(**changes)

    def test_networks_that_do_not_fit(self):
        one = keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Conv2D(4, 3, 8)])
        for name, network, message in (
            ("backbone", one, "name two of its layers in feature_layers"),
            ("rpn", networks.build_rpn(16, 3), "needs \\(2, 8\\)"),
            ("head", networks.build_head((3, 3, 16), 5, 4), "needs \\(3, 8\\)"),
            ("head", networks.build_head((5, 5, 16), 2, 4), "regions \\(5, 5, 16\\)"),
        ):
            with pytest.raises(ValueError, match=message):
                tiny(**{name: network})
        with pytest.raises(ValueError, match="has no layer 'deep'"):
            networks.two_maps(one, "deep", "early")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda b, k: b.__setitem__((0, 0), (5, 5, 4, 9)), "ends before it begins"),
            (lambda b, k: b.__setitem__((0, 0), (0, 0, 9, 33)), "leaves the picture"),
            (lambda b, k: b.__setitem__((1, 0, 2), np.nan), "NaN or infinite"),
            (lambda b, k: k.__setitem__((0, 0), 2), r"lie in \[0, 2\)"),
            (lambda b, k: k.__setitem__((0, 0), -2), "-1 where there is no box"),
        ],
    )
    def test_boxes(self, model, change, message):
        images, objects = TestDetector.batch(2)
        change(objects["boxes"], objects["labels"])
        with pytest.raises(ValueError, match=message):
            model.check_batch(images, objects)

    def test_shapes(self, model):
        images, objects = TestDetector.batch(3)
        fewer = {**objects, "labels": objects["labels"][:, :1]}
        with pytest.raises(ValueError, match="3 images need boxes"):
            model.check_batch(images, fewer)
        none = {"boxes": np.zeros((3, 0, 4)), "labels": np.zeros((3, 0), "int32")}
        with pytest.raises(ValueError, match="3 images need boxes"):
            model.check_batch(images, none)
        with pytest.raises(ValueError, match="call fit"):
            model.check_batch(images, {"boxes": objects["boxes"]})
        with pytest.raises(ValueError, match="takes no proposals"):
            model.detect(images, objects["boxes"])
        with pytest.raises(ValueError, match="built for images of shape"):
            model.detect(images[:, 1:])


@on_tensorflow
def test_batches_of_a_data_set_are_checked(model):
    import tensorflow as tf

    from keras_gans.core import checks

    images, objects = TestDetector.batch(4)
    data = tf.data.Dataset.from_tensor_slices((images, objects)).batch(2)
    assert checks.check_data_set(model, data) == 2
    wrong = {**objects, "boxes": objects["boxes"] * 10}
    data = tf.data.Dataset.from_tensor_slices((images, wrong)).batch(2)
    with pytest.raises(ValueError, match="leaves the picture"):
        checks.check_data_set(model, data)


@pytest.mark.every_backend
class TestProposals:
    def test_given_with_the_data(self):
        model = tiny(proposals="given")
        assert model.networks == ("backbone", "head")
        assert model.players == {"detector": ("backbone", "head")}
        images, objects = TestDetector.batch(4)
        with pytest.raises(ValueError, match='"proposals"'):
            model.check_batch(images, objects)
        random = some_boxes(np.random.default_rng(0), 4, 9, side=12)
        random[:, 7:] = -1.0
        model.compile(jit_compile=False)
        logs = model.fit(
            images, {**objects, "proposals": random}, batch_size=2, verbose=0
        ).history
        assert set(logs) == {"class_loss", "box_loss"}
        found = model.detect(images, random, batch_size=2)
        assert found["boxes"].shape == (4, 5, 4)
        # What fills up is not found anything in.
        nothing = model.detect(images, np.full((4, 3, 4), -1.0))
        assert not nothing["num_detections"].any()
        with pytest.raises(ValueError, match="needs proposals"):
            model.detect(images)

    @on_tensorflow
    def test_served_with_proposals(self, tmp_path):
        import tensorflow as tf

        model = tiny(proposals="jitter", score_threshold=0.1)
        model.export(tmp_path / "1")
        served = tf.saved_model.load(str(tmp_path / "1"))
        images, objects = TestDetector.batch(2)
        proposals = np.full((2, 6, 4), -1.0, "float32")
        proposals[:, :2] = objects["boxes"]
        images = (images / 127.5 - 1).astype("float32")
        found = served.signatures["detect"](
            images=tf.constant(images), proposals=tf.constant(proposals)
        )
        expected = model.detect(images, proposals)
        assert expected["num_detections"].any()
        np.testing.assert_allclose(as_rows(found), as_rows(expected), atol=1e-4)

    def test_jittered_in_training(self):
        model = tiny(proposals="jitter")
        model.compile(jit_compile=False)
        logs = model.fit(*TestDetector.batch(4), batch_size=4, verbose=0).history
        assert np.isfinite([logs["class_loss"], logs["box_loss"]]).all()
        assert logs["box_loss"][0] > 1e-3


@pytest.mark.every_backend
def test_what_is_refined_is_seen_in_training_and_at_inference():
    class Blind(kg.Detector):
        def refined(self, pooled, features, rois, training):
            assert (rois.labels is not None) == training
            return ops.zeros_like(pooled)

    model, plain = Blind(**TINY), kg.Detector(**TINY)
    for one in (model, plain):
        one.head.get_layer("fc6").bias.assign(np.linspace(0, 1, 8))
    images = TestDetector.inputs(model, 2)
    found, other = model.detect(images), plain.detect(images)
    confidence = found["confidence"][found["labels"] >= 0]
    assert np.ptp(confidence[: found["num_detections"][0]]) < 0.05
    assert np.abs(as_rows(found) - as_rows(other)).max() > 1e-3
    model.compile(jit_compile=False, detector_optimizer=keras.optimizers.SGD(0.1))
    before = ops.convert_to_numpy(model.head.get_layer("fc6").kernel)
    model.fit(*TestDetector.batch(2), batch_size=2, verbose=0)
    np.testing.assert_array_equal(model.head.get_layer("fc6").kernel, before)


@pytest.mark.every_backend
def test_learns_rectangles():
    model = tiny(base_channels=8, hidden_units=32, rois_per_image=16, seed=0)
    model.compile(jit_compile=False, detector_optimizer=keras.optimizers.Adam(3e-3))
    images, objects = TestDetector.batch(16)
    first = model.evaluate(images, objects, batch_size=16, verbose=0, return_dict=True)
    model.fit(images, objects, batch_size=16, epochs=50, verbose=0)
    last = model.evaluate(images, objects, batch_size=16, verbose=0, return_dict=True)
    assert last["objectness_loss"] < 0.5 * first["objectness_loss"]
    assert last["class_loss"] < 0.6 * first["class_loss"]
    figures = kg.metrics.detection_figures(model.detect(images), objects, rule="voc10")
    assert figures.ap > 0.5


def test_config_is_json_with_names():
    model = tiny(class_names=("small", "large"))
    config = json.loads(json.dumps(model.get_config()))
    assert kg.Detector.from_config(config).class_names == ("small", "large")
