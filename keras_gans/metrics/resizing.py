"""Bringing images to an extractor's size, in the three ways that published FIDs use.

The same images through the same network give FIDs that differ by points under two of
them. NumPy and Pillow only, so that a figure does not depend on the Keras backend.
"""

import functools
import operator

import numpy as np
from PIL import Image


def resize(images, size, mode):
    """Resizes a batch as one of the FID implementations does, aspect ratio or not.

    - `"clean"` (Clean-FID): bicubic with a filter as wide as the reduction, each
      channel by itself in float32, clipped to [0, 255] and not rounded.
    - `"legacy_tensorflow"` (the first FID, torch-fidelity, StyleGAN): bilinear from
      pixel `i * in / out`, which shifts the picture to the upper left, as TensorFlow 1
      did; nothing against aliasing.
    - `"legacy_pytorch"` (pytorch-fid): bilinear from `(i + 1/2) * in / out - 1/2`,
      nothing against aliasing.

    Args:
        images: uint8 array `(num_images, height, width, channels)`.
        size: `(height, width)` to make.
        mode: One of `RESIZE_MODES`.

    Returns:
        float32 array `(num_images, *size, channels)` in [0, 255]; images that have the
        size already are only cast.

    Raises:
        ValueError: If the mode is unknown, `size` is no pair of positive integers, or
            images are not uint8 of that shape.

    Example:

    >>> row = np.array([0, 1], "uint8").reshape(1, 1, 2, 1)
    >>> resize(row, (1, 4), "legacy_tensorflow").ravel()
    array([0. , 0.5, 1. , 1. ], dtype=float32)

    Reference: Parmar et al. 2022, "On aliased resizing and surprising subtleties in
    GAN evaluation", section 3, arXiv 2104.11222.
    """
    images, size = np.asarray(images), _checked_size(size)
    check_resize_mode(mode)
    if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape[1:]:
        raise ValueError(
            "Expected uint8 images (num_images, height, width, channels), found "
            f"{images.dtype} {images.shape}."
        )
    if images.shape[1:3] == size:
        return images.astype(np.float32)
    resized = np.empty((len(images), *size, images.shape[-1]), np.float32)
    resize_image = _RESIZERS[mode](images.shape[1:3], size)
    for image, out in zip(images, resized, strict=True):
        resize_image(image.astype(np.float32), out)
    return resized


def check_resize_mode(mode):
    """Raises a `ValueError` that names the modes unless `mode` is one of them."""
    if mode not in RESIZE_MODES:
        raise ValueError(
            f"Resize modes are {', '.join(map(repr, RESIZE_MODES))}. Found: {mode!r}."
        )


def _checked_size(size):
    try:
        height, width = map(operator.index, size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(f"size must be (height, width) in pixels. Found: {size!r}.")
    return height, width


def _clean(_, size):
    def resize_image(image, out):
        for channel in range(image.shape[-1]):
            # float32 in two dimensions is Pillow's mode "F", which rounds nothing.
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            out[..., channel] = plane.resize(size[::-1], Image.Resampling.BICUBIC)
        # Bicubic overshoots at edges.
        np.clip(out, 0, 255, out=out)

    return resize_image


def _bilinear(offset, old_size, size):
    (above, below, y), (left, right, x) = (
        _neighbours(offset, old, new) for old, new in zip(old_size, size, strict=True)
    )
    x, y = x[:, None], y[:, None, None]

    def resize_image(image, out):
        # In TensorFlow's order of operations, along rows first, to the same bits.
        start = image[:, left]
        rows = start + (image[:, right] - start) * x
        start = rows[above]
        np.add(start, (rows[below] - start) * y, out=out)

    return resize_image


def _neighbours(offset, old, new):
    """Two old pixels for each new one, and the share of the second, float32."""
    scale = np.float32(old) / np.float32(new)
    at = (np.arange(new, dtype=np.float32) + np.float32(offset)) * scale
    # Beyond the edge lie the pixels of the edge.
    at = np.maximum(at - np.float32(offset), 0)
    first = np.minimum(at.astype(int), old - 1)
    return first, np.minimum(first + 1, old - 1), at - first.astype(np.float32)


# What makes `resize_image(image, out)` from the old and the new (height, width).
_RESIZERS = {
    "clean": _clean,
    "legacy_tensorflow": functools.partial(_bilinear, 0.0),
    "legacy_pytorch": functools.partial(_bilinear, 0.5),
}
RESIZE_MODES = tuple(_RESIZERS)
