"""The generator of ESRGAN: dense blocks in residual blocks in a residual network."""

import keras
from keras import layers

from keras_gans.layers.pixel_shuffle import PixelUnshuffle
from keras_gans.layers.rescaling import Rescaling
from keras_gans.layers.translation_blocks import free_size
from keras_gans.layers.upscaling_blocks import (
    from_unit_range,
    small_he,
    to_unit_range,
)

# What the scale of a smaller enlargement is first made smaller by.
UNSHUFFLED = {1: 4, 2: 2}


def build_rrdb(
    channels=3,
    scale=4,
    blocks=23,
    base_channels=64,
    growth_channels=32,
    unshuffles=True,
):
    """Convolution, residual-in-residual dense blocks, nearest doublings, convolutions.

    Args:
        channels: Channels of the images.
        scale: 4; with `unshuffles` also 2 or 1, for which squares of 2 or 4 pixels
            become channels first and the rest stays as it is.
        blocks: Number of RRDBs; 23, or 6.
        base_channels: Channels of the maps between blocks; 64.
        growth_channels: Channels that each convolution of a dense block adds; 32.
        unshuffles: See `scale`; without, a scale of 2 has one doubling.

    Returns:
        A `keras.Model` from images `(batch, h, w, channels)` in [-1, 1], whose sides
        are multiples of 4 / scale with `unshuffles`, to `(batch, scale h, scale w,
        channels)`, linear.

    Raises:
        ValueError: for another scale.

    Reference: Wang et al. 2018, arXiv 1809.00219, section 3.1; for the scales 1 and 2
    Wang et al. 2021, arXiv 2107.10833, section 4.1.
    """
    if scale not in (1, 2, 4) or (scale == 1 and not unshuffles):
        raise ValueError(f"RRDB networks have the scale 1, 2 or 4. Found: {scale}.")
    low = free_size(channels, "low")
    x = to_unit_range(low)
    doublings = 2
    if unshuffles and scale in UNSHUFFLED:
        x = PixelUnshuffle(UNSHUFFLED[scale], name="unshuffle")(x)
    elif scale == 2:
        doublings = 1
    x = first = _conv(x, base_channels, "conv_first")
    for i in range(blocks):
        x = _rrdb(x, base_channels, growth_channels, f"body_{i}")
    x = layers.Add(name="trunk")([first, _conv(x, base_channels, "conv_body")])
    for i in range(1, doublings + 1):
        x = layers.UpSampling2D(2, name=f"up_{i}")(x)
        x = _leaky(_conv(x, base_channels, f"conv_up{i}"), f"conv_up{i}")
    x = _leaky(_conv(x, base_channels, "conv_hr"), "conv_hr")
    high = _conv(x, channels, "conv_last")
    return keras.Model(low, from_unit_range(high), name="generator")


def _rrdb(x, base_channels, growth_channels, name):
    y = x
    for i in (1, 2, 3):
        y = _dense_block(y, base_channels, growth_channels, f"{name}_rdb{i}")
    return _residue(x, y, name)


def _dense_block(x, base_channels, growth_channels, name):
    maps = [x]
    for i in (1, 2, 3, 4):
        seen = maps[0] if i == 1 else _joined(maps, f"{name}_seen{i}")
        conv = f"{name}_conv{i}"
        maps.append(_leaky(_conv(seen, growth_channels, conv), conv))
    last = _conv(_joined(maps, f"{name}_seen5"), base_channels, f"{name}_conv5")
    return _residue(x, last, name)


def _residue(x, y, name):
    small = Rescaling(0.2, name=f"{name}_scaled")(y)
    return layers.Add(name=name)([x, small])


def _joined(maps, name):
    return layers.Concatenate(name=name)(maps)


def _conv(x, channels, name):
    return layers.Conv2D(channels, 3, padding="same", name=name, **small_he())(x)


def _leaky(x, name):
    return layers.LeakyReLU(0.2, name=f"{name}_act")(x)
