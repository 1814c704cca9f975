"""Where published weights of super-resolution go in ours.

Of BasicSR, ESRGAN and Real-ESRGAN (github.com/xinntao), whose names of RRDB networks
have changed twice, and of two implementations of SRGAN (github.com/leftthomas/SRGAN,
github.com/twtygqyy/pytorch-SRResNet). Files of Real-ESRGAN hold the state dicts
`params_ema` or `params`, those of ESRGAN are one.
"""

import re

import numpy as np

from keras_gans.converters import loading
from keras_gans.converters.junyanz import place_convolution, place_norm

IGNORED = (r".*num_batches_tracked",)
# What ESRGAN's first files and its later ones call what BasicSR calls otherwise.
_OLD = (
    (r"RRDB_trunk\.(\d+)\.RDB(\d)\.(conv\d)", r"body.\1.rdb\2.\3"),
    (r"trunk_conv", "conv_body"),
    (r"upconv([12])", r"conv_up\1"),
    (r"HRconv", "conv_hr"),
)
_OLDEST = (
    (r"model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0", r"body.\1.rdb\2.\3"),
    (r"model\.0", "conv_first"),
    (r"model\.1\.sub\.\d+", "conv_body"),
    (r"model\.3", "conv_up1"),
    (r"model\.6", "conv_up2"),
    (r"model\.8", "conv_hr"),
    (r"model\.10", "conv_last"),
)


def current_names(arrays):
    """The arrays of an RRDB network under the names of today's BasicSR.

    Args:
        arrays: Dict of name to array, of any of the three generations.
    """
    if "model.0.weight" in arrays:
        changes = _OLDEST
    elif "trunk_conv.weight" in arrays:
        changes = _OLD
    else:
        return dict(arrays)
    return {_renamed(name, changes): array for name, array in arrays.items()}


def _renamed(name, changes):
    module, leaf = name.rsplit(".", 1)
    for pattern, new in changes:
        if re.fullmatch(pattern, module):
            return f"{re.sub(pattern, new, module)}.{leaf}"
    return name


