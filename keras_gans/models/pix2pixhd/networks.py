"""Networks of pix2pixHD: a generator in parts, discriminators of several scales."""

import keras
from keras import layers

from keras_gans.layers.instance_normalization import InstanceNormalization
from keras_gans.layers.padded_average_pooling import PaddedAveragePooling2D
from keras_gans.layers.residual_translator import (
    build_residual_translator,
    normalized,
    residual_block,
    residual_features,
    wide_conv,
)
from keras_gans.layers.translation_blocks import (
    doubled,
    free_size,
    halved,
    last_activation,
    small_weights,
)

MOST_CHANNELS = 512


def build_generator(
    map_channels,
    channels,
    halvings=4,
    residual_blocks=9,
    base_channels=64,
    enhancers=0,
    enhancer_blocks=3,
):
    """The global generator G1, and local enhancers around it.

    Without enhancers G1 makes the image. With E of them, all of G1 but its last
    convolution, the layer `trunk`, works at 1/2^E of the size; enhancer i adds its own
    features of maps twice as large to what came before, and doubles that.

    Args:
        map_channels: Channels of the input, whose sides are multiples of
            2^(halvings + enhancers).
        channels: Channels of the images.
        halvings: Of G1.
        residual_blocks: Of G1.
        base_channels: Channels of G1's first map; enhancer i has 1/2^i of them.
        enhancers: E.
        enhancer_blocks: Residual blocks of each enhancer.

    Returns:
        A `keras.Model` from `(batch, h, w, map_channels)` to images in [-1, 1].

    Raises:
        ValueError: if `base_channels` cannot be halved that often.

    Reference: arXiv 1711.11585, section 3.2 and appendix.
    """
    trunk_size = (residual_blocks, base_channels, "instance", 0.0, halvings)
    if not enhancers:
        return build_residual_translator(map_channels, channels, *trunk_size)
    if base_channels % 2**enhancers:
        raise ValueError(
            f"With {enhancers} enhancers, base_channels is a multiple of "
            f"{2**enhancers}. Found: {base_channels}."
        )
    maps = free_size(map_channels, "maps")
    pyramid = [maps]
    for i in range(1, enhancers + 1):
        pyramid.append(halved_maps(f"halved_{i}")(pyramid[-1]))
    given = free_size(map_channels, "maps")
    trunk = keras.Model(given, residual_features(given, *trunk_size), name="trunk")
    x = trunk(pyramid.pop())
    for i in range(1, enhancers + 1):
        width = base_channels // 2**i
        x = _enhanced(pyramid.pop(), x, f"enhancer_{i}", width, enhancer_blocks)
    x = wide_conv(x, channels, "to_image")
    return keras.Model(maps, last_activation(x), name="generator")


def _enhanced(maps, coarse, name, width, blocks):
    x = normalized(wide_conv(maps, width, f"{name}_first"), "instance", f"{name}_first")
    x = halved(x, 2 * width, "instance", f"{name}_down")
    x = normalized(x, "instance", f"{name}_down")
    x = layers.Add(name=f"{name}_sum")([x, coarse])
    for i in range(blocks):
        x = residual_block(x, f"{name}_block_{i}", "instance")
    x = doubled(x, width, "instance", f"{name}_up")
    return normalized(x, "instance", f"{name}_up")


def build_trunk_head(width, channels):
    """G1's last convolution, for the stage in which G1 is trained without enhancers.

    Args:
        width: Channels of the trunk's output.
        channels: Channels of the images.

    Returns:
        A `keras.Model` from maps to images in [-1, 1].
    """
    features = free_size(width, "features")
    x = wide_conv(features, channels, "to_image")
    return keras.Model(features, last_activation(x), name="trunk_head")


def build_encoder(channels, feature_channels=3, base_channels=16, halvings=4):
    """The encoder of a look: an image to maps of features in [-1, 1], pixel by pixel.

    Args:
        channels: Channels of the images.
        feature_channels: Channels of the features.
        base_channels: Channels of the first map.
        halvings: Number of halvings, and of doublings.

    Returns:
        A `keras.Model` from images to maps of their size.

    Reference: arXiv 1711.11585, section 3.4.
    """
    return build_residual_translator(
        channels, feature_channels, 0, base_channels, halvings=halvings, name="encoder"
    )


def build_discriminator(channels, halvings=3, base_channels=64, scales=2):
    """PatchGANs of one kind, one for each level of a pyramid of images.

    4x4 convolutions with padding 2: `halvings` of stride 2, two of stride 1; instance
    normalisation from the second on, leaky ReLUs of slope 0.2.

    Args:
        channels: Of label maps and images together.
        halvings: Number of strided convolutions.
        base_channels: Channels after the first; they double, up to 512.
        scales: Number of levels, each of half the size of the one before.

    Returns:
        A `keras.Model` from `(batch, h, w, channels)` to `(logits, features)`: lists
        with, for each level from full size on, a map of float32 logits, and the list of
        the maps before it.

    Reference: arXiv 1711.11585, section 3.2 and appendix.
    """
    images = x = free_size(channels, "images")
    logits, features = [], []
    for level in range(scales):
        if level:
            x = halved_maps(f"halved_{level}")(x)
        maps = _patches(x, f"scale_{level}", halvings, base_channels)
        logits.append(maps.pop())
        features.append(maps)
    return keras.Model(images, (logits, features), name="discriminator")


def _patches(x, name, halvings, base_channels):
    maps = []
    for i in range(halvings + 1):
        width = min(base_channels * 2**i, MOST_CHANNELS)
        x = _padded_conv(x, width, 2 if i < halvings else 1, f"{name}_conv_{i}")
        if i:
            x = InstanceNormalization(name=f"{name}_norm_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"{name}_leaky_{i}")(x)
        maps.append(x)
    x = _padded_conv(x, 1, 1, f"{name}_to_logits")
    last = layers.Activation("linear", dtype="float32", name=f"{name}_logits")
    return [*maps, last(x)]


def _padded_conv(x, width, stride, name):
    x = layers.ZeroPadding2D(2, name=f"{name}_padding")(x)
    return layers.Conv2D(width, 4, stride, name=name, **small_weights())(x)


def halved_maps(name, **kwargs):
    """The layer that makes a level of a pyramid from the one before.

    Args:
        name: Its name.
        **kwargs: For `keras.layers.Layer`.
    """
    return PaddedAveragePooling2D(count_padding=False, name=name, **kwargs)
