"""The variance of Gaussian pixels, learned with what makes their means."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class LearnedVariance(keras.layers.Layer):
    """Lets means pass, and holds the logarithm of the one variance around them.

    The likelihood reads it (`log_variance`); here it is a weight of the network whose
    means it belongs to. It starts at 0, a variance of 1.
    """

    def build(self, input_shape):
        """Makes the variable."""
        self.log_variance = self.add_weight(
            shape=(), initializer="zeros", name="log_variance"
        )

    def call(self, inputs):
        """The input."""
        return ops.convert_to_tensor(inputs)

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape
