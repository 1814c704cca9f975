"""The generators of StackGAN, those of its PyTorch release.

They differ from the paper's text in what its two releases differ in; see `StackGAN`.
"""

import keras
from keras import layers

from keras_gans.layers import dcgan_weights
from keras_gans.models.stackgan.blocks import (
    augmented_condition,
    conv,
    count_doublings,
    norm,
    tiled,
    to_image,
)


def build_stage1_generator(
    image_shape, noise_dim, text_dim, condition_dim, base_channels, activation
):
    """(z, e, text) -> dense 4x4 map of (z, c) -> enlarged to the sketch.

    Args:
        image_shape: `(side, side, channels)` of the sketch, the side 4 * 2^n.
        noise_dim: Length of z.
        text_dim: Length of a text vector.
        condition_dim: Length of the noise e and of the condition c.
        base_channels: An eighth of the channels of the 4x4 map, halved by each
            doubling.
        activation: See `augmented_condition`.

    Returns:
        `keras.Model` from `[z, e, text]` to `[images, mean, log_variance]`.
    """
    z = keras.Input((noise_dim,), name="noise")
    noise = keras.Input((condition_dim,), name="condition_noise")
    text = keras.Input((text_dim,), name="text")
    code, mean, log_variance = augmented_condition(text, noise, activation)
    channels = 8 * base_channels
    x = layers.Concatenate(name="noise_and_condition")([z, code])
    x = layers.Dense(16 * channels, name="project", **dcgan_weights())(x)
    x = layers.ReLU(name="project_relu")(norm(x, "project_norm"))
    x = layers.Reshape((4, 4, channels), name="as_map")(x)
    x = _enlarged(x, count_doublings(image_shape[0]))
    images = to_image(x, image_shape[-1], "images")
    outputs = [images, mean, log_variance]
    return keras.Model([z, noise, text], outputs, name="stage1_generator")


def build_stage2_generator(
    image_shape,
    sketch_side,
    text_dim,
    condition_dim,
    base_channels,
    residual_blocks,
    activation,
):
    """(sketch, e, text) -> quarter of its size, joined with c -> enlarged to the image.

    Args:
        image_shape: `(side, side, channels)`, the side that of the sketch times 2^n.
        sketch_side: Side of the Stage-I images.
        text_dim: Length of a text vector.
        condition_dim: Length of the noise e and of the condition c.
        base_channels: Channels of the first map.
        residual_blocks: Number of residual blocks on the joined map.
        activation: See `augmented_condition`.

    Returns:
        `keras.Model` from `[sketches, e, text]` to `[images, mean, log_variance]`.
    """
    sketch_shape = (sketch_side, sketch_side, image_shape[-1])
    sketches = keras.Input(sketch_shape, name="sketches")
    noise = keras.Input((condition_dim,), name="condition_noise")
    text = keras.Input((text_dim,), name="text")
    code, mean, log_variance = augmented_condition(text, noise, activation)
    x = layers.ReLU(name="first_relu")(conv(sketches, base_channels, "first"))
    for i in range(2):
        x = conv(x, base_channels * 2 ** (i + 1), f"down_{i}", 4, 2)
        x = layers.ReLU(name=f"down_{i}_relu")(norm(x, f"down_{i}_norm"))
    x = layers.Concatenate(name="joined")([x, tiled(code, sketch_side // 4)])
    x = norm(conv(x, 4 * base_channels, "joint"), "joint_norm")
    x = layers.ReLU(name="joint_relu")(x)
    for i in range(residual_blocks):
        x = _residual(x, f"block_{i}")
    doublings = count_doublings(image_shape[0]) - count_doublings(sketch_side)
    x = _enlarged(x, doublings + 2)
    images = to_image(x, image_shape[-1], "images")
    outputs = [images, mean, log_variance]
    return keras.Model([sketches, noise, text], outputs, name="stage2_generator")


def _enlarged(x, doublings):
    for i in range(doublings):
        x = layers.UpSampling2D(name=f"up_{i}")(x)
        x = conv(x, max(1, x.shape[-1] // 2), f"up_{i}_conv")
        x = layers.ReLU(name=f"up_{i}_relu")(norm(x, f"up_{i}_norm"))
    return x


def _residual(x, name):
    skip, channels = x, x.shape[-1]
    x = norm(conv(x, channels, f"{name}_conv_0"), f"{name}_norm_0")
    x = layers.ReLU(name=f"{name}_relu_0")(x)
    x = norm(conv(x, channels, f"{name}_conv_1"), f"{name}_norm_1")
    x = layers.Add(name=f"{name}_sum")([skip, x])
    return layers.ReLU(name=f"{name}_relu_1")(x)
