"""Shapes with their captions, drawn here: what text-to-image systems are tried on."""

import numpy as np

ATTRIBUTES = {
    "shape": ("circle", "square", "triangle"),
    "color": ("red", "green", "blue", "yellow", "purple", "white"),
    "size": ("small", "large"),
    "position": ("top left", "top right", "bottom left", "bottom right"),
}
_COLORS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 90, 230),
    "yellow": (240, 210, 40),
    "purple": (160, 60, 190),
    "white": (245, 245, 245),
}
_BACKGROUND = 60
# Radii, and how far a middle may lie from the quadrant's, at 32 pixels.
_RADII = {"small": 4.0, "large": 7.0}
_JITTER = 1.0
# Points in a pixel and direction: edges are smooth.
_FINE = 4


def load_captioned_shapes(num, size=32, seed=0):
    """Draws circles, squares and triangles, and says what they are.

    Each is a shape of one of six colours, of two sizes, in one of four quadrants of a
    grey square: "a small red circle in the top left". All are equally likely and
    independent; middles are moved by up to a thirty-second of the side.

    Args:
        num: Number of pictures.
        size: Their side in pixels.
        seed: Integer from which all follows.

    Returns:
        uint8 images `(num, size, size, 3)`; their captions, an array of texts
        `(num,)`; and a dict of `"shape"`, `"color"`, `"size"` and `"position"` to the
        numbers `(num,)` of their values in `ATTRIBUTES`.

    Example:

    >>> images, captions, attributes = load_captioned_shapes(2)
    >>> images.shape, str(captions[0])
    ((2, 32, 32, 3), 'a small yellow triangle in the top left')
    """
    rng = np.random.default_rng(seed)
    found = {name: rng.integers(0, len(v), num) for name, v in ATTRIBUTES.items()}
    moves = rng.uniform(-_JITTER, _JITTER, (num, 2))
    images = np.empty((num, size, size, 3), "uint8")
    for i in range(num):
        words = {name: ATTRIBUTES[name][found[name][i]] for name in ATTRIBUTES}
        images[i] = _drawn(words, moves[i], size)
    return images, captions_of(found), found


def captions_of(attributes):
    """The texts of attributes, as `load_captioned_shapes` returns them."""
    rows = zip(*(attributes[name] for name in ATTRIBUTES), strict=True)
    texts = []
    for row in rows:
        shape, color, size, position = (
            values[i] for values, i in zip(ATTRIBUTES.values(), row, strict=True)
        )
        texts.append(f"a {size} {color} {shape} in the {position}")
    return np.array(texts)


def number_of(attributes):
    """One integer for each combination of attributes."""
    number = 0
    for name, values in ATTRIBUTES.items():
        number = number * len(values) + np.asarray(attributes[name])
    return number


def _drawn(words, move, size):
    # In pixels of a picture of 32.
    places = (np.arange(size * _FINE) + 0.5) * 32 / (size * _FINE)
    vertical, horizontal = words["position"].split()
    y = places[:, None] - (8.0 if vertical == "top" else 24.0) - move[0]
    x = places[None] - (8.0 if horizontal == "left" else 24.0) - move[1]
    radius = _RADII[words["size"]]
    if words["shape"] == "circle":
        inside = y**2 + x**2 < radius**2
    elif words["shape"] == "square":
        inside = np.maximum(abs(y), abs(x)) < 0.9 * radius
    else:
        inside = (y < radius * 0.9) & (abs(x) * 1.8 < y + radius * 0.9)
    share = inside.reshape(size, _FINE, size, _FINE).mean((1, 3))[..., None]
    color = np.array(_COLORS[words["color"]])
    return np.round(_BACKGROUND + share * (color - _BACKGROUND)).astype("uint8")
