"""Spoilt in one place: mosaics and holes, with a mask that says where."""

import dataclasses
from typing import ClassVar

import numpy as np

from keras_gans.data.degrading import Degradation, check_choices, draw_choice
from keras_gans.data.order import natural_number

# Of a box, as parts of the picture.
_AREAS = 0.1, 0.6
_STRETCH = 2.0


@dataclasses.dataclass(frozen=True)
class Mosaic(Degradation):
    """Each block of pixels becomes its mean, in a random box or everywhere.

    The blocks are counted from the box's corner, as image editors do; what is left of
    the last ones at its far sides is averaged by itself.

    Args:
        block: int, side of a block in pixels; several ints: one is drawn per image.
        region: `"box"`: a random box of 10 to 60 % of the area; `"all"`: the image.
    """

    block: int | tuple = (4, 8, 16)
    region: str = "box"
    has_mask: ClassVar[bool] = True

    def __post_init__(self):
        check_choices("block", self.block)
        if self.region not in ("box", "all"):
            raise ValueError(f"`region` is 'box' or 'all'. Found: {self.region!r}.")

    def spoil(self, image, random):
        """The image with a mosaic on it."""
        block = draw_choice(self.block, random)
        box = _everything(image) if self.region == "all" else draw_box(image, random)
        degraded, mask = image.copy(), _mask(image, box)
        degraded[box] = _block_means(image[box], block)
        return degraded, mask


@dataclasses.dataclass(frozen=True)
class Hole(Degradation):
    """A random box of 10 to 60 % of the area is filled.

    Args:
        value: int, 0 to 255; 128 is the zero of networks that work in [-1, 1].
    """

    value: int = 128
    has_mask: ClassVar[bool] = True

    def __post_init__(self):
        if natural_number("value", self.value) > 255:
            raise ValueError(f"`value` is at most 255. Found: {self.value}.")

    def spoil(self, image, random):
        """The image with a hole in it."""
        box = draw_box(image, random)
        degraded = image.copy()
        degraded[box] = self.value
        return degraded, _mask(image, box)


def draw_box(image, random):
    """Draws a box of 10 to 60 % of an image's area, whole pixels.

    Its shape is that of the image, stretched up to twofold in either direction.

    Args:
        image: Array `(height, width, ...)`.
        random: `numpy.random.RandomState`.

    Returns:
        `(rows, columns)`, two slices.
    """
    area, stretch, top, left = random.random_sample(4)
    area = _AREAS[0] + (_AREAS[1] - _AREAS[0]) * area
    # No more than makes the box as long as the image.
    most = min(_STRETCH, 1 / area)
    stretch = most ** (2 * stretch - 1)
    parts = np.sqrt(area * stretch), np.sqrt(area / stretch)
    slices = []
    for whole, part, place in zip(image.shape, parts, (top, left), strict=False):
        side = max(1, round(whole * part))
        start = int(place * (whole - side + 1))
        slices.append(slice(start, start + side))
    return tuple(slices)


def _everything(image):
    return slice(0, image.shape[0]), slice(0, image.shape[1])


def _mask(image, box):
    mask = np.zeros((*image.shape[:2], 1), "uint8")
    mask[box] = 255
    return mask


def _block_means(image, block):
    """Each pixel replaced by the mean of its block, rounded."""
    sums, cells, counts = image.astype("int64"), [], []
    for axis, side in enumerate(image.shape[:2]):
        starts = np.arange(0, side, block)
        sums = np.add.reduceat(sums, starts, axis=axis)
        cells.append(np.arange(side) // block)
        counts.append(np.diff(starts, append=side))
    means = np.rint(sums / np.multiply.outer(*counts)[..., None]).astype("uint8")
    return means[np.ix_(*cells)]
