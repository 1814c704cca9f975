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