def rrdb_layout(generator):
    """Places of the weights of an RRDB network.

    Args:
        generator: What `layers.build_rrdb` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    return _layout_of_convolutions(
        generator, (r"body_(\d+)_(rdb\d)_(conv\d)", r"body.\1.\2.\3")
    )


def msrresnet_layout(generator):
    """Places of the weights of BasicSR's SRResNet.

    Args:
        generator: What `models.srgan.build_msrresnet` returned.
    """
    return _layout_of_convolutions(generator, (r"body_(\d+)_(conv\d)", r"body.\1.\2"))


def srvgg_layout(generator):
    """Places of the weights of Real-ESRGAN's compact network.

    Args:
        generator: What `layers.build_srvgg` returned.
    """
    places, names = {}, {layer.name for layer in generator.layers}
    convs = sum(bool(re.fullmatch(r"conv_\d+", name)) for name in names)
    for i in range(convs):
        place_convolution(places, f"body.{2 * i}", generator.get_layer(f"conv_{i}"))
        _slopes(places, f"body.{2 * i + 1}", generator.get_layer(f"act_{i}"))
    last = generator.get_layer("to_pixels")
    place_convolution(places, f"body.{2 * convs}", last)
    return places


def generator_layout(generator):
    """Places of the weights of any of the three generators above.

    Args:
        generator: One of them.
    """
    names = {layer.name for layer in generator.layers}
    if "to_pixels" in names:
        return srvgg_layout(generator)
    is_rrdb = "conv_body" in names
    return rrdb_layout(generator) if is_rrdb else msrresnet_layout(generator)


def vgg_discriminator_layout(discriminator):
    """Places of the weights of BasicSR's `VGGStyleDiscriminator128`.

    Args:
        discriminator: What `layers.build_vgg_discriminator` returned, with as many
            halvings as its images have.
    """
    places = {}
    for level in range(_levels(discriminator)):
        for k in (0, 1):
            conv = discriminator.get_layer(f"conv{level}_{k}")
            place_convolution(places, f"conv{level}_{k}", conv)
            if (level, k) != (0, 0):
                norm = discriminator.get_layer(f"conv{level}_{k}_norm")
                place_norm(places, f"bn{level}_{k}", norm)
    _dense(places, "linear1", discriminator.get_layer("linear1"), discriminator)
    _dense(places, "linear2", discriminator.get_layer("linear2"))
    return places


def unet_discriminator_layout(discriminator):
    """Places of the weights of Real-ESRGAN's discriminator.

    Args:
        discriminator: What `models.real_esrgan.build_unet_discriminator` returned.
    """
    places = {}
    for i in range(10):
        conv = discriminator.get_layer(f"conv{i}")
        if not hasattr(conv, "u"):
            place_convolution(places, f"conv{i}", conv)
            continue
        places[f"conv{i}.weight_orig"] = (conv.kernel, loading.convolution)
        places[f"conv{i}.weight_u"] = (conv.u, loading.same)
        places[f"conv{i}.weight_v"] = (conv.v, _other_side(conv))
    return places


def _other_side(layer):
    """A vector over (inputs, h, w), as PyTorch counts, to one over (h, w, inputs)."""
    height, width, inputs, _ = layer.kernel.shape

    def transform(vector):
        return vector.reshape(inputs, height, width).transpose(1, 2, 0).reshape(-1)

    return transform


def leftthomas_generator_layout(generator):
    """Places of the weights of leftthomas' SRGAN, whose PReLUs have one slope each.

    Args:
        generator: What `models.srgan.build_srresnet` returned, of five blocks.
    """
    get, places = generator.get_layer, {}
    blocks = _blocks(generator)
    place_convolution(places, "block1.0", get("conv_in"))
    _slopes(places, "block1.1", get("act_in"))
    for i in range(blocks):
        root, ours = f"block{i + 2}", f"block_{i}"
        for k in (1, 2):
            place_convolution(places, f"{root}.conv{k}", get(f"{ours}_conv{k}"))
            place_norm(places, f"{root}.bn{k}", get(f"{ours}_norm{k}"))
        _slopes(places, f"{root}.prelu", get(f"{ours}_act"))
    place_convolution(places, f"block{blocks + 2}.0", get("conv_mid"))
    place_norm(places, f"block{blocks + 2}.1", get("norm_mid"))
    last, ups = f"block{blocks + 3}", _count(generator, r"up_\d+")
    for i in range(ups):
        place_convolution(places, f"{last}.{i}.conv", get(f"up_{i + 1}"))
        _slopes(places, f"{last}.{i}.prelu", get(f"up_{i + 1}_act"))
    place_convolution(places, f"{last}.{ups}", get("conv_out"))
    return places


def leftthomas_discriminator_layout(discriminator):
    """Places of the weights of leftthomas' discriminator, which pools.

    Args:
        discriminator: What `layers.build_vgg_discriminator` returned, pooled.
    """
    places, index = {}, 0
    for level in range(_levels(discriminator)):
        for k in (0, 1):
            conv = discriminator.get_layer(f"conv{level}_{k}")
            place_convolution(places, f"net.{index}", conv)
            if index:
                norm = discriminator.get_layer(f"conv{level}_{k}_norm")
                place_norm(places, f"net.{index + 1}", norm)
            index += 3 if index else 2
    # After the pooling, two 1x1 convolutions on a single place.
    for name, number in (("linear1", index + 1), ("linear2", index + 3)):
        layer = discriminator.get_layer(name)
        places[f"net.{number}.weight"] = (layer.kernel, lambda a: a[:, :, 0, 0].T)
        places[f"net.{number}.bias"] = (layer.bias, loading.same)
    return places


def twtygqyy_generator_layout(generator):
    """Places of the weights of twtygqyy's SRResNet, with instance normalisation.

    Args:
        generator: What `models.srgan.build_srresnet` returned, with norm="instance".
    """
    get, places = generator.get_layer, {}
    place_convolution(places, "conv_input", get("conv_in"))
    for i in range(_blocks(generator)):
        for k in (1, 2):
            conv = get(f"block_{i}_conv{k}")
            place_convolution(places, f"residual.{i}.conv{k}", conv)
            _scale(places, f"residual.{i}.in{k}", get(f"block_{i}_norm{k}"))
    place_convolution(places, "conv_mid", get("conv_mid"))
    _scale(places, "bn_mid", get("norm_mid"))
    for i in range(_count(generator, r"up_\d+")):
        place_convolution(places, f"upscale4x.{3 * i}", get(f"up_{i + 1}"))
    place_convolution(places, "conv_output", get("conv_out"))
    return places


def twtygqyy_discriminator_layout(discriminator):
    """Places of the weights of twtygqyy's discriminator, of images of 96 pixels.

    Args:
        discriminator: What `layers.build_vgg_discriminator` returned, without biases.
    """
    places, index = {}, 0
    for level in range(_levels(discriminator)):
        for k in (0, 1):
            conv = discriminator.get_layer(f"conv{level}_{k}")
            place_convolution(places, f"features.{index}", conv)
            if index:
                norm = discriminator.get_layer(f"conv{level}_{k}_norm")
                place_norm(places, f"features.{index + 1}", norm)
            index += 3 if index else 2
    _dense(places, "fc1", discriminator.get_layer("linear1"), discriminator)
    _dense(places, "fc2", discriminator.get_layer("linear2"))
    return places


def vgg19_layout(features, prefix="features."):
    """Places of the convolutions of torchvision's VGG-19.

    Args:
        features: What `layers.build_vgg19_features` returned.
        prefix: What stands before the number of a module.
    """
    numbers = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
    places = {}
    convs = [la for la in features.layers if re.fullmatch(r"conv\d_\d", la.name)]
    for number, conv in zip(numbers, convs, strict=False):
        place_convolution(places, f"{prefix}{number}", conv)
    return places


def describe(arrays):
    """The system that a generator's arrays belong to, as `(name, arguments)`.

    Args:
        arrays: Dict of name to array, of `current_names`.
    """
    if "body.0.weight" in arrays:
        return _described_srvgg(arrays)
    if "conv_body.weight" in arrays:
        return _described_rrdb(arrays)
    return _described_msrresnet(arrays)


def _described_srvgg(arrays):
    last = max(_numbers(arrays, r"body\.(\d+)\.weight"))
    width, colours = arrays["body.0.weight"].shape[:2]
    scale = round((arrays[f"body.{last}.weight"].shape[0] / colours) ** 0.5)
    if "body.1.weight" not in arrays or arrays["body.1.weight"].ndim != 1:
        raise ValueError("its activations have no slopes.")
    return "real_esrgan", {
        "image_shape": (64 * scale, 64 * scale, colours),
        "scale": scale,
        "architecture": "srvgg",
        "residual_blocks": last // 2 - 1,
        "base_channels": width,
    }


def _described_rrdb(arrays):
    width, seen = arrays["conv_first.weight"].shape[:2]
    colours = arrays["conv_last.weight"].shape[0]
    # Squares of pixels that became channels.
    scale = {1: 4, 4: 2, 16: 1}[seen // colours]
    return "real_esrgan", {
        "image_shape": (256, 256, colours),
        "scale": scale,
        "residual_blocks": max(_numbers(arrays, r"body\.(\d+)\.rdb1.*")) + 1,
        "base_channels": width,
        "growth_channels": arrays["body.0.rdb1.conv1.weight"].shape[0],
    }


def _described_msrresnet(arrays):
    width, colours = arrays["conv_first.weight"].shape[:2]
    factor = round((arrays["upconv1.weight"].shape[0] / width) ** 0.5)
    scale = factor**2 if "upconv2.weight" in arrays else factor
    return "srgan", {
        "image_shape": (32 * scale, 32 * scale, colours),
        "scale": scale,
        "architecture": "msrresnet",
        "residual_blocks": max(_numbers(arrays, r"body\.(\d+)\.conv1.weight")) + 1,
        "base_channels": width,
        "discriminator_kind": "msrgan",
    }


def describe_leftthomas(arrays):
    """The `SRGAN` that a generator of leftthomas' belongs to."""
    blocks = len({n.split(".")[0] for n in arrays if n.endswith(".bn1.weight")})
    last = f"block{blocks + 3}"
    ups = max(_numbers(arrays, rf"{last}\.(\d+)\.conv\.weight")) + 1
    colours = arrays[f"{last}.{ups}.weight"].shape[0]
    return "srgan", {
        "image_shape": (96, 96, colours),
        "scale": 2**ups,
        "residual_blocks": blocks,
        "base_channels": arrays["block1.0.weight"].shape[0],
        "discriminator_kind": "pooled",
    }


