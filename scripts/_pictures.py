"""Pictures as cards show them."""

import numpy as np

import keras_gans as kg
from keras_gans import pictures


def save(path, images, columns):
    """One PNG of many images, small ones at twice their size.

    Args:
        path: `pathlib.Path`.
        images: uint8, or floats in [-1, 1], row by row.
        columns: Images in a row.
    """
    images = np.asarray(images)
    images = images if images.dtype == np.uint8 else kg.data.to_uint8(images)
    scale = 2 if images.shape[1] <= 64 else 1
    pictures.save_png(path, pictures.image_grid(images, columns, scale=scale))
