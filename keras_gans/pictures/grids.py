"""Many images as one picture, and pictures as files."""

import keras
import numpy as np
from PIL import Image

from keras_gans.core.files import written_whole
from keras_gans.core.pixels import to_bytes_range


def image_grid(images, columns, scale=None):
    """One picture of many, row by row, with a thin border.

    Args:
        images: float array `(num, height, width, channels)` in [-1, 1], or uint8.
            Grey or RGB.
        columns: Images per row; the last row is filled up with grey.
        scale: Whole-number magnification; `None` for about 64 pixels a side.

    Returns:
        uint8 array `(height, width, channels)`.

    Raises:
        ValueError: for something else than images.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "A grid shows images of shape (num, height, width, 1 or 3). Found: "
            f"{images.shape}."
        )
    if images.dtype != np.uint8:
        images = keras.ops.convert_to_numpy(to_bytes_range(images))
    num, height, width, channels = images.shape
    scale = scale or max(1, 64 // max(height, width))
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    rows, border = -(-num // columns), 2
    cell_height, cell_width = height * scale + border, width * scale + border
    shape = (rows * cell_height + border, columns * cell_width + border, channels)
    grid = np.full(shape, 128, np.uint8)
    for i, image in enumerate(images):
        top = border + i // columns * cell_height
        left = border + i % columns * cell_width
        grid[top : top + height * scale, left : left + width * scale] = image
    return grid


def save_png(path, image):
    """Writes one uint8 image `(height, width, 1 or 3)` as a PNG, wholly or not at all.

    Args:
        path: File to write.
        image: uint8 array.
    """
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    with written_whole(path) as file:
        picture.save(file, format="PNG")
