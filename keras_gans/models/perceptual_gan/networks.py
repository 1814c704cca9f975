"""The networks of Perceptual GAN that a plain detector has not."""

import keras
from keras import layers

from keras_gans.layers import BatchNormalization


def build_generator(
    early_shape=(14, 14, 32), channels=128, blocks=2, block_channels=None
):
    """Early features of a region to what its deep ones lack; 0 before training.

    A 3x3 convolution of stride 2, a 1x1 convolution, residual blocks. The scale of the
    last normalisation of each block, and of that behind the 1x1 convolution, begins at
    0. Behind the latter there is no ReLU, through which a scale of 0 would never learn.

    Args:
        early_shape: `(rows, columns, channels)` of the early features of a region.
        channels: Channels of the deep features.
        blocks: Residual blocks of two 3x3 convolutions; 2 (6).
        block_channels: Channels inside a block; `None` for as many as outside.

    Returns:
        `keras.Model` from early features to a residual of half the rows and columns.
    """
    early = keras.Input(early_shape, name="early")
    x = _conv(early, channels, 3, "reduce", strides=2)
    x = _norm(x, "reduce")
    x = layers.ReLU(name="reduce_relu")(x)
    x = _conv(x, channels, 1, "widen")
    x = _norm(x, "widen", scale="zeros")
    for i in range(blocks):
        inner = _conv(x, block_channels or channels, 3, f"block_{i}_1")
        inner = _norm(inner, f"block_{i}_1")
        inner = layers.ReLU(name=f"block_{i}_relu")(inner)
        inner = _conv(inner, channels, 3, f"block_{i}_2")
        inner = _norm(inner, f"block_{i}_2", scale="zeros")
        x = layers.Add(name=f"block_{i}")([x, inner])
    return keras.Model(early, x, name="generator")


def build_discriminator(roi_shape=(7, 7, 512), units=(4096, 1024)):
    """Dense layers from features of a region to a logit: those of a large object.

    106,960,897 weights for the paper's sizes.

    Args:
        roi_shape: `(rows, columns, channels)` of a region.
        units: Of the layers before the last.

    Returns:
        `keras.Model` from regions to `(batch, 1)`.
    """
    regions = keras.Input(roi_shape, name="regions")
    x = layers.Flatten(name="flatten")(regions)
    for i, width in enumerate(units):
        x = layers.Dense(
            width, kernel_initializer=keras.initializers.HeNormal(), name=f"fc_{i}"
        )(x)
        x = layers.LeakyReLU(0.2, name=f"fc_{i}_relu")(x)
    logits = layers.Dense(
        1,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model(regions, logits, name="discriminator")


def _conv(x, channels, size, name, strides=1):
    return layers.Conv2D(
        channels,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(),
        name=f"{name}_conv",
    )(x)


def _norm(x, name, scale="ones"):
    return BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=scale, name=f"{name}_bn"
    )(x)
