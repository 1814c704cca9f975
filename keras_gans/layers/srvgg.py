"""The compact generator of Real-ESRGAN: all its convolutions at low resolution."""

import keras
from keras import layers

from keras_gans.layers.pixel_shuffle import PixelShuffle
from keras_gans.layers.torch_weights import torch_weights
from keras_gans.layers.translation_blocks import free_size
from keras_gans.layers.upscaling_blocks import from_unit_range, to_unit_range


def build_srvgg(
    channels=3, scale=4, convolutions=32, base_channels=64, activation="prelu"
):
    """3x3 convolutions one after the other, pixel shuffle, plus the enlarged input.

    Args:
        channels: Channels of the images.
        scale: How many times higher and wider the output is.
        convolutions: Number of convolutions between the first and the last; 32 and 16
            in the published networks.
        base_channels: Channels of all maps; 64.
        activation: `"prelu"`, with a slope for each channel, or `"leaky_relu"`, 0.1.

    Returns:
        A `keras.Model` from images `(batch, h, w, channels)` in [-1, 1] to
        `(batch, scale h, scale w, channels)`, linear.

    Reference: `realesrgan/archs/srvgg_arch.py` of xinntao/Real-ESRGAN.
    """
    low = free_size(channels, "low")
    start = to_unit_range(low)
    x, width = start, channels
    for i in range(convolutions + 1):
        name = f"conv_{i}"
        x = layers.Conv2D(
            base_channels, 3, padding="same", name=name, **torch_weights(9 * width)
        )(x)
        x, width = _activated(x, activation, f"act_{i}"), base_channels
    x = layers.Conv2D(
        channels * scale**2,
        3,
        padding="same",
        name="to_pixels",
        **torch_weights(9 * width),
    )(x)
    details = PixelShuffle(scale, name="details")(x)
    enlarged = layers.UpSampling2D(scale, name="enlarged")(start)
    high = layers.Add(name="high")([details, enlarged])
    return keras.Model(low, from_unit_range(high), name="generator")


def _activated(x, activation, name):
    if activation == "leaky_relu":
        return layers.LeakyReLU(0.1, name=name)(x)
    slopes = keras.initializers.Constant(0.25)
    return layers.PReLU(slopes, shared_axes=[1, 2], name=name)(x)
