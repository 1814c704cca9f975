"""Half of the channels, each let through by another one."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class GatedLinearUnit(keras.layers.Layer):
    """GLU(a, b) = a sigmoid(b), with a the first half of the channels, b the second.

    Raises:
        ValueError: for an odd number of channels.

    Reference: Dauphin et al. 2016, arXiv 1612.08083, eq. 1.
    """

    def build(self, input_shape):
        """Checks that there are two halves."""
        if input_shape[-1] % 2:
            raise ValueError(
                "A gated linear unit takes an even number of channels. Found: "
                f"{input_shape[-1]}."
            )

    def call(self, inputs):
        """`(..., channels)` to `(..., channels / 2)`."""
        values, gates = ops.split(inputs, 2, axis=-1)
        return values * ops.sigmoid(gates)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], input_shape[-1] // 2)
