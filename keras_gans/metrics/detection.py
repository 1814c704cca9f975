"""How well objects are found: average precision by the rules of VOC and COCO.

Detections of a class are gone through from the most to the least confident; each may
hit one object, which it must overlap by a threshold of intersection over union. Of the
curve of precision over recall that follows, the rules take different means:

* `"voc07"`: of the best precision at recall 0, 0.1 ... 1 or above.
* `"voc10"`: the area below the curve, once it is made to fall (VOC 2010 and later).
* `"coco"`: as voc07, at 101 recalls, and the mean over the thresholds 0.5, 0.55 ...
  0.95.

Reference: Everingham et al. 2010, section 4.2; Lin et al. 2014, arXiv 1405.0312, and
their program pycocotools, whose figures these are.
"""

import dataclasses

import numpy as np

RULES = ("voc07", "voc10", "coco")
COCO_THRESHOLDS = tuple(float(t) for t in np.linspace(0.5, 0.95, 10))
# Corners (top, left, bottom, right) of a box by its format.
_CORNERS = {
    "yxyx": lambda b: b,
    "xyxy": lambda b: b[..., [1, 0, 3, 2]],
    "xywh": lambda b: np.stack(
        [b[..., 1], b[..., 0], b[..., 1] + b[..., 3], b[..., 0] + b[..., 2]], -1
    ),
}
# pycocotools lets an overlap reach a threshold of 1 in spite of rounding.
_NEARLY_ONE = 1 - 1e-10


@dataclasses.dataclass(frozen=True)
class DetectionFigures:
    """What `detection_figures` found; NaN where there is no object to be found.

    Attributes:
        rule: One of `RULES`.
        ap: Mean over the classes, and over the thresholds.
        ap_50: That of the threshold 0.5 alone; NaN if it is none of them.
        ap_75: That of 0.75.
        ap_small: `ap` of the objects of at most `small` squared pixels.
        ap_medium: Of those between.
        ap_large: Of those of `large` squared pixels and more.
        recall: Share of the objects that are found at all, as `ap` a mean.
        by_class: `ap` of each class.
    """

    rule: str
    ap: float
    ap_50: float
    ap_75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    recall: float
    by_class: tuple


def average_precision(hits, num_objects, rule="coco"):
    """The average precision of one class at one threshold.

    Args:
        hits: bool for each detection, the most confident first: whether it hit an
            object that no other had hit before.
        num_objects: Number of objects to be found.
        rule: One of `RULES`.

    Returns:
        float; NaN for no objects.

    Raises:
        ValueError: for an unknown rule.

    Example:

    >>> round(average_precision([1, 0, 1, 1, 0], 4, "voc10"), 6)
    0.625
    """
    _check_rule(rule)
    if not num_objects:
        return float("nan")
    hits = np.asarray(hits, bool)
    found = np.cumsum(hits)
    recall = found / num_objects
    precision = found / np.arange(1, len(hits) + 1)
    # The best that is reached at this recall or a higher one.
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if rule == "voc10":
        return float(np.sum(np.diff(recall, prepend=0.0) * best))
    wanted = np.linspace(0, 1, 11 if rule == "voc07" else 101)
    at = np.searchsorted(recall, wanted, side="left")
    return float(np.append(best, 0.0)[at].mean())