def describe_twtygqyy(arrays):
    """The `SRGAN` that a generator of twtygqyy's belongs to."""
    width, colours = arrays["conv_input.weight"].shape[:2]
    ups = len(_numbers(arrays, r"upscale4x\.(\d+)\.weight"))
    return "srgan", {
        "image_shape": (96, 96, colours),
        "scale": 2**ups,
        "architecture": "srresnet_instance",
        "residual_blocks": max(_numbers(arrays, r"residual\.(\d+)\.conv1.weight")) + 1,
        "base_channels": width,
        "discriminator_kind": "kernels_of_4",
    }


def describe_esrgan(arrays):
    """The `ESRGAN` that a generator's arrays belong to, as `(name, arguments)`."""
    _, found = _described_rrdb(arrays)
    if found["scale"] != 4:
        raise ValueError("ESRGAN sees pixels, not squares of them.")
    return "esrgan", {**found, "image_shape": (128, 128, *found["image_shape"][2:])}


def describe_discriminator(arrays):
    """Arguments that a discriminator's arrays give away."""
    for first in ("conv0.weight", "net.0.weight", "features.0.weight"):
        if first in arrays:  # a network for images of any size, or of 96 pixels
            return {"discriminator_channels": arrays[first].shape[0]}
    levels = max(_numbers(arrays, r"conv(\d+)_0\.weight")) + 1
    width, colours = arrays["conv0_0.weight"].shape[:2]
    last = arrays[f"conv{levels - 1}_1.weight"].shape[0]
    left = round((arrays["linear1.weight"].shape[1] / last) ** 0.5)
    side = left * 2**levels
    return {"discriminator_channels": width, "image_shape": (side, side, colours)}


