"""Average precision: closed forms, and pycocotools on random detections."""

import contextlib
import io

import numpy as np
import pytest

from keras_gans import metrics

HITS = [1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("voc10", 0.625), ("voc07", 6.75 / 11), ("coco", (26 * 1 + 50 * 0.75) / 101)],
)
def test_the_rules_by_hand(rule, expected):
    assert metrics.average_precision(HITS, 4, rule) == pytest.approx(expected, abs=1e-9)


def test_nothing_to_find_and_nothing_found():
    assert np.isnan(metrics.average_precision([], 0))
    assert metrics.average_precision([], 3) == 0.0
    with pytest.raises(ValueError, match="voc07, voc10, coco. Found: 'voc12'"):
        metrics.average_precision([1], 1, "voc12")


def scenes(num=20, classes=3, seed=0, wrong=0.3):
    """Objects, and detections that are them, moved, doubled and invented."""
    rng = np.random.default_rng(seed)
    objects, found = [], []
    for _ in range(num):
        count = int(rng.integers(0, 7))
        sides = np.exp(rng.uniform(np.log(8), np.log(200), (count, 2)))
        corners = rng.uniform(0, 250, (count, 2))
        boxes = np.concatenate([corners, corners + sides], 1)
        labels = rng.integers(0, classes, count)
        objects.append((boxes, labels, rng.random(count) < 0.2))
        again = rng.integers(0, max(count, 1), int(1.6 * count))
        scale = np.tile(sides, 2)[again]
        moved = boxes[again] + rng.normal(0, 0.08, (len(again), 4)) * scale
        kinds = np.where(
            rng.random(len(again)) < wrong,
            rng.integers(0, classes, len(again)),
            labels[again],
        )
        found.append((moved, kinds, rng.random(len(again)).astype("float32")))
    return objects, found


def padded(parts, names):
    """Ragged arrays as one of each, padded with -1."""
    most = max(len(one[0]) for one in parts)
    arrays = {}
    for k, name in enumerate(names):
        shape = (len(parts), most, *np.asarray(parts[0][k]).shape[1:])
        array = np.full(shape, -1, np.asarray(parts[0][k]).dtype)
        if array.dtype == bool:
            array[:] = False
        for i, one in enumerate(parts):
            array[i, : len(one[k])] = one[k]
        arrays[name] = array
    return arrays


def as_arrays(objects, found):
    return (
        padded(found, ("boxes", "labels", "confidence")),
        padded(objects, ("boxes", "labels", "ignored")),
    )


