"""What is said about boxes that a detector cannot learn from."""

import keras
import numpy as np

from keras_gans.core.choices import check_choice

FORMATS = (
    *("yxyx", "xyxy", "xywh", "center_xywh", "center_yxhw"),
    *("rel_yxyx", "rel_xyxy", "rel_xywh", "rel_center_xywh"),
)


def check_format(name):
    """Checks the format of boxes.

    Raises:
        ValueError: for one that Keras does not know.
    """
    check_choice("bounding_box_format", name, FORMATS)


def check_boxes(model, num_images, given):
    """Checks what is said to be in pictures.

    Args:
        model: An `ObjectDetector`.
        num_images: Number of pictures.
        given: Dict of `boxes` and `labels`, and `proposals` if the model
            learns from them.

    Raises:
        ValueError: naming what was found and the fix.
    """
    names = ["boxes", "labels", *(["proposals"] if model.learns_from_proposals else [])]
    if not isinstance(given, dict) or not set(names) <= set(given):
        asked = ", ".join(f'"{name}": ...' for name in names)
        raise ValueError(
            f"{type(model).__name__} learns from boxes: call fit(images, {{{asked}}})."
        )
    arrays = [keras.ops.convert_to_numpy(given[name]) for name in names]
    shapes = [array.shape for array in arrays]
    boxes, labels, *proposals = arrays
    most = boxes.shape[1] if boxes.ndim == 3 else 0
    fit = most > 0 and boxes.shape == (num_images, most, 4)
    fit = fit and labels.shape == (num_images, most)
    for one in proposals:
        fit = fit and one.ndim == 3 and one.shape[::2] == (num_images, 4)
    if not fit:
        raise ValueError(
            f"{num_images} images need boxes ({num_images}, most, 4) and labels "
            f"({num_images}, most), filled up with -1. Found: "
            f"{', '.join(map(str, shapes))}."
        )
    _check_labels(labels, model.num_classes)
    _check_places(model, boxes, labels >= 0)


def _check_labels(labels, num_classes):
    if not np.isfinite(labels).all() or (labels != np.round(labels)).any():
        raise ValueError("Labels of boxes are whole numbers, -1 where there is no box.")
    if labels.size and not -1 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"Labels of boxes lie in [0, {num_classes}) for num_classes={num_classes}, "
            "without one for the background, and are -1 where there is no box. Found: "
            f"[{labels.min():g}, {labels.max():g}]."
        )


def _check_places(model, boxes, some):
    height, width = model.image_shape[:2]
    name = model.bounding_box_format
    if not np.isfinite(boxes[some]).all():
        raise ValueError("The boxes contain NaN or infinite values.")
    yxyx = keras.ops.convert_to_numpy(
        keras.utils.bounding_boxes.convert_format(
            boxes, source=name, target="yxyx", height=height, width=width
        )
    )
    low, high = yxyx[..., :2], yxyx[..., 2:]
    slack = 1e-3 * max(height, width)  # Of relative numbers, rounded.
    empty = (high <= low).any(axis=-1)
    outside = (low < -slack).any(axis=-1)
    outside |= (high > np.array((height, width)) + slack).any(axis=-1)
    wrongs = ((empty, "ends before it begins"), (outside, "leaves the picture"))
    for wrong, what in wrongs:
        if (wrong & some).any():
            image, box = np.argwhere(wrong & some)[0]
            found = [round(float(number), 4) for number in boxes[image, box]]
            raise ValueError(
                f"Box {box} of image {image} {what} of {height}x{width} pixels: "
                f"{found} in bounding_box_format={name!r}. Is it of another format? "
                "Else clip boxes, and give those of no area the label -1."
            )
