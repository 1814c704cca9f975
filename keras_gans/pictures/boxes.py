"""Pictures with boxes drawn around what was found in them."""

import colorsys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_gans.data.pixels import to_uint8

# Sides below which a picture is enlarged, or its labels would cover it.
_LEGIBLE = 320
_FONT_SIZE = 12
_PADDING = 2


def draw_boxes(
    images, objects, class_names=None, threshold=0.0, scale=None, box_format="yxyx"
):
    """Images with the boxes of their objects, each with its class and confidence.

    Args:
        images: uint8 images `(num, height, width, channels)`, or floats in [-1, 1],
            grey or RGB.
        objects: Dict as `detect` returns it, or of true `boxes` and `labels`.
        class_names: Names of the classes; `None` for their numbers.
        threshold: Confidence below which nothing is drawn.
        scale: Whole-number magnification; `None` for about 320 pixels a side.
        box_format: `"yxyx"` or `"xyxy"`, in pixels.

    Returns:
        uint8 array `(num, height, width, 3)`, each side times `scale`.

    Raises:
        ValueError: for an unknown format.

    Example:

    >>> pictures = draw_boxes(images, gan.detect(images), class_names)
    """
    if box_format not in ("yxyx", "xyxy"):
        raise ValueError(f"box_format is yxyx or xyxy here. Found: {box_format!r}.")
    images = np.asarray(images)
    images = images if images.dtype == np.uint8 else to_uint8(images)
    if images.shape[-1] == 1:
        images = np.repeat(images, 3, axis=-1)
    scale = scale or max(1, _LEGIBLE // max(images.shape[1:3]))
    font = ImageFont.load_default(_FONT_SIZE)
    drawn = []
    for i, image in enumerate(images):
        large = image.repeat(scale, axis=0).repeat(scale, axis=1)
        picture = Image.fromarray(large)
        # The most confident ones last, on top of the others.
        for box, label, confidence in _shown(objects, i, threshold)[::-1]:
            corners = scale * np.asarray(box, float)
            if box_format == "yxyx":
                corners = corners[[1, 0, 3, 2]]
            text = str(label) if class_names is None else class_names[label]
            text += "" if confidence is None else f" {confidence:.2f}"
            _draw(picture, corners, text, _color(label), font)
        drawn.append(np.asarray(picture))
    return np.stack(drawn)


def _shown(objects, i, threshold):
    """`(box, label, confidence)` of the objects of an image, the best first."""
    boxes, labels = objects["boxes"][i], objects["labels"][i]
    confidences = objects.get("confidence")
    found = []
    for k, label in enumerate(labels):
        confidence = None if confidences is None else float(confidences[i][k])
        if label >= 0 and (confidence is None or confidence >= threshold):
            found.append((boxes[k], int(label), confidence))
    return found


def _color(label):
    """Colours that differ for neighbouring numbers: steps of the golden angle."""
    red, green, blue = colorsys.hsv_to_rgb((0.33 + label * 0.618034) % 1.0, 0.85, 1.0)
    return tuple(round(255 * value) for value in (red, green, blue))


def _draw(picture, corners, text, color, font):
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = (float(value) for value in corners)
    right, bottom = max(right - 1, left), max(bottom - 1, top)
    draw.rectangle((left, top, right, bottom), outline=color, width=2)
    _, _, width, height = draw.textbbox((0, 0), text, font=font)
    width, height = width + 2 * _PADDING, height + 2 * _PADDING
    # Above the box, or inside where there is no room; never out of the picture.
    y = top - height if top >= height else min(top, picture.height - height)
    x = max(0.0, min(left, picture.width - width))
    draw.rectangle((x, y, x + width, y + height), fill=color)
    draw.text((x + _PADDING, y + _PADDING), text, fill=(0, 0, 0), font=font)
