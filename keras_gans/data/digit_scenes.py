"""Scenes of digits at many sizes: objects to be found that need no network.

Handwritten digits are pasted on a canvas of a gradient and noise, where they overlap
little; bars may cover parts of them. Classes are the digits.
"""

import numpy as np
from PIL import Image

from keras_gans.data.digits import CLASS_NAMES, load_digits
from keras_gans.data.loading import load
from keras_gans.data.order import natural_number

# Sides in pixels between which a digit's longer one lies, whichever range it is of.
SIDES = {"any": ((10, 40),), "two_scales": ((10, 14), (28, 40))}
NUM_SCENES = {"train": 1000, "test": 300}
WORDS = ("two_scales", "bars", "mnist")
MOST_DIGITS = 5
_SIZE = 128
_TRIES = 20
# Of the smaller of two digits; more would hide which one it is.
_MOST_OVERLAP = 0.1
_FEWEST_BRIGHT = 48


def digit_scenes(
    num_scenes,
    seed=0,
    image_size=_SIZE,
    scales="any",
    bars=0,
    digits=None,
    digit_labels=None,
):
    """Draws scenes of 2 to 5 digits.

    Args:
        num_scenes: Their number.
        seed: Integer; a scene depends on it and on its own number alone.
        image_size: Pixels of a scene's sides, from 48 on.
        scales: `"any"`: longer sides of digits are of 10 to 40 pixels; `"two_scales"`:
            of 10 to 14 or of 28 to 40, as often; or a tuple of such ranges.
        bars: Dark or bright bars laid across each scene at random.
        digits: uint8 scans `(num, height, width, 1)`, bright on dark; `None` for
            scikit-learn's, those of the part `"train"`.
        digit_labels: Their classes.

    Returns:
        `(images, objects)`: uint8 `(num_scenes, image_size, image_size, 1)`; and a
        dict of float32 `boxes` `(num_scenes, 5, 4)`, the corners (top, left, bottom,
        right) in pixels of what is drawn of each digit, and int64 `labels`, padded
        with -1.

    Raises:
        ValueError: for scenes that the digits do not fit into, or unknown scales.

    Example:

    >>> images, objects = digit_scenes(2)
    >>> images.shape, objects["boxes"].shape, objects["labels"].shape
    ((2, 128, 128, 1), (2, 5, 4), (2, 5))
    """
    ranges = SIDES.get(scales, scales) if isinstance(scales, str) else scales
    if isinstance(ranges, str):
        raise ValueError(
            f"scales is one of {', '.join(SIDES)}, or ranges of sides. Found: "
            f"{scales!r}."
        )
    longest = max(high for _, high in ranges)
    natural_number("image_size", image_size, minimum=longest + 8)
    if digits is None:
        digits, digit_labels = load_digits("train")
    images = np.empty((num_scenes, image_size, image_size, 1), "uint8")
    boxes = np.full((num_scenes, MOST_DIGITS, 4), -1.0, "float32")
    labels = np.full((num_scenes, MOST_DIGITS), -1, "int64")
    for i in range(num_scenes):
        rng = np.random.default_rng((seed, i))
        canvas = _canvas(rng, image_size)
        count = int(rng.integers(2, MOST_DIGITS + 1))
        placed = _place(rng, canvas, digits, count, ranges)
        for k, (which, box) in enumerate(placed):
            boxes[i, k], labels[i, k] = box, digit_labels[which]
        for _ in range(bars):
            _cross(rng, canvas)
        images[i, ..., 0] = np.clip(np.rint(canvas), 0, 255)
    return images, {"boxes": boxes, "labels": labels}


def load_digit_scenes(variant, split, image_size=None):
    """`digit_scenes` as a data set of two parts, of which no digit is in both.

    Args:
        variant: `""`, or words joined by commas: `two_scales` and `bars` as above, and
            `mnist` for its digits in the place of scikit-learn's.
        split: `"train"`, 1,000 scenes, or `"test"`, 300.
        image_size: Side of a scene in pixels; 128.

    Returns:
        `(images, objects, class_names)`.

    Raises:
        FileNotFoundError: as `load`, for MNIST.
        ValueError: for another variant or part.
    """
    words = [word for word in variant.split(",") if word]
    if unknown := sorted(set(words) - set(WORDS)):
        raise ValueError(
            f"'digit_scenes' come with the words {', '.join(WORDS)}, as in "
            f"'digit_scenes:two_scales,bars'. Found: {', '.join(unknown)}."
        )
    if split not in NUM_SCENES:
        raise ValueError(
            f"'digit_scenes' have the splits {list(NUM_SCENES)}, got {split!r}."
        )
    digits, labels = load("mnist", split) if "mnist" in words else load_digits(split)
    images, objects = digit_scenes(
        NUM_SCENES[split],
        seed=list(NUM_SCENES).index(split),
        image_size=_SIZE if image_size is None else image_size,
        scales="two_scales" if "two_scales" in words else "any",
        bars=3 if "bars" in words else 0,
        digits=digits,
        digit_labels=labels,
    )
    return images, objects, CLASS_NAMES


def _ink(scan):
    """The part of a scan that is not dark, as a Pillow picture."""
    bright = scan > _FEWEST_BRIGHT
    rows, columns = (np.flatnonzero(bright.any(axis)) for axis in (1, 0))
    return Image.fromarray(scan[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _canvas(rng, side):
    """A slope of brightness, at most half bright, under noise."""
    low, high = rng.uniform(0, 110, 2)
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:side, :side] / (side - 1) - 0.5
    slope = 0.5 + (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)
    return low + (high - low) * slope + rng.normal(0, rng.uniform(4, 16), (side, side))


def _place(rng, canvas, digits, count, ranges):
    """Pastes digits where they overlap little; returns which, and their boxes."""
    placed = []
    for _ in range(count):
        which = int(rng.integers(len(digits)))
        low, high = ranges[int(rng.integers(len(ranges)))]
        crop = _ink(digits[which, ..., 0])
        scale = rng.uniform(low, high) / max(crop.size)
        width, height = (max(3, round(scale * length)) for length in crop.size)
        for _ in range(_TRIES):
            top = int(rng.integers(0, len(canvas) - height + 1))
            left = int(rng.integers(0, len(canvas) - width + 1))
            box = (top, left, top + height, left + width)
            if all(_shared(box, other) <= _MOST_OVERLAP for _, other in placed):
                _paste(rng, canvas, crop.resize((width, height)), top, left)
                placed.append((which, box))
                break
    return placed


def _paste(rng, canvas, picture, top, left):
    ink = np.asarray(picture) / 255.0 * rng.uniform(0.7, 1.0)
    part = canvas[top : top + ink.shape[0], left : left + ink.shape[1]]
    part += ink * (rng.uniform(200, 255) - part)


def _shared(a, b):
    """The share of the smaller of two boxes that lies in the other."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return max(height, 0) * max(width, 0) / smaller


def _cross(rng, canvas):
    """Lays a bar of 3 to 8 pixels from edge to edge."""
    thick = int(rng.integers(3, 9))
    at = int(rng.integers(0, len(canvas) - thick))
    rows = canvas if rng.random() < 0.5 else canvas.T
    rows[at : at + thick] = rng.uniform(0, 255)
