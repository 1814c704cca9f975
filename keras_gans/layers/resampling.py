"""Resampling with StyleGAN2's low-pass filter [1, 3, 3, 1] / 8 in both directions."""

import functools
import math

import keras
import numpy as np
from keras import ops

from keras_gans.layers.equalized import EqualizedConv2D

TAPS = np.array([1.0, 3.0, 3.0, 1.0]) / 8.0


def upfirdn(inputs, up=1, down=1, pad=(0, 0), gain=1.0):
    """Puts zeros between pixels, pads with zeros, filters, and drops pixels.

    Along each axis the operator is a banded matrix, and is applied as one. On a CPU a
    depthwise convolution costs 40 times as much under XLA, and sums of shifted maps 25
    times as much in TensorFlow's gradients; a product is fast on both, and so are its
    second derivatives.

    Args:
        inputs: Maps `(batch, height, width, channels)` whose sides are known.
        up: Pixels that become of one, per axis.
        down: Of how many pixels one is kept, per axis.
        pad: Zeros before and after, per axis, once the zeros between are there.
        gain: Factor; `up ** 2` keeps the mean.

    Returns:
        Maps with sides `(up * side + sum(pad) - 3) / down`, rounded up.

    Reference: arXiv 1912.04958, section 4.1, and its code's `upfirdn_2d`.
    """
    height, width, channels = inputs.shape[1:]
    along_height = _operator(height, up, down, tuple(pad), math.sqrt(gain))
    along_width = _operator(width, up, down, tuple(pad), math.sqrt(gain))
    rows, columns = len(along_height), len(along_width)
    x = ops.reshape(inputs, (-1, height, width * channels))
    x = ops.matmul(ops.cast(along_height, x.dtype), x)
    x = ops.reshape(x, (-1, width, channels))
    x = ops.matmul(ops.cast(along_width, x.dtype), x)
    return ops.reshape(x, (-1, rows, columns, channels))


@functools.lru_cache(maxsize=64)
def _operator(side, up, down, pad, gain):
    # Row o holds the taps where output pixel o finds the input's pixels.
    size = -(-(side * up + sum(pad) - len(TAPS) + 1) // down)
    matrix = np.zeros((size, side), "float32")
    for row in range(size):
        for tap, value in enumerate(TAPS):
            place, between = divmod(row * down + tap - pad[0], up)
            if between == 0 and 0 <= place < side:
                matrix[row, place] += gain * value
    return matrix


@keras.saving.register_keras_serializable("keras_gans")
class FilteredUpsampling2D(keras.layers.Layer):
    """Doubles both sides and filters, keeping the mean: StyleGAN2's image path."""

    def call(self, inputs):
        """`(batch, height, width, channels)` to twice the height and width."""
        return upfirdn(inputs, up=2, pad=(2, 1), gain=4.0)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)


@keras.saving.register_keras_serializable("keras_gans")
class FilteredDownsampling2D(keras.layers.Layer):
    """Filters and halves both sides."""

    def call(self, inputs):
        """`(batch, height, width, channels)` to half the height and width."""
        return upfirdn(inputs, down=2, pad=(1, 1))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


@keras.saving.register_keras_serializable("keras_gans")
class FilteredConv2DDown(EqualizedConv2D):
    """Filters, then convolves to half the height and width.

    A 1x1 kernel sees filtered pixels that are half as many; a 3x3 kernel sees all of
    them and takes every second step.

    Args:
        filters: Number of output channels.
        kernel_size: 1 or 3.
        **kwargs: For `EqualizedConv2D`, without `padding` and `strides`.

    Reference: arXiv 1912.04958, section 4.1; `conv_downsample_2d` of its code.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        strides = 2 if kernel_size == 3 else 1
        super().__init__(
            filters, kernel_size, padding="valid", strides=strides, **kwargs
        )

    def call(self, inputs):
        """`(batch, height, width, channels)` to half the height and width."""
        if self.kernel_size == 1:
            return super().call(upfirdn(inputs, down=2, pad=(1, 1)))
        return super().call(upfirdn(inputs, pad=(2, 2)))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters)

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        del config["padding"], config["strides"]
        return config
