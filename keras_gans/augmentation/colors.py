"""Affine maps of colours, one per image, composed before any pixel is touched."""

import math

import numpy as np
from keras import ops

# Along this axis of RGB lies brightness; the plane across it holds hue and saturation.
_LUMA = np.ones(3, "float32") / math.sqrt(3.0)
_ALONG_LUMA = np.outer(_LUMA, _LUMA).astype("float32")
_AROUND_LUMA = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], "float32") / math.sqrt(
    3.0
)
_IDENTITY = np.eye(3, dtype="float32")


def identity(count):
    """`(count, 3, 4)`: a matrix that leaves colours alone, and a shift of zero."""
    matrix = np.concatenate([_IDENTITY, np.zeros((3, 1), "float32")], axis=1)
    return ops.broadcast_to(ops.convert_to_tensor(matrix)[None], (count, 3, 4))


def brighten(colors, amount):
    """Then adds `amount` `(batch,)` to all channels."""
    return ops.concatenate([colors[:, :, :3], colors[:, :, 3:] + _wide(amount)], axis=2)


def scale(colors, factor):
    """Then multiplies all channels by `factor` `(batch,)`."""
    return colors * _wide(factor)


def flip_luma(colors, is_flipped):
    """Then reflects brightness, where `is_flipped` `(batch,)` is 1 and not 0."""
    return _then(_IDENTITY - 2.0 * _ALONG_LUMA * _wide(is_flipped), colors)


def rotate_hue(colors, angle):
    """Then rotates around the axis of brightness by `angle` `(batch,)`, in radians."""
    cosine, sine = _wide(ops.cos(angle)), _wide(ops.sin(angle))
    matrix = cosine * _IDENTITY + (1.0 - cosine) * _ALONG_LUMA + sine * _AROUND_LUMA
    return _then(matrix, colors)


def saturate(colors, factor):
    """Then stretches by `factor` `(batch,)` away from the axis of brightness."""
    matrix = _ALONG_LUMA + (_IDENTITY - _ALONG_LUMA) * _wide(factor)
    return _then(matrix, colors)


def apply(colors, images):
    """Images in new colours; gray ones by the mean of the three rows.

    Args:
        colors: `(batch, 3, 4)`, a matrix and a shift.
        images: `(batch, height, width, channels)`, of 1 or 3 channels.

    Returns:
        The same shape.
    """
    if images.shape[3] == 1:
        row = ops.mean(colors, axis=1)[:, None, None, :]
        factor = ops.sum(row[..., :3], axis=-1, keepdims=True)
        return images * factor + row[..., 3:]
    # Sums and not a product of matrices, which may round its factors to ten bits.
    mixed = images[:, :, :, None, :] * colors[:, None, None, :, :3]
    return ops.sum(mixed, axis=-1) + colors[:, None, None, :, 3]


def _then(matrix, colors):
    return ops.sum(matrix[:, :, :, None] * colors[:, None, :, :], axis=2)


def _wide(values):
    return ops.reshape(values, (-1, 1, 1))
