"""Each image normalised by itself."""

import keras
from keras import ops


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
        x = ops.cast(inputs, "float32")
        mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
        normalized = (x - mean) * ops.rsqrt(variance + self.epsilon)
        return ops.cast(normalized, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
