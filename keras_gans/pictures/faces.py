"""Pictures of what a system that ages faces makes of photographs."""

import numpy as np

from keras_gans.data.pixels import to_uint8


def aging_rows(gan, images, labels, **options):
    """A row for each face: the photograph, then the face in every age class.

    Args:
        gan: A `keras_gans.AgeCGAN`.
        images: uint8 images, or floats in [-1, 1].
        labels: Their true classes.
        **options: As for `gan.age`.

    Returns:
        `(columns, images)`: the number of images in a row, and all of them, uint8, row
        by row.
    """
    images = np.asarray(images)
    seen = images if images.dtype == np.uint8 else to_uint8(images)
    aged = to_uint8(gan.age(images, labels, **options))
    rows = np.concatenate([seen[:, None], aged], axis=1)
    return rows.shape[1], rows.reshape(-1, *gan.image_shape)
