"""Average pooling over an explicit border of zeros."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class PaddedAveragePooling2D(keras.layers.Layer):
    """Means of windows that reach over the border.

    PyTorch's `AvgPool2d`, by default `(3, stride=2, padding=1)`. Keras' "same" pads an
    even map on one side only, which shifts it by a pixel.

    Args:
        pool_size: Height and width of a window.
        strides: Distance between two windows.
        padding: Rows and columns of zeros on each of the four sides.
        count_padding: Whether those zeros count as values, or are left out of the mean.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(self, pool_size=3, strides=2, padding=1, count_padding=True, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding
        self.count_padding = count_padding

    def call(self, inputs):
        """`(batch, h, w, c)` to `(batch, (h + 2p - k) // s + 1, ..., c)`."""
        means = self._means(inputs)
        if self.count_padding:
            return means
        return means / self._means(ops.ones_like(inputs[:1, :, :, :1]))

    def _means(self, inputs):
        border = (self.padding, self.padding)
        padded = ops.pad(inputs, ((0, 0), border, border, (0, 0)))
        return ops.average_pool(padded, self.pool_size, self.strides, "valid")

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, *sides, channels = input_shape
        reach = 2 * self.padding - self.pool_size
        sides = [s if s is None else (s + reach) // self.strides + 1 for s in sides]
        return batch, *sides, channels

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "count_padding": self.count_padding,
        }
