"""Borders that continue the image instead of ending it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class ReflectionPadding2D(keras.layers.Layer):
    """Mirrors a map at its outermost pixels, which are not repeated.

    Args:
        padding: Pixels added on each side; less than the map's own.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs):
        """`(batch, h, w, channels)` to `(batch, h + 2p, w + 2p, channels)`."""
        sides = (self.padding, self.padding)
        return ops.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, *sides, channels = input_shape
        grown = (None if s is None else s + 2 * self.padding for s in sides)
        return (batch, *grown, channels)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}
