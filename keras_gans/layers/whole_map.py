"""Convolutions between a single point and a whole map, as the products they are."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class WholeMapConv2D(keras.layers.Conv2D):
    """A convolution whose kernel covers the whole map.

    Its one output point is a matrix product. Convolution kernels are slow where they
    move nowhere: forward and backward, DCGAN's take 1.2 to 4 times as long on a CPU.
    The weight is the convolution's.

    Args:
        filters: Number of outputs.
        kernel_size: Height and width of the map.
        use_bias: Whether to add a bias.
        **kwargs: For `keras.layers.Conv2D`.
    """

    def __init__(self, filters, kernel_size, use_bias=False, **kwargs):
        super().__init__(filters, kernel_size, use_bias=use_bias, **kwargs)

    def call(self, inputs):
        """`(batch, height, width, channels)` to `(batch, 1, 1, filters)`."""
        size = math.prod(self.kernel.shape[:3])
        kernel = ops.reshape(self.kernel, (size, self.filters))
        scores = ops.matmul(ops.reshape(inputs, (-1, size)), kernel)
        scores = ops.reshape(scores, (-1, 1, 1, self.filters))
        return scores + self.bias if self.use_bias else scores


@keras.saving.register_keras_serializable("keras_gans")
class WholeMapConv2DTranspose(keras.layers.Conv2DTranspose):
    """A transposed convolution of one point to a whole map.

    The transpose of `WholeMapConv2D`, and faster for the same reason.

    Args:
        filters: Channels of the map.
        kernel_size: Height and width of the map.
        use_bias: Whether to add a bias.
        **kwargs: For `keras.layers.Conv2DTranspose`.
    """

    def __init__(self, filters, kernel_size, use_bias=False, **kwargs):
        super().__init__(filters, kernel_size, use_bias=use_bias, **kwargs)

    def call(self, inputs):
        """`(batch, 1, 1, channels)` to `(batch, height, width, filters)`."""
        *map_shape, channels = self.kernel.shape
        kernel = ops.reshape(self.kernel, (math.prod(map_shape), channels))
        maps = ops.matmul(ops.reshape(inputs, (-1, channels)), ops.transpose(kernel))
        maps = ops.reshape(maps, (-1, *map_shape))
        return maps + self.bias if self.use_bias else maps
