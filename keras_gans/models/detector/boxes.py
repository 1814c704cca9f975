"""Arithmetic of boxes: yxyx, in pixels, nothing added to their sides."""

import math

import keras
import numpy as np
from keras import ops

# By which Fast R-CNN divides the deltas (x, y, width, height).
STDS = (0.1, 0.1, 0.2, 0.2)
# exp of it is the most by which a side grows, as in Detectron: 1000 / 16.
LARGEST_LOG = math.log(1000.0 / 16.0)


def encoded(boxes, anchors, stds=None):
    """What is to be predicted at boxes for others: (tx, ty, tw, th).

    tx = (x - x_a) / w_a, ty = (y - y_a) / h_a of the middles, tw = log(w / w_a),
    th = log(h / h_a).

    Args:
        boxes: `(..., 4)`, those to find.
        anchors: `(..., 4)`, those found from.
        stds: What the four are divided by; `None` for 1.
    """
    return keras.utils.bounding_boxes.encode_box_to_deltas(
        anchors, boxes, "yxyx", "yxyx", encoding_format="center_xywh", variance=stds
    )


def decoded(deltas, anchors, stds=None):
    """The boxes that `encoded` would make these deltas of.

    Args:
        deltas: `(..., 4)`.
        anchors: `(..., 4)`.
        stds: As for `encoded`.
    """
    if stds is not None:
        deltas = deltas * ops.convert_to_tensor(stds, "float32")
    moves, logs = ops.split(deltas, 2, axis=-1)
    logs = ops.clip(logs, -LARGEST_LOG, LARGEST_LOG)
    return keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors,
        ops.concatenate([moves, logs], axis=-1),
        "yxyx",
        "yxyx",
        encoded_format="center_xywh",
    )


def clipped(boxes, image_shape):
    """Boxes, without what lies outside of the picture.

    Args:
        boxes: `(..., 4)`.
        image_shape: `(height, width, channels)`.
    """
    height, width = map(float, image_shape[:2])
    bounds = ops.convert_to_tensor((height, width, height, width), "float32")
    return ops.clip(boxes, 0.0, bounds)


def sides(boxes):
    """Heights and widths, `(..., 2)`."""
    low, high = ops.split(boxes, 2, axis=-1)
    return high - low


def has_area(boxes):
    """Whether boxes are any, `(...)`; rows that fill up are not."""
    return ops.all(sides(boxes) > 0.0, axis=-1)


def overlaps(boxes, others):
    """Intersection over union of each with each, `(batch, num_boxes, num_others)`."""
    return keras.utils.bounding_boxes.compute_iou(boxes, others, "yxyx")


def anchor_boxes(map_shape, stride, scales, ratios):
    """The boxes at every place of a map that a region proposal network refines.

    Args:
        map_shape: `(rows, columns)`.
        stride: `(down, right)`, pixels from one place to the next.
        scales: Square roots of areas, in pixels.
        ratios: Heights divided by widths.

    Returns:
        float32 numpy array `(rows * columns * scales * ratios, 4)`.
    """
    half = [
        (scale * math.sqrt(ratio) / 2, scale / math.sqrt(ratio) / 2)
        for scale in scales
        for ratio in ratios
    ]
    half = np.array(half)[None, None]
    middles = [(np.arange(n) + 0.5) * s for n, s in zip(map_shape, stride, strict=True)]
    middle = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)[:, :, None]
    boxes = np.concatenate([middle - half, middle + half], axis=-1)
    return boxes.reshape(-1, 4).astype("float32")


def smooth_l1(differences, beta=1.0):
    """0.5 d^2 / beta up to |d| = beta, |d| - 0.5 beta beyond, of four numbers.

    Args:
        differences: `(..., 4)`.
        beta: Positive number.
    """
    size = ops.abs(differences)
    loss = ops.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta)
    return ops.sum(loss, axis=-1)


def non_maximum_suppression(boxes, scores, threshold, keep, classes=None, most=1000):
    """Boxes from the best on, without those that overlap with a better one.

    That is: a box falls that overlaps with a better one which does not fall itself. The
    greedy rule is the only solution of this; it is found from the best boxes on, in as
    many rounds as the longest chain of overlaps.

    Args:
        boxes: `(batch, num_boxes, 4)`.
        scores: `(batch, num_boxes)`; negative where there is no box.
        threshold: Intersection over union from which on, exclusive, two boxes are one.
        keep: Most boxes that stay.
        classes: Integers `(batch, num_boxes)`; boxes of different ones do not compete.
        most: So many of the best scores compete; memory grows as its square.

    Returns:
        `(indices, scores)`, both `(batch, keep)` or shorter if there are fewer boxes;
        scores are -1 where nothing is left.
    """
    scores, order = ops.top_k(scores, min(most, boxes.shape[1]))
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    clash = overlaps(boxes, boxes) > threshold
    if classes is not None:
        classes = ops.take_along_axis(classes, order, axis=1)
        clash = clash & (classes[:, :, None] == classes[:, None])
    count = boxes.shape[1]
    clash = clash & np.tril(np.ones((count, count), bool), -1)
    some = scores >= 0.0

    def settle(kept, before):
        fallen = ops.any(clash & kept[:, None], axis=-1)
        return some & ops.logical_not(fallen), kept

    kept, _ = ops.while_loop(
        lambda kept, before: ops.any(kept != before),
        settle,
        (some, ops.logical_not(some)),
        maximum_iterations=count,
    )
    left, places = ops.top_k(ops.where(kept, scores, -1.0), min(keep, count))
    return ops.take_along_axis(order, places, axis=1), left
