"""What a detector is to say of which boxes: matching and sampling in fixed shapes."""

from typing import Any, NamedTuple

from keras import ops

from keras_gans.models.detector.boxes import (
    STDS,
    encoded,
    has_area,
    overlaps,
    smooth_l1,
)


class RoIs(NamedTuple):
    """Regions of interest: boxes whose features the head sees, and what it is to say.

    Attributes:
        boxes: `(batch, num_rois, 4)`, yxyx in pixels.
        labels: int32 `(batch, num_rois)`: 0 for background, else the class plus 1. At
            inference `None`, like what follows.
        deltas: `(batch, num_rois, 4)`, normalised; 0 for background.
        weights: `(batch, num_rois)`: 1, or 0 in rows that fill up.
    """

    boxes: Any
    labels: Any = None
    deltas: Any = None
    weights: Any = None

    @property
    def foreground(self):
        """1 for rows with something in them, else 0; `(batch, num_rois)`."""
        return ops.cast(self.labels > 0, "float32") * self.weights


def matched(boxes, truth):
    """The greatest overlap of each box with something, and with which.

    Args:
        boxes: `(batch, num_boxes, 4)`.
        truth: `Truth`.

    Returns:
        `(overlaps, indices)`, both `(batch, num_boxes)`.
    """
    found = overlaps(boxes, truth.boxes)
    return ops.max(found, axis=-1), ops.argmax(found, axis=-1)


def labelled(boxes, truth, foreground_from=0.5):
    """Boxes as `RoIs` with their targets; none counts less than another.

    Args:
        boxes: `(batch, num_boxes, 4)`.
        truth: `Truth`.
        foreground_from: Least overlap with what a box is said to hold.
    """
    overlap, index = matched(boxes, truth)
    is_foreground = (overlap >= foreground_from) & has_area(boxes)
    labels = ops.take_along_axis(truth.labels, index, axis=1) + 1
    labels = ops.where(is_foreground, labels, 0)
    aim = ops.take_along_axis(truth.boxes, index[..., None], axis=1)
    deltas = encoded(aim, boxes, STDS)
    deltas = ops.where(is_foreground[..., None], deltas, 0.0)
    return RoIs(boxes, labels, deltas, ops.ones_like(overlap))


def rows_of(rois, indices, weights):
    """Some of the rows of `RoIs`.

    Args:
        rois: `RoIs`.
        indices: Integers `(batch, num_rows)`.
        weights: `(batch, num_rows)`.
    """
    wide = indices[..., None]
    return RoIs(
        ops.take_along_axis(rois.boxes, wide, axis=1),
        ops.take_along_axis(rois.labels, indices, axis=1),
        ops.take_along_axis(rois.deltas, wide, axis=1),
        weights,
    )


def balanced(positive, negative, noise, total, most_positive):
    """Rows at random: some positive ones, and negative ones for the rest.

    Args:
        positive: Booleans `(batch, num_rows)`.
        negative: Booleans `(batch, num_rows)`, exclusive of those.
        noise: Uniform numbers in [0, 1), `(batch, num_rows)`.
        total: Rows that are taken of each picture.
        most_positive: Most positive ones among them.

    Returns:
        `(indices, weights)`, `(batch, total)`: positive rows come first, rows of the
        weight 0 last.
    """
    count = noise.shape[1]
    some = min(most_positive, count)
    found, of_positive = ops.top_k(ops.where(positive, noise, -1.0), some)
    are_positive = found >= 0.0
    free = total - ops.sum(ops.cast(are_positive, "int32"), axis=1, keepdims=True)
    found, of_negative = ops.top_k(ops.where(negative, noise, -1.0), min(total, count))
    are_negative = (found >= 0.0) & (ops.arange(found.shape[1]) < free)
    indices = ops.concatenate([of_positive, of_negative], axis=1)
    taken = ops.concatenate(
        [2.0 * ops.cast(are_positive, "float32"), ops.cast(are_negative, "float32")],
        axis=1,
    )
    taken, places = ops.top_k(taken, min(total, indices.shape[1]))
    return ops.take_along_axis(indices, places, axis=1), ops.minimum(taken, 1.0)


