"""Each image normalised by itself."""

import keras
from keras import ops


def each_normalized(maps, epsilon):
    """Maps of mean 0 and variance 1 for each image and channel, in float32.

    Args:
        maps: `(batch, height, width, channels)`.
        epsilon: Added to the biased variance.
    """
    x = ops.cast(maps, "float32")
    mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
    return (x - mean) * ops.rsqrt(variance + epsilon)


@keras.saving.register_keras_serializable("keras_gans")
class InstanceNormalization(keras.layers.Layer):
    """(x - mean) / sqrt(variance + epsilon) of each image and channel; no weights.

    Computed in float32 whatever the precision: squares of half-precision maps are
    rounded away.

    Args:
        epsilon: Added to the biased variance; 1e-5, as in PyTorch.
        **kwargs: For `keras.layers.Layer`.

    Reference: Ulyanov, Vedaldi and Lempitsky 2016, arXiv 1607.08022, eq. 2.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """`(batch, height, width, channels)` to the same shape."""
        return ops.cast(each_normalized(inputs, self.epsilon), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
