"""A map that depends on no input."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class LearnedConstant(keras.layers.Layer):
    """The same trained map for each sample: where a synthesis network starts.

    Args:
        shape: `(height, width, channels)`.
        initializer: Of the map; standard normal in StyleGAN2, ones in StyleGAN.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1812.04948, section 2.
    """

    def __init__(self, shape, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        """Makes the map."""
        self.constant = self.add_weight(
            shape=self.shape, initializer=self.initializer, name="constant"
        )

    def call(self, inputs):
        """Anything of a batch to `(batch, height, width, channels)`."""
        constant = ops.cast(self.constant, self.compute_dtype)
        return ops.broadcast_to(constant[None], (ops.shape(inputs)[0], *self.shape))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (input_shape[0], *self.shape)

    def get_config(self):
        """The constructor's arguments."""
        initializer = keras.initializers.serialize(self.initializer)
        return {
            **super().get_config(),
            "shape": self.shape,
            "initializer": initializer,
        }
