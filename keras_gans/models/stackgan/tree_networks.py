"""The networks of StackGAN-v2: a tree with an image at each of its branches."""

import keras
from keras import layers

from keras_gans.layers import GatedLinearUnit
from keras_gans.models.stackgan.blocks import (
    augmented_condition,
    build_discriminator,
    conv,
    count_doublings,
    norm,
    tiled,
    to_image,
)


def orthogonal_weights():
    """Arguments of a layer without bias that starts orthogonal, as in the release."""
    return {"use_bias": False, "kernel_initializer": keras.initializers.Orthogonal()}


def sides_of(image_shape, scales):
    """Sides of the images at all scales, rising to that of `image_shape`.

    Raises:
        ValueError: for scales that there cannot be.
    """
    doublings = count_doublings(image_shape[0])
    if not 1 <= scales <= doublings:
        raise ValueError(
            f"scales lies in [1, {doublings}] for images of {image_shape[0]} pixels a "
            f"side: the smallest have 8. Found: {scales}."
        )
    return [image_shape[0] >> i for i in reversed(range(scales))]


def build_tree_generator(
    image_shape,
    scales,
    noise_dim,
    text_dim,
    condition_dim,
    base_channels,
    residual_blocks,
):
    """(z, e, text) -> map of (c, z) -> enlarged branch by branch, an image of each.

    Args:
        image_shape: `(side, side, channels)` of the largest images.
        scales: Number of branches, each of twice the side of the one before.
        noise_dim: Length of z.
        text_dim: Length of a text vector; `None` for no text: z is the condition then.
        condition_dim: Length of the noise e and of the condition c.
        base_channels: Channels at the first branch, halved by each further one.
        residual_blocks: Number of residual blocks before each further one.

    Returns:
        `keras.Model` from `[z, e, text]` to the images of all scales, rising, and mean
        and log-variance of the condition; without text from z to the images.
    """
    z = keras.Input((noise_dim,), name="noise")
    inputs, start, code, given = z, z, z, []
    if text_dim is not None:
        noise = keras.Input((condition_dim,), name="condition_noise")
        text = keras.Input((text_dim,), name="text")
        inputs = [z, noise, text]
        code, *given = augmented_condition(text, noise, "glu", orthogonal_weights)
        start = layers.Concatenate(name="condition_and_noise")([code, z])
    images = []
    for i, side in enumerate(sides_of(image_shape, scales)):
        if i == 0:
            x = _root(start, count_doublings(side), base_channels)
        else:
            x = _branch(x, code, residual_blocks, f"branch_{i}")
        images.append(
            to_image(x, image_shape[-1], f"images_{side}", weights=orthogonal_weights)
        )
    return keras.Model(inputs, [*images, *given], name="generator")


def build_tree_discriminator(image_shape, scales, condition_dim, base_channels):
    """One discriminator for each scale, side by side in one network.

    Args:
        image_shape: `(side, side, channels)` of the largest images.
        scales: Number of scales.
        condition_dim: Length of a condition; `None` for images alone.
        base_channels: See `build_discriminator`.

    Returns:
        `keras.Model` from `[*images, conditions]` to logits: conditional and
        unconditional of the first scale, then of the next; without conditions from
        `[*images]` to one for each scale.
    """
    inputs, logits, condition = [], [], []
    if condition_dim is not None:
        condition = [keras.Input((condition_dim,), name="condition")]
    for side in sides_of(image_shape, scales):
        shape = (side, side, image_shape[-1])
        inputs.append(keras.Input(shape, name=f"images_{side}"))
        judge = build_discriminator(
            shape,
            condition_dim,
            base_channels,
            unconditional=True,
            condition_first=True,
            weights=orthogonal_weights,
            name=f"discriminator_{side}",
        )
        logits += judge([inputs[-1], *condition] if condition else inputs[-1])
    return keras.Model([*inputs, *condition], logits, name="discriminator")


def _root(x, doublings, base_channels):
    channels = base_channels * 2**doublings
    x = layers.Dense(32 * channels, name="project", **orthogonal_weights())(x)
    # Gates come before the shape: the second half of all units.
    x = GatedLinearUnit(name="project_glu")(norm(x, "project_norm"))
    x = layers.Reshape((4, 4, channels), name="as_map")(x)
    for i in range(doublings):
        x = _enlarged(x, f"up_{i}")
    return x


def _branch(x, code, residual_blocks, name):
    channels = x.shape[-1]
    parts = [tiled(code, x.shape[1], name=f"{name}_condition"), x]
    x = layers.Concatenate(name=f"{name}_joined")(parts)
    x = _gated(x, channels, f"{name}_joint")
    for i in range(residual_blocks):
        block = f"{name}_block_{i}"
        inside = _gated(x, channels, f"{block}_0")
        inside = conv(inside, channels, f"{block}_1_conv", weights=orthogonal_weights)
        inside = norm(inside, f"{block}_1_norm")
        x = layers.Add(name=f"{block}_sum")([x, inside])
    return _enlarged(x, f"{name}_up")


def _enlarged(x, name):
    channels = max(1, x.shape[-1] // 2)
    return _gated(layers.UpSampling2D(name=name)(x), channels, name)


def _gated(x, channels, name):
    x = conv(x, 2 * channels, f"{name}_conv", weights=orthogonal_weights)
    return GatedLinearUnit(name=f"{name}_glu")(norm(x, f"{name}_norm"))
