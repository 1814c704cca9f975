"""Connected bodies of filled voxels."""

import numpy as np
from scipy import ndimage

# Voxels that touch at a corner belong together.
_NEIGHBOURS = np.ones((3, 3, 3), bool)


def count_bodies(volume):
    """Number of connected bodies, of voxels that touch at faces, edges or corners.

    Args:
        volume: bool array `(depth, height, width)`.

    Returns:
        int.
    """
    return int(ndimage.label(volume, _NEIGHBOURS)[1])


def largest_body(volume):
    """A volume without all but its largest connected body.

    Args:
        volume: bool array `(depth, height, width)`; an empty one stays as it is.

    Returns:
        bool array of the same shape.
    """
    numbers, count = ndimage.label(volume, _NEIGHBOURS)
    if count < 2:
        return np.asarray(volume, bool)
    sizes = np.bincount(numbers.ravel())
    return numbers == 1 + np.argmax(sizes[1:])