def detection_figures(
    found,
    truth,
    num_classes=None,
    rule="coco",
    thresholds=None,
    small=32,
    large=96,
    max_detections=100,
    bounding_box_format="yxyx",
):
    """Measures detections against the objects that are there.

    Args:
        found: Dict as `detect` returns it: `boxes` `(num_images, n, 4)`, `confidence`
            and `labels` `(num_images, n)`, padded with the label -1.
        truth: Dict of `boxes` `(num_images, m, 4)` and `labels`, padded with -1; and,
            if need be, of `ignored`, bool: objects that are difficult, or a crowd in
            COCO's sense, which count neither when found nor when missed.
        num_classes: Number of classes; `None` for as many as there are labels.
        rule: One of `RULES`.
        thresholds: Of intersection over union; `None` for the rule's own: COCO's ten,
            or 0.5.
        small: Side in pixels of the square up to whose area an object is small; 32.
        large: Side of the square from whose area on it is large; 96.
        max_detections: The most confident ones of an image and class that count.
        bounding_box_format: `"yxyx"`, `"xyxy"` or `"xywh"`, of both.

    Returns:
        `DetectionFigures`.

    Raises:
        ValueError: for arrays that do not fit together, or an unknown rule or format.

    Example:

    >>> truth = {"boxes": [[[0, 0, 8, 8], [10, 10, 20, 20]]], "labels": [[0, 1]]}
    >>> found = {**truth, "confidence": [[0.9, 0.8]]}
    >>> detection_figures(found, truth).ap
    1.0
    """
    _check_rule(rule)
    if thresholds is None:
        thresholds = COCO_THRESHOLDS if rule == "coco" else (0.5,)
    thresholds = np.asarray(thresholds, float)
    found, truth = _checked(found, truth, bounding_box_format)
    classes = _number_of_classes(num_classes, found, truth)
    sizes = {
        "all": (0.0, np.inf),
        "small": (0.0, small**2),
        "medium": (small**2, large**2),
        "large": (large**2, np.inf),
    }
    scores = {name: np.full((classes, len(thresholds), 2), np.nan) for name in sizes}
    for label in range(classes):
        pairs = _of_class(found, truth, label, max_detections)
        for name, limits in sizes.items():
            scores[name][label] = _of_pairs(pairs, limits, thresholds, rule)
    means = {name: _mean(values[..., 0]) for name, values in scores.items()}
    precisions = scores["all"][..., 0]
    at = {t: np.isclose(thresholds, t) for t in (0.5, 0.75)}
    return DetectionFigures(
        rule=rule,
        ap=means["all"],
        ap_50=_mean(precisions[:, at[0.5]]),
        ap_75=_mean(precisions[:, at[0.75]]),
        ap_small=means["small"],
        ap_medium=means["medium"],
        ap_large=means["large"],
        recall=_mean(scores["all"][..., 1]),
        by_class=tuple(_mean(one) for one in precisions),
    )


def overlaps(a, b, crowd=None):
    """Intersection over union of every box of `a` with every one of `b`.

    Args:
        a: Array `(m, 4)` of corners (top, left, bottom, right).
        b: Array `(n, 4)`.
        crowd: bool for each of `b`: of which only the share of `a` counts that lies
            inside.

    Returns:
        float array `(m, n)`.
    """
    a, b = np.asarray(a, float)[:, None], np.asarray(b, float)[None]
    inside = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(inside, 0.0).prod(-1)
    areas = [np.maximum(box[..., 2:] - box[..., :2], 0.0).prod(-1) for box in (a, b)]
    united = areas[0] + areas[1] - shared
    if crowd is not None:
        united = np.where(crowd, areas[0], united)
    return np.where(united > 0, shared / np.maximum(united, 1e-12), 0.0)


def _of_class(found, truth, label, max_detections):
    """Of each image the detections and objects of a class.

    Returns:
        List of `(corners, confidence, object corners, ignored)`.
    """
    pairs = []
    for i in range(len(truth["labels"])):
        mine = np.flatnonzero(found["labels"][i] == label)
        order = np.argsort(-found["confidence"][i][mine], kind="stable")
        mine = mine[order[:max_detections]]
        theirs = truth["labels"][i] == label
        pairs.append(
            (
                found["boxes"][i][mine],
                found["confidence"][i][mine],
                truth["boxes"][i][theirs],
                truth["ignored"][i][theirs],
            )
        )
    return pairs


