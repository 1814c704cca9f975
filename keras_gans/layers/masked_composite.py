"""What is known of an image stays, what is not is taken from a network."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class MaskedComposite(keras.layers.Layer):
    """m y + (1 - m) x, with the mask m as the last channel of the source.

    The mask is 1 where the image is to be made and -1 where it is known; outside of it
    the result is the source itself, bit for bit.
    """

    def call(self, inputs):
        """`(source, image)`: `(b, h, w, c + 1)` and `(b, h, w, c)` to the latter."""
        source, image = inputs
        source = ops.cast(source, image.dtype)
        mask = 0.5 * (source[..., -1:] + 1.0)
        return mask * image + (1.0 - mask) * source[..., :-1]

    def compute_output_shape(self, input_shape):
        """The shape of the image."""
        return input_shape[1]