def by_pycocotools(objects, found, classes, most=100):
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def as_coco(boxes):
        top, left, bottom, right = boxes.T
        return np.stack([left, top, right - left, bottom - top], 1).tolist()

    annotations = [
        {
            "image_id": i + 1,
            "category_id": int(label) + 1,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": int(crowd),
        }
        for i, (boxes, labels, crowds) in enumerate(objects)
        for box, label, crowd in zip(as_coco(boxes), labels, crowds, strict=True)
    ]
    for number, one in enumerate(annotations, 1):
        one["id"] = number
    results = [
        {"image_id": i + 1, "category_id": int(k) + 1, "bbox": box, "score": float(c)}
        for i, (boxes, labels, confidence) in enumerate(found)
        for box, k, c in zip(as_coco(boxes), labels, confidence, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": i + 1} for i in range(len(objects))],
            "annotations": annotations,
            "categories": [{"id": k + 1} for k in range(classes)],
        }
        truth.createIndex()
        judge = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
        judge.params.maxDets = [most, most, most]
        judge.evaluate()
        judge.accumulate()
    return judge.eval


@pytest.mark.parametrize("seed", range(3))
def test_coco_is_pycocotools(seed):
    objects, found = scenes(seed=seed)
    expected = by_pycocotools(objects, found, 3)
    ours = metrics.detection_figures(*as_arrays(objects, found), num_classes=3)
    precision, recall = expected["precision"][..., -1], expected["recall"][..., -1]

    def mean(values):
        return values[values > -1].mean()

    assert 0.1 < ours.ap < 0.9
    assert ours.ap == pytest.approx(mean(precision[..., 0]), abs=1e-9)
    assert ours.ap_50 == pytest.approx(mean(precision[0, ..., 0]), abs=1e-9)
    assert ours.ap_75 == pytest.approx(mean(precision[5, ..., 0]), abs=1e-9)
    areas = (ours.ap_small, ours.ap_medium, ours.ap_large)
    for k, value in enumerate(areas, 1):
        assert value == pytest.approx(mean(precision[..., k]), abs=1e-9)
    assert ours.recall == pytest.approx(mean(recall[..., 0]), abs=1e-9)
    for k, value in enumerate(ours.by_class):
        assert value == pytest.approx(mean(precision[:, :, k, 0]), abs=1e-9)


def test_only_the_most_confident_count():
    objects, found = scenes(seed=4)
    expected = by_pycocotools(objects, found, 3, most=1)["precision"]
    arrays = as_arrays(objects, found)
    ours = metrics.detection_figures(*arrays, num_classes=3, max_detections=1)
    precision = expected[..., 0, -1]
    assert ours.ap == pytest.approx(precision[precision > -1].mean(), abs=1e-9)


def one_image(boxes, objects, ignored=None):
    labels = np.zeros((1, len(objects)), int)
    truth = {"boxes": [objects], "labels": labels}
    if ignored is not None:
        truth["ignored"] = [ignored]
    confidence = [np.linspace(0.9, 0.1, len(boxes))]
    found = {"boxes": [boxes], "labels": [[0] * len(boxes)], "confidence": confidence}
    return found, truth


BOX, BESIDE = [0, 0, 10, 10], [0, 2, 10, 12]


def test_voc_looks_at_the_best_object_alone():
    """A second hit is a mistake there; COCO lets it take the neighbour."""
    found, truth = one_image([BOX, BOX], [BOX, BESIDE])
    voc, coco = (
        metrics.detection_figures(found, truth, rule=rule, thresholds=(0.5,)).ap
        for rule in ("voc10", "coco")
    )
    assert voc == pytest.approx(0.5) and coco == pytest.approx(1.0)


@pytest.mark.parametrize("rule", metrics.DETECTION_RULES)
def test_difficult_objects_count_neither_way(rule):
    away = [50, 50, 60, 60]
    found, truth = one_image([BOX, BOX, away], [BOX, away], [True, False])
    assert metrics.detection_figures(found, truth, rule=rule).ap == pytest.approx(1.0)
    truth["ignored"] = [[False, False]]
    assert metrics.detection_figures(found, truth, rule=rule).ap < 1.0


@pytest.mark.parametrize("rule", metrics.DETECTION_RULES)
def test_what_is_small_is_an_argument(rule):
    large = [20, 20, 60, 60]
    found, truth = one_image([BOX], [BOX, large])
    usual = metrics.detection_figures(found, truth, rule=rule)
    assert usual.ap_small == pytest.approx(1.0) and usual.ap_medium == 0.0
    assert np.isnan(usual.ap_large)
    other = metrics.detection_figures(found, truth, rule=rule, small=9, large=30)
    assert np.isnan(other.ap_small) and other.ap_medium == pytest.approx(1.0)
    assert other.ap_large == 0.0


def test_formats_agree():
    arrays = as_arrays(*scenes(seed=5))
    first = metrics.detection_figures(*arrays)

    def turned(part, order):
        boxes = part["boxes"].astype(float)
        if order == "xywh":
            boxes = np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], 2)
        return {**part, "boxes": boxes[..., [1, 0, 3, 2]]}

    for order in ("xyxy", "xywh"):
        parts = [turned(part, order) for part in arrays]
        again = metrics.detection_figures(*parts, bounding_box_format=order)
        assert again.ap == pytest.approx(first.ap, abs=1e-9)


def test_arrays_that_do_not_fit():
    found, truth = one_image([BOX], [BOX])
    with pytest.raises(ValueError, match="found has no confidence"):
        metrics.detection_figures(truth, truth)
    with pytest.raises(ValueError, match="boxes \\(num_images, n, 4\\)"):
        metrics.detection_figures({**found, "labels": [[0, 1]]}, truth)
    with pytest.raises(ValueError, match="same number of images"):
        doubled = {key: np.concatenate([v, v]) for key, v in found.items()}
        metrics.detection_figures(doubled, truth)
    with pytest.raises(ValueError, match="label 0, of 0 classes"):
        metrics.detection_figures(found, truth, num_classes=0)
    with pytest.raises(ValueError, match="is one of yxyx, xyxy, xywh"):
        metrics.detection_figures(found, truth, bounding_box_format="rel_yxyx")
