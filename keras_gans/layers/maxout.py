"""Maxout units."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class Maxout(keras.layers.Layer):
    """max_i (x W_i + b_i): each unit is the largest of several linear pieces.

    Args:
        units: Number of outputs.
        pieces: Linear pieces per unit; with 1 this is a `Dense` layer. The kernel's
            column `j * pieces + i` is piece i of unit j.
        kernel_initializer: Initializer of the kernel `(features, units * pieces)`.
        **kwargs: For `keras.layers.Layer`.

    Reference: Goodfellow et al. 2013, "Maxout networks", eq. 1.
    """

    def __init__(self, units, pieces, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pieces = pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Makes the kernel and the bias."""
        width = self.units * self.pieces
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width),
            initializer=self.kernel_initializer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")

    def call(self, inputs):
        """`(batch, features)` to `(batch, units)`."""
        linear = ops.matmul(inputs, self.kernel) + self.bias
        return ops.max(ops.reshape(linear, (-1, self.units, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The constructor's arguments."""
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": initializer,
        }