def discriminator_layout(discriminator):
    """Places of the weights of either discriminator of BasicSR and Real-ESRGAN.

    Args:
        discriminator: One of them.
    """
    is_unet = any(layer.name == "conv9" for layer in discriminator.layers)
    kind = unet_discriminator_layout if is_unet else vgg_discriminator_layout
    return kind(discriminator)


def _layout_of_convolutions(generator, change):
    places = {}
    for layer in generator.layers:
        if hasattr(layer, "kernel"):
            place_convolution(places, re.sub(*change, layer.name), layer)
    return places


def _slopes(places, name, layer):
    if layer.weights:  # a LeakyReLU has none
        channels = layer.alpha.shape[-1]
        places[f"{name}.weight"] = (layer.alpha, _per_channel(channels))


def _per_channel(channels):
    """Slopes of a PReLU, or the one of all channels, to (1, 1, channels)."""

    def transform(slopes):
        if slopes.ndim != 1:
            raise ValueError("slopes are a vector")
        return np.broadcast_to(slopes, (1, 1, channels))

    return transform


def _scale(places, name, layer):
    places[f"{name}.weight"] = (layer.gamma, loading.same)
    places[f"{name}.bias"] = (layer.beta, loading.same)


def _dense(places, name, layer, after=None):
    """A dense layer; of a flattened map of the network `after`, row by row."""
    transform = loading.dense
    if after is not None:
        height, width, channels = after.get_layer("flat").input.shape[1:]
        transform = loading.dense_from_map(channels, height, width)
    places[f"{name}.weight"] = (layer.kernel, transform)
    places[f"{name}.bias"] = (layer.bias, loading.same)


def _levels(discriminator):
    return _count(discriminator, r"conv\d+_0")


def _blocks(generator):
    return _count(generator, r"block_\d+")


def _count(network, pattern):
    return sum(bool(re.fullmatch(pattern, layer.name)) for layer in network.layers)


def _numbers(arrays, pattern):
    found = [int(m[1]) for name in arrays if (m := re.fullmatch(pattern, name))]
    if not found:
        raise ValueError(f"no name is of the form {pattern}.")
    return found
