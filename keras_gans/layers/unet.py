"""The U-Net of pix2pix: an encoder and a decoder that share all intermediate maps."""

import keras
from keras import layers

from keras_gans.layers.dropout import Dropout
from keras_gans.layers.translation_blocks import (
    free_size,
    last_activation,
    normalization,
    small_weights,
)


def build_unet(
    source_channels, channels, halvings, base_channels, norm="batch", dropout_rate=0.5
):
    """Halves a map to its bottleneck and doubles it back, with a skip at every size.

    Convolution and norm on the way down, after a leaky ReLU of slope 0.2; transposed
    convolution and norm on the way up, after a ReLU; all of 4x4 kernels. The bottleneck
    has no norm: of a 1x1 map alone in its batch it would leave nothing. Dropout, the
    only noise, follows those layers on the way up that do not change the number of
    channels (the PyTorch authors' rule; the paper's first three).

    Args:
        source_channels: Channels of the input, whose sides are multiples of
            2^halvings.
        channels: Channels of the output.
        halvings: Number of halvings, 5 or more; 8 brings 256 pixels to one.
        base_channels: Channels after the first halving; they double with each, up to
            eight times as many.
        norm: `"batch"` or `"instance"`.
        dropout_rate: Rate of the dropout.

    Returns:
        A `keras.Model` from `(batch, h, w, source_channels)` to images in [-1, 1].

    Raises:
        ValueError: for less than five halvings, or an unknown norm.
    """
    if halvings < 5:
        raise ValueError(f"A U-Net halves its input five times or more: {halvings}.")
    widths = [base_channels * min(2**i, 8) for i in range(halvings)]
    source = x = free_size(source_channels)
    skips = []
    for i, width in enumerate(widths, start=1):
        if i > 1:
            x = layers.LeakyReLU(0.2, name=f"down_{i}_leaky")(x)
        x = layers.Conv2D(width, 4, 2, "same", name=f"down_{i}", **small_weights(norm))(
            x
        )
        if 1 < i < halvings:
            x = normalization(norm, f"down_{i}_norm")(x)
        skips.append(x)
    for i in range(halvings - 1, 0, -1):
        x = layers.ReLU(name=f"up_{i}_relu")(x)
        x = layers.Conv2DTranspose(
            widths[i - 1], 4, 2, "same", name=f"up_{i}", **small_weights(norm)
        )(x)
        x = normalization(norm, f"up_{i}_norm")(x)
        if 4 <= i < halvings - 1:
            x = Dropout(dropout_rate, name=f"up_{i}_dropout")(x)
        x = layers.Concatenate(name=f"skip_{i}")([skips[i - 1], x])
    x = layers.ReLU(name="to_image_relu")(x)
    x = layers.Conv2DTranspose(
        channels, 4, 2, "same", name="to_image", **small_weights()
    )(x)
    return keras.Model(source, last_activation(x), name="generator")
