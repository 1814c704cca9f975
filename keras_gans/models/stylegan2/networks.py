"""StyleGAN2's networks: configuration F, and what StyleGAN2-ADA adds for classes."""

import math

import keras
from keras import layers, ops

from keras_gans.layers import (
    EqualizedConv2D,
    EqualizedDense,
    FilteredConv2DDown,
    FilteredUpsampling2D,
    LearnedConstant,
    MinibatchStandardDeviation,
    ModulatedConv2D,
    PixelNormalization,
    Rescaling,
    ScaledLeakyReLU,
    StyleAverage,
    StyleNoise,
)


def side_of(image_shape):
    """The side of square images that the networks can make.

    Raises:
        ValueError: for others.
    """
    side = image_shape[0]
    power_of_two = side >= 8 and side & (side - 1) == 0
    if len(image_shape) != 3 or image_shape[1] != side or not power_of_two:
        raise ValueError(
            "StyleGAN2 makes square images of 8, 16, 32, 64 ... pixels: resize them. "
            f"Found the shape {tuple(image_shape)}."
        )
    return side


def build_generator(
    image_shape,
    latent_dim,
    style_dim,
    num_classes,
    mapping_layers,
    channel_base,
    max_channels,
    noise_mode,
):
    """z (and y) -> mapping -> a style for each layer -> synthesis -> images."""
    latents = keras.Input((latent_dim,), name="latents")
    inputs = latents
    if num_classes is not None:
        inputs = (latents, keras.Input((), dtype="int32", name="labels"))
    mapping = build_mapping(latent_dim, style_dim, num_classes, mapping_layers)
    synthesis = build_synthesis(
        image_shape, style_dim, channel_base, max_channels, noise_mode
    )
    count = synthesis.input_shape[1]
    styles = StyleAverage(count, dtype="float32", name="styles")(mapping(inputs))
    return keras.Model(inputs, synthesis(styles), name="generator")


def build_mapping(latent_dim, style_dim, num_classes, mapping_layers):
    """Normalised z and embedded y, together through dense layers of a slow rate.

    Args:
        latent_dim: Length of z; `None` for a mapping of classes alone, in D.
        style_dim: Length of the result.
        num_classes: Number of classes, or `None`.
        mapping_layers: Number of layers.
    """
    inputs, parts = [], []
    if latent_dim is not None:
        inputs.append(keras.Input((latent_dim,), name="latents"))
        parts.append(_normalised(inputs[-1], "normalized_latents"))
    if num_classes is not None:
        labels = keras.Input((), dtype="int32", name="labels")
        inputs.append(labels)
        embedded = _dense(style_dim, "embed")(ops.one_hot(labels, num_classes))
        parts.append(_normalised(embedded, "normalized_classes"))
    x = layers.Concatenate(name="joined")(parts) if len(parts) > 1 else parts[0]
    for i in range(mapping_layers):
        x = _dense(style_dim, f"fc{i}", lr_multiplier=0.01)(x)
        x = ScaledLeakyReLU(dtype="float32", name=f"fc{i}_activation")(x)
    inputs = tuple(inputs) if len(inputs) > 1 else inputs[0]
    return keras.Model(inputs, x, name="mapping")