def _of_pairs(pairs, limits, thresholds, rule):
    """(thresholds, 2): average precision and recall at each threshold."""
    confidences, hits, counted, num_objects = [], [], [], 0
    for boxes, confidence, objects, crowd in pairs:
        ignored = crowd | _outside(objects, limits)
        num_objects += int((~ignored).sum())
        hit, dropped = _match(boxes, objects, crowd, ignored, thresholds, rule)
        # What hits nothing and is of another size is nobody's mistake.
        dropped |= ~hit & _outside(boxes, limits)
        confidences.append(confidence)
        hits.append(hit & ~dropped)
        counted.append(~dropped)
    order = np.argsort(-np.concatenate(confidences), kind="stable")
    hits, counted = (np.concatenate(v, axis=1)[:, order] for v in (hits, counted))
    rows = []
    for hit, count in zip(hits, counted, strict=True):
        recall = hit.sum() / num_objects if num_objects else np.nan
        rows.append((average_precision(hit[count], num_objects, rule), recall))
    return np.array(rows)


def _match(boxes, objects, crowd, ignored, thresholds, rule):
    """Which detections hit an object, and which hit one that is ignored.

    Returns:
        Two bool arrays `(thresholds, detections)`.
    """
    shape = (len(thresholds), len(boxes))
    hit, dropped = np.zeros(shape, bool), np.zeros(shape, bool)
    if not len(objects):
        return hit, dropped
    rows = np.arange(len(thresholds))
    free = np.ones((len(thresholds), len(objects)), bool)
    wanted = np.minimum(thresholds, _NEARLY_ONE)[:, None]
    # VOC has no crowds: its difficult objects overlap like all others.
    shared = overlaps(boxes, objects, crowd if rule == "coco" else None)
    for i, row in enumerate(shared):
        near = row >= wanted
        if rule == "coco":
            # The best that is still free, and an ignored one if nothing else is.
            near &= free | crowd
            order = np.where(near, row + 2.0 * ~ignored, -1.0)
            best = len(row) - 1 - order[:, ::-1].argmax(1)
        else:
            # The best of all, and then it is looked at.
            best = np.full(len(rows), row.argmax())
        reached = near[rows, best]
        dropped[:, i] = reached & ignored[best]
        hit[:, i] = reached & (free[rows, best] | ignored[best])
        free[rows[reached], best[reached]] = False
    return hit, dropped


def _outside(boxes, limits):
    areas = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0).prod(-1)
    return (areas < limits[0]) | (areas > limits[1])


def _mean(values):
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")


def _check_rule(rule):
    if rule not in RULES:
        raise ValueError(f"rule is one of {', '.join(RULES)}. Found: {rule!r}.")


def _checked(found, truth, box_format):
    if box_format not in _CORNERS:
        raise ValueError(
            f"bounding_box_format is one of {', '.join(_CORNERS)} here. Found: "
            f"{box_format!r}."
        )
    checked = []
    for name, part, keys in (
        ("found", found, ("boxes", "labels", "confidence")),
        ("truth", truth, ("boxes", "labels")),
    ):
        if missing := [key for key in keys if key not in part]:
            raise ValueError(f"{name} has no {' and no '.join(missing)}.")
        one = {key: np.asarray(part[key]) for key in keys}
        shape = one["labels"].shape
        if one["boxes"].shape != (*shape, 4) or any(
            one[key].shape != shape for key in keys[1:]
        ):
            shapes = ", ".join(f"{key} {one[key].shape}" for key in keys)
            raise ValueError(
                f"{name} has boxes (num_images, n, 4) and else (num_images, n). "
                f"Found: {shapes}."
            )
        one["boxes"] = _CORNERS[box_format](one["boxes"].astype(float))
        checked.append(one)
    if len({len(one["labels"]) for one in checked}) > 1:
        raise ValueError("found and truth are not of the same number of images.")
    labels, ignored = checked[1]["labels"], truth.get("ignored")
    checked[1]["ignored"] = np.zeros(labels.shape, bool)
    if ignored is not None:
        checked[1]["ignored"] |= np.asarray(ignored, bool)
    return checked


def _number_of_classes(given, found, truth):
    largest = max(int(part["labels"].max(initial=-1)) for part in (found, truth))
    if given is not None and largest >= given:
        raise ValueError(f"There is a label {largest}, of {given} classes.")
    return given if given is not None else largest + 1
