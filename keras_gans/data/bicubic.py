"""Bicubic resizing as MATLAB's `imresize` does it, by which super-resolution is judged.

Pillow's and TensorFlow's differ at borders and in when they round; what has been
published of Set5 and the like was made by this one.
"""

import functools

import numpy as np

from keras_gans.data.order import natural_number


def bicubic(images, size):
    """Resizes pictures, against aliasing where they become smaller.

    Along each axis, a pixel is the sum of its neighbours weighted by Keys' kernel with
    a = -1/2, made as much wider as the picture becomes smaller. Beyond its border a
    picture is mirrored, the outermost pixels repeated.

    Args:
        images: uint8 or float array `(..., height, width, channels)`.
        size: `(height, width)` to make.

    Returns:
        Array of the size; uint8 is rounded once, at the end, and clipped, floats
        become float32 and may overshoot their range.

    Raises:
        ValueError: If `images` are no pictures or `size` is none.

    Example:

    >>> bicubic(np.zeros((8, 12, 3), "uint8"), (2, 3)).shape
    (2, 3, 3)

    Reference: Keys 1981, "Cubic convolution interpolation for digital image
    processing", eq. 4.
    """
    images = np.asarray(images)
    if images.ndim < 3 or 0 in images.shape or images.dtype.kind not in "uf":
        raise ValueError(
            "bicubic takes pictures (..., height, width, channels), uint8 or floats. "
            f"Found {images.dtype} of shape {images.shape}."
        )
    if images.dtype.kind == "u" and images.dtype != np.uint8:
        raise ValueError(f"bicubic takes uint8 or floats. Found {images.dtype}.")
    height, width = (natural_number("size", side, minimum=1) for side in size)
    rows = _weights(images.shape[-3], height)
    columns = _weights(images.shape[-2], width)
    # (h', h) by (h, w c), then (w', w) by (w, c) for each row.
    flat = images.reshape(*images.shape[:-2], -1).astype("float64")
    tall = np.matmul(rows, flat).reshape(*images.shape[:-3], height, *images.shape[-2:])
    made = np.matmul(columns, tall)
    if images.dtype == np.uint8:
        return np.clip(np.rint(made), 0, 255).astype("uint8")
    return made.astype("float32")


def shrink(images, factor):
    """The low resolution of pictures: `bicubic`, by a whole factor.

    Args:
        images: As for `bicubic`, both sides multiples of `factor`; see `whole_part`.
        factor: int.

    Raises:
        ValueError: For other sides.
    """
    height, width = np.shape(images)[-3:-1]
    if height % factor or width % factor:
        raise ValueError(
            f"Sides of {height}x{width} are no multiples of {factor}: cut the picture "
            "by whole_part first."
        )
    return bicubic(images, (height // factor, width // factor))


def enlarge(images, factor):
    """Pictures `factor` times as high and wide: what super-resolution must beat."""
    height, width = np.shape(images)[-3:-1]
    return bicubic(images, (factor * height, factor * width))


def whole_part(image, factor):
    """The upper left part of a picture whose sides are multiples of `factor`.

    Args:
        image: Array `(height, width, ...)`.
        factor: int.

    Raises:
        ValueError: If nothing is left.
    """
    height, width = (side - side % factor for side in image.shape[:2])
    if not height or not width:
        raise ValueError(f"A picture of {image.shape} is smaller than {factor}.")
    return image[:height, :width]


@functools.lru_cache(maxsize=64)
def _weights(old, new):
    """The matrix `(new, old)` that resizes an axis."""
    scale = new / old
    stretch = max(1.0, 1 / scale)
    reach = int(np.ceil(2 * stretch)) + 1
    centres = (np.arange(new) + 0.5) / scale - 0.5
    taps = np.floor(centres)[:, None] + np.arange(-reach, reach + 1)
    weights = _keys((centres[:, None] - taps) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    # ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
    places = taps.astype("int64") % (2 * old)
    places = np.minimum(places, 2 * old - 1 - places)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], places), weights)
    matrix.flags.writeable = False
    return matrix


def _keys(x):
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
