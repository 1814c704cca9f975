"""Convolutions between a single point and a whole map, as the products they are.

Convolution kernels are slow where they move nowhere: forward and backward, DCGAN's
take 1.2 to 4 times as long on a CPU. The weights are the convolutions'.
"""

import math

import keras
from keras import ops


class _ToPoint:
    """The call of a convolution whose kernel covers the whole map."""

    def __init__(self, filters, kernel_size, use_bias=False, **kwargs):
        super().__init__(filters, kernel_size, use_bias=use_bias, **kwargs)

    def call(self, inputs):
        """`(batch, *sides, channels)` to `(batch, 1, ..., 1, filters)`."""
        *map_shape, filters = self.kernel.shape
        size, ones = math.prod(map_shape), (1,) * (len(map_shape) - 1)
        kernel = ops.reshape(self.kernel, (size, filters))
        scores = ops.matmul(ops.reshape(inputs, (-1, size)), kernel)
        scores = ops.reshape(scores, (-1, *ones, filters))
        return scores + self.bias if self.use_bias else scores


class _FromPoint:
    """The call of a transposed convolution of one point to a whole map."""

    def __init__(self, filters, kernel_size, use_bias=False, **kwargs):
        super().__init__(filters, kernel_size, use_bias=use_bias, **kwargs)

    def call(self, inputs):
        """`(batch, 1, ..., 1, channels)` to `(batch, *sides, filters)`."""
        *map_shape, channels = self.kernel.shape
        kernel = ops.reshape(self.kernel, (math.prod(map_shape), channels))
        maps = ops.matmul(ops.reshape(inputs, (-1, channels)), ops.transpose(kernel))
        maps = ops.reshape(maps, (-1, *map_shape))
        return maps + self.bias if self.use_bias else maps


@keras.saving.register_keras_serializable("keras_gans")
class WholeMapConv2D(_ToPoint, keras.layers.Conv2D):
    """A convolution whose kernel covers the whole map: its one point is a product.

    Args:
        filters: Number of outputs.
        kernel_size: Height and width of the map.
        use_bias: Whether to add a bias.
        **kwargs: For `keras.layers.Conv2D`.
    """


@keras.saving.register_keras_serializable("keras_gans")
class WholeMapConv2DTranspose(_FromPoint, keras.layers.Conv2DTranspose):
    """A transposed convolution of one point to a whole map.

    Args:
        filters: Channels of the map.
        kernel_size: Height and width of the map.
        use_bias: Whether to add a bias.
        **kwargs: For `keras.layers.Conv2DTranspose`.
    """


@keras.saving.register_keras_serializable("keras_gans")
class WholeMapConv3D(_ToPoint, keras.layers.Conv3D):
    """`WholeMapConv2D` of a map of three sides.

    Args:
        filters: Number of outputs.
        kernel_size: Depth, height and width of the map.
        use_bias: Whether to add a bias.
        **kwargs: For `keras.layers.Conv3D`.
    """


@keras.saving.register_keras_serializable("keras_gans")
class WholeMapConv3DTranspose(_FromPoint, keras.layers.Conv3DTranspose):
    """`WholeMapConv2DTranspose` to a map of three sides.

    Args:
        filters: Channels of the map.
        kernel_size: Depth, height and width of the map.
        use_bias: Whether to add a bias.
        **kwargs: For `keras.layers.Conv3DTranspose`.
    """
