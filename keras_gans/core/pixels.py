"""From bytes to the range in which networks work, and back, on the device."""

import keras
from keras import ops


def scaled(images):
    """uint8 images, and bool ones, as float32 in [-1, 1]; floats as they are."""
    if keras.backend.standardize_dtype(images.dtype) == "bool":
        return ops.cast(images, "float32") * 2.0 - 1.0
    if keras.backend.standardize_dtype(images.dtype) == "uint8":
        return ops.cast(images, "float32") / 127.5 - 1.0
    return ops.cast(images, "float32")


def to_bytes_range(images):
    """[-1, 1] floats to uint8 in [0, 255], rounded; values outside are clipped.

    Args:
        images: Tensor in any shape.

    Returns:
        uint8 tensor of the same shape.
    """
    return ops.cast(ops.clip(ops.round((images + 1.0) * 127.5), 0, 255), "uint8")


def shrunk(images, factor):
    """Means over squares of `factor` x `factor` pixels."""
    if factor == 1:
        return images
    height, width, channels = images.shape[1:]
    rows, columns = height // factor, width // factor
    parts = ops.reshape(images, (-1, rows, factor, columns, factor, channels))
    return ops.mean(parts, axis=(2, 4))


def enlarged(images, factor=2):
    """Each pixel `factor`^2 times."""
    return ops.repeat(ops.repeat(images, factor, axis=1), factor, axis=2)