def build_synthesis(image_shape, style_dim, channel_base, max_channels, noise_mode):
    """A learnt 4x4 map, two convolutions per resolution, and a sum of images."""
    sides = _sides_up_to(image_shape[0])
    styles = keras.Input((2 * len(sides), style_dim), name="styles")
    w = ops.unstack(styles, num=2 * len(sides), axis=1)
    channels = min(channel_base // 4, max_channels)
    constant = keras.initializers.RandomNormal(stddev=1.0)
    x = LearnedConstant((4, 4, channels), constant, name="b4_const")(w[0])
    x = _synthesis_layer(x, w[0], channels, "b4_conv1", noise_mode)
    images = _to_image(x, w[1], image_shape[-1], "b4_torgb")
    for i, side in enumerate(sides[1:]):
        channels = min(channel_base // side, max_channels)
        x = _synthesis_layer(
            x, w[2 * i + 1], channels, f"b{side}_conv0", noise_mode, upsample=True
        )
        x = _synthesis_layer(x, w[2 * i + 2], channels, f"b{side}_conv1", noise_mode)
        images = FilteredUpsampling2D(dtype="float32", name=f"b{side}_up")(images)
        details = _to_image(x, w[2 * i + 3], image_shape[-1], f"b{side}_torgb")
        images = layers.Add(dtype="float32", name=f"b{side}_images")([images, details])
    return keras.Model(styles, images, name="synthesis")


def build_discriminator(
    image_shape, num_classes, channel_base, max_channels, architecture, group_size
):
    """Image -> blocks, each to half the side -> deviation of the batch -> one score.

    With classes the score is the product of D's features and the mapped class.
    """
    if architecture not in ("resnet", "orig"):
        raise ValueError(
            "discriminator_architecture is 'resnet' or 'orig'. Found: "
            f"{architecture!r}."
        )
    images = keras.Input(image_shape, name="images")
    sides = _sides_up_to(image_shape[0])[::-1]
    channels = [min(channel_base // side, max_channels) for side in sides]
    x = EqualizedConv2D(channels[0], 1, name=f"b{sides[0]}_fromrgb")(images)
    x = ScaledLeakyReLU(name=f"b{sides[0]}_fromrgb_activation")(x)
    for side, before, after in zip(sides, channels, channels[1:], strict=False):
        x = _discriminator_block(x, before, after, f"b{side}", architecture)
    features = channels[-1]
    x = _discriminator_end(
        x, features, group_size, 1 if num_classes is None else features
    )
    if num_classes is None:
        return keras.Model(images, x, name="discriminator")
    labels = keras.Input((), dtype="int32", name="labels")
    mapped = build_mapping(None, features, num_classes, mapping_layers=8)(labels)
    product = layers.Dot(axes=1, dtype="float32", name="product")([x, mapped])
    scale = 1.0 / math.sqrt(features)
    scores = Rescaling(scale, dtype="float32", name="score")(product)
    return keras.Model((images, labels), scores, name="discriminator")


def _discriminator_block(x, before, after, name, architecture):
    skip = x
    x = EqualizedConv2D(before, 3, name=f"{name}_conv0")(x)
    x = ScaledLeakyReLU(name=f"{name}_conv0_activation")(x)
    x = FilteredConv2DDown(after, 3, name=f"{name}_conv1")(x)
    x = ScaledLeakyReLU(name=f"{name}_conv1_activation")(x)
    if architecture == "orig":
        return x
    skip = FilteredConv2DDown(after, 1, use_bias=False, name=f"{name}_skip")(skip)
    total = layers.Add(name=f"{name}_sum")([x, skip])
    return Rescaling(math.sqrt(0.5), name=name)(total)


def _discriminator_end(x, channels, group_size, outputs):
    # In float32, as in the reference, whatever the blocks before compute in.
    single = {"dtype": "float32"}
    x = MinibatchStandardDeviation(group_size, name="b4_deviation", **single)(x)
    x = EqualizedConv2D(channels, 3, name="b4_conv", **single)(x)
    x = ScaledLeakyReLU(name="b4_conv_activation", **single)(x)
    x = _dense(channels, "b4_fc")(layers.Flatten(name="b4_flat", **single)(x))
    x = ScaledLeakyReLU(name="b4_fc_activation", **single)(x)
    return _dense(outputs, "b4_out")(x)


def _synthesis_layer(x, w, channels, name, noise_mode, upsample=False):
    styles = _dense(x.shape[-1], f"{name}_affine", bias_init=1.0)(w)
    x = ModulatedConv2D(channels, 3, upsample=upsample, name=name)(x, styles)
    x = StyleNoise(noise_mode, name=f"{name}_noise")(x)
    return ScaledLeakyReLU(name=f"{name}_activation")(x)


def _to_image(x, w, channels, name):
    styles = _dense(x.shape[-1], f"{name}_affine", bias_init=1.0)(w)
    convolution = ModulatedConv2D(
        channels, 1, demodulate=False, dtype="float32", name=name
    )
    return convolution(x, styles)


def _dense(units, name, **kwargs):
    # Styles and scores are few numbers that much depends on.
    return EqualizedDense(units, dtype="float32", name=name, **kwargs)


def _normalised(x, name):
    return PixelNormalization(dtype="float32", name=name)(x)


def _sides_up_to(side):
    return [2**k for k in range(2, int(math.log2(side)) + 1)]
