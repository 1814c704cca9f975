"""Feature vectors of unit length."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class PixelNormalization(keras.layers.Layer):
    """x / sqrt(mean_c x^2 + epsilon): each pixel's feature vector has unit variance.

    On latent vectors it is the projection to the sphere (StyleGAN2's second-moment
    normalisation). Computed in float32, where a half would overflow at 256.

    Args:
        epsilon: Added to the mean of squares.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1710.10196, section 4.2.
    """

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """`(batch, ..., channels)` to the same shape."""
        x = ops.cast(inputs, "float32")
        squares = ops.mean(ops.square(x), axis=-1, keepdims=True)
        return ops.cast(x * ops.rsqrt(squares + self.epsilon), inputs.dtype)

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
