"""Sub-pixel upsampling."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class PixelShuffle(keras.layers.Layer):
    """Rearranges the channels of one place as a block of r x r places.

    out[y r + i, x r + j, c] = in[y, x, c r^2 + i r + j]: channels in PyTorch's order,
    so that published weights fit as they are. (`keras.ops.depth_to_space` reads
    channel (i r + j) C + c instead.)

    Args:
        factor: r, how many times as high and as wide the output is.
        **kwargs: For `keras.layers.Layer`.

    Reference: Shi et al. 2016, arXiv 1609.05158, eq. 4.
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        """`(batch, h, w, c r^2)` to `(batch, h r, w r, c)`."""
        r = self.factor
        _, height, width, channels = ops.shape(inputs)
        x = ops.reshape(inputs, (-1, height, width, channels // r**2, r, r))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
        return ops.reshape(x, (-1, height * r, width * r, channels // r**2))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, height, width, channels = input_shape
        r = self.factor
        if channels % r**2:
            raise ValueError(
                f"{channels} channels cannot be shuffled into blocks of {r}x{r}: their "
                f"number must be divisible by {r**2}."
            )
        sides = (side and side * r for side in (height, width))
        return batch, *sides, channels // r**2

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("keras_gans")
class PixelUnshuffle(keras.layers.Layer):
    """The inverse of `PixelShuffle`: blocks of r x r places become channels.

    out[y, x, c r^2 + i r + j] = in[y r + i, x r + j, c].

    Args:
        factor: r, how many times less high and wide the output is.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        """`(batch, h r, w r, c)` to `(batch, h, w, c r^2)`."""
        r = self.factor
        _, height, width, channels = ops.shape(inputs)
        height, width = height // r, width // r
        x = ops.reshape(inputs, (-1, height, r, width, r, channels))
        x = ops.transpose(x, (0, 1, 3, 5, 2, 4))
        return ops.reshape(x, (-1, height, width, channels * r**2))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, height, width, channels = input_shape
        sides = (side and side // self.factor for side in (height, width))
        return batch, *sides, channels * self.factor**2

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
