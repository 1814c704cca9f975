"""Convolutions that see the pixels before a pixel, in raster order, and no other."""

import keras
import numpy as np
from keras import ops


def group_of(channels, groups):
    """Which colour each of `channels` belongs to: contiguous blocks, as even as may be.

    Args:
        channels: int.
        groups: Number of colours.

    Returns:
        numpy int array `(channels,)`.
    """
    return np.arange(channels) * groups // channels


@keras.saving.register_keras_serializable("keras_gans")
class MaskedConv2D(keras.layers.Conv2D):
    """A convolution with a kernel that is 0 at what comes after its centre.

    Kept are the rows above the centre and, in its own row, the points to the left. At
    the centre itself a colour sees the ones before it (mask A, of the first layer) or
    also itself (mask B). The kernel is masked at each call: what the optimizer writes
    into the other entries has no effect.

    Args:
        filters: Channels made.
        kernel_size: Odd side, or `(height, width)`; a height of 1 sees its own row.
        mask: `"A"` or `"B"`.
        groups_of_color: Colours, in contiguous blocks of channels on both sides.
        repeats: Times that blocks of colours follow each other in what is made, as in
            the gates of an LSTM.
        **kwargs: For `keras.layers.Conv2D`.

    Raises:
        ValueError: for another mask, or a side that has no centre.

    Reference: van den Oord et al. 2016, arXiv 1601.06759, section 3.4.
    """

    def __init__(
        self, filters, kernel_size, mask="B", groups_of_color=1, repeats=1, **kwargs
    ):
        super().__init__(filters, kernel_size, padding="same", **kwargs)
        if mask not in ("A", "B") or not all(side % 2 for side in self.kernel_size):
            raise ValueError(
                "A masked convolution has the mask A or B and sides that are odd. "
                f"Found: {mask!r} and {self.kernel_size}."
            )
        self.mask = mask
        self.groups_of_color = groups_of_color
        self.repeats = repeats

    def build(self, input_shape):
        """Makes the weights, and the mask as a constant."""
        super().build(input_shape)
        height, width, channels, filters = self.kernel.shape
        mask = np.ones((height, width, channels, filters), "float32")
        mask[height // 2 + 1 :] = 0
        mask[height // 2, width // 2 + 1 :] = 0
        made = np.tile(
            group_of(filters // self.repeats, self.groups_of_color), self.repeats
        )
        seen = group_of(channels, self.groups_of_color)[:, None]
        mask[height // 2, width // 2] = (
            seen < made if self.mask == "A" else seen <= made
        )
        self.kernel_mask = mask

    @property
    def masked_kernel(self):
        """The kernel as it is used."""
        kernel = ops.convert_to_tensor(self.kernel)
        return kernel * ops.cast(self.kernel_mask, kernel.dtype)

    def call(self, inputs):
        """`(batch, height, width, channels)` to `(batch, height, width, filters)`."""
        x = ops.conv(inputs, self.masked_kernel, 1, "same", self.data_format)
        x = x + self.bias if self.use_bias else x
        return x if self.activation is None else self.activation(x)

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        config.pop("padding")
        return {
            **config,
            "mask": self.mask,
            "groups_of_color": self.groups_of_color,
            "repeats": self.repeats,
        }
