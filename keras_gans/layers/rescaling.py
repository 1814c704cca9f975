"""A change of data range inside a network."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class Rescaling(keras.layers.Layer):
    """scale * x + offset: where a paper works in [0, 1] and the library in [-1, 1].

    Unlike `keras.layers.Rescaling` it is an ordinary layer, no preprocessing one: it
    computes in the layer's dtype policy and has no part in the training mode.

    Args:
        scale: Factor.
        offset: Summand.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs):
        """Any shape to the same shape."""
        return inputs * ops.cast(self.scale, inputs.dtype) + ops.cast(
            self.offset, inputs.dtype
        )

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