def anchors_positive_and_negative(anchors, truth, positive_from=0.7, negative_to=0.3):
    """Which anchors hold something, and which nothing; the others are not asked.

    Positive are those of a large overlap, and for everything the anchors that overlap
    with it most; negative those of a small one.

    Args:
        anchors: `(batch, num_anchors, 4)`.
        truth: `Truth`.
        positive_from: Least overlap of a positive one.
        negative_to: Least overlap that is no longer negative.

    Returns:
        `(positive, negative, indices)`, `(batch, num_anchors)`; the last says what
        overlaps most.
    """
    found = overlaps(anchors, truth.boxes)
    best = ops.max(found, axis=1, keepdims=True)
    is_best = ops.any((found >= best) & (best > 0.0), axis=-1)
    overlap = ops.max(found, axis=-1)
    positive = is_best | (overlap >= positive_from)
    negative = (overlap < negative_to) & ops.logical_not(positive)
    return positive, negative, ops.argmax(found, axis=-1)


def jittered(truth, count, background, stream, image_shape):
    """Proposals made of what is there, and boxes anywhere.

    Middles are moved by N(0, 0.15) of the sides, which are scaled by exp N(0, 0.2).

    Args:
        truth: `Truth`.
        count: Proposals for everything.
        background: Boxes anywhere in each picture.
        stream: `SeedStream`.
        image_shape: `(height, width, channels)`.
    """
    batch, most = ops.shape(truth.boxes)[0], truth.boxes.shape[1]
    noise = stream.normal((batch, most * count, 4))
    move, log = ops.split(noise, 2, axis=-1)
    low, high = ops.split(ops.repeat(truth.boxes, count, axis=1), 2, axis=-1)
    middle, side = (low + high) / 2 + 0.15 * (high - low) * move, high - low
    half = 0.5 * side * ops.exp(0.2 * log)
    near = ops.concatenate([middle - half, middle + half], axis=-1)
    ends = stream.uniform((batch, background, 2, 2))
    ends = ends * ops.convert_to_tensor(image_shape[:2], "float32")
    anywhere = [ops.min(ends, axis=2), ops.max(ends, axis=2)]
    return ops.concatenate([near, ops.concatenate(anywhere, axis=-1)], axis=1)


def roi_losses(logits, deltas, rois):
    """What the head loses on each RoI: (on its class, on its box).

    -log p of the class; smooth-L1 over the four deltas of the class, on foreground.

    Args:
        logits: `(batch * num_rois, num_classes + 1)`.
        deltas: `(batch * num_rois, 4 * num_classes)`.
        rois: `RoIs` with targets.

    Returns:
        Two float32 `(batch, num_rois)`.
    """
    count = rois.labels.shape[1]
    logits = ops.reshape(logits, (-1, count, logits.shape[-1]))
    label = rois.labels[..., None]
    own = ops.take_along_axis(ops.log_softmax(logits, axis=-1), label, axis=-1)
    deltas = ops.reshape(deltas, (-1, count, deltas.shape[-1] // 4, 4))
    place = ops.maximum(label - 1, 0)[..., None]
    deltas = ops.squeeze(ops.take_along_axis(deltas, place, axis=2), axis=2)
    of_boxes = smooth_l1(deltas - rois.deltas) * ops.cast(rois.labels > 0, "float32")
    return -ops.squeeze(own, axis=-1), of_boxes


def mean_over_pictures(values, weights):
    """The mean over pictures of the mean over their rows of the weight 1.

    Where all rows are taken it is the mean over all; in this form replicas that share
    a batch agree with one that has it whole.

    Args:
        values: `(batch, num_rows)`.
        weights: `(batch, num_rows)`, 0 or 1.
    """
    count = ops.maximum(ops.sum(weights, axis=1), 1.0)
    return ops.mean(ops.sum(values * weights, axis=1) / count)
