"""StyleGAN's low-pass filter."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class Blur(keras.layers.Layer):
    """Filters each channel with [1, 2, 1] / 4 in both directions, zeros outside.

    Reference: arXiv 1812.04948, section 2, after Zhang 2019, arXiv 1904.11486.
    """

    def call(self, inputs):
        """`(batch, height, width, channels)` to the same shape."""
        # Sums of shifted maps: a depthwise convolution takes several times as long on
        # a CPU, its gradients more.
        height, width = inputs.shape[1:3]
        x = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = x[:, :height] + 2 * x[:, 1 : height + 1] + x[:, 2:]
        x = x[:, :, :width] + 2 * x[:, :, 1 : width + 1] + x[:, :, 2:]
        return x / 16

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape
