"""The generator of CycleGAN: a few halvings, residual blocks, as many doublings."""

import keras
from keras import layers

from keras_gans.layers.dropout import Dropout
from keras_gans.layers.reflection_padding import ReflectionPadding2D
from keras_gans.layers.translation_blocks import (
    doubled,
    free_size,
    halved,
    last_activation,
    normalization,
    small_weights,
)


def build_residual_translator(
    source_channels,
    channels,
    blocks=9,
    base_channels=64,
    norm="instance",
    dropout_rate=0.0,
    halvings=2,
    name="generator",
):
    """7x7 convolution, halvings, residual blocks, doublings, 7x7 convolution, tanh.

    Maps are mirrored at their borders before the 7x7 and the residual convolutions,
    and padded by zeros before the strided ones. No ReLU follows a residual sum.

    Args:
        source_channels: Channels of the input, whose sides are multiples of
            2^halvings.
        channels: Channels of the output.
        blocks: Number of residual blocks; 9 for 256 pixels, 6 for 128.
        base_channels: Channels at full size; they double with each halving.
        norm: `"batch"` or `"instance"`.
        dropout_rate: Rate of a dropout between the two convolutions of a block; 0 for
            none.
        halvings: Number of halvings; 2.
        name: Name of the network.

    Returns:
        A `keras.Model` from `(batch, h, w, source_channels)` to images in [-1, 1].

    Reference: Johnson, Alahi and Fei-Fei 2016, arXiv 1603.08155; Zhu et al. 2017,
    arXiv 1703.10593, appendix 7.2.
    """
    source = free_size(source_channels)
    x = residual_features(source, blocks, base_channels, norm, dropout_rate, halvings)
    x = wide_conv(x, channels, "to_image")
    return keras.Model(source, last_activation(x), name=name)


def residual_features(x, blocks, base_channels, norm, dropout_rate, halvings):
    """All layers of a residual translator but the last: maps to maps of that size."""
    x = wide_conv(x, base_channels, "first", norm)
    x = normalized(x, norm, "first")
    for i in range(1, halvings + 1):
        x = halved(x, base_channels * 2**i, norm, f"down_{i}")
        x = normalized(x, norm, f"down_{i}")
    for i in range(blocks):
        x = residual_block(x, f"block_{i}", norm, dropout_rate)
    for i in range(halvings, 0, -1):
        x = doubled(x, base_channels * 2 ** (i - 1), norm, f"up_{i}")
        x = normalized(x, norm, f"up_{i}")
    return x


def wide_conv(x, filters, name, norm=None):
    """A 7x7 convolution of a map mirrored at its borders."""
    x = ReflectionPadding2D(3, name=f"{name}_padding")(x)
    return layers.Conv2D(filters, 7, name=name, **small_weights(norm))(x)


def residual_block(x, name, norm, dropout_rate=0.0):
    """x plus two 3x3 convolutions of it, of as many channels."""
    shortcut, width = x, x.shape[-1]
    for i in range(2):
        x = ReflectionPadding2D(1, name=f"{name}_padding_{i}")(x)
        x = layers.Conv2D(width, 3, name=f"{name}_conv_{i}", **small_weights(norm))(x)
        x = normalization(norm, f"{name}_norm_{i}")(x)
        if i == 0:
            x = layers.ReLU(name=f"{name}_relu")(x)
            if dropout_rate:
                x = Dropout(dropout_rate, name=f"{name}_dropout")(x)
    return layers.Add(name=name)([shortcut, x])


def normalized(x, norm, name):
    """A normalisation of a map, and a ReLU."""
    x = normalization(norm, f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
