"""Where the weights of pytorch_GAN_zoo's ProGAN go in ours, `variant="gan_zoo"`.

Its checkpoints hold `netG`, `netD` and the moving average `avgG`, which samples.
Scale k of theirs is the side 4 * 2^k; they have every resolution's layers to and from
RGB, of which those of the last are used once it is fully faded in.
"""

import re

from keras_gans.converters import loading
from keras_gans.models.growing import sides_up_to


def generator_layout(generator):
    """Places of the weights of `avgG`, or `netG`.

    Args:
        generator: That of a growing `ProGAN`, or its moving average.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    places = {}
    first = generator.get_layer("block_4_map")
    _add(places, "formatLayer", first, loading.dense_to_map(first.units // 16, 4, 4))
    _add(places, "groupScale0.0", generator.get_layer("block_4_conv_1"))
    _add(places, "toRGBLayers.0", generator.get_layer("to_rgb_4"))
    for k, side in enumerate(sides_up_to(generator.output.shape[1])):
        for i in range(2):
            conv = generator.get_layer(f"block_{side}_conv_{i}")
            _add(places, f"scaleLayers.{k}.{i}", conv)
        _add(places, f"toRGBLayers.{k + 1}", generator.get_layer(f"to_rgb_{side}"))
    return places


def discriminator_layout(discriminator):
    """Places of the weights of `netD`.

    Args:
        discriminator: That of a growing `ProGAN`.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    places = {}
    _add(places, "fromRGBLayers.0", discriminator.get_layer("from_rgb_4_conv"))
    for k, side in enumerate(sides_up_to(discriminator.inputs[0].shape[1])):
        for i in range(2):
            conv = discriminator.get_layer(f"block_{side}_conv_{i}")
            _add(places, f"scaleLayers.{k}.{i}", conv)
        rgb = discriminator.get_layer(f"from_rgb_{side}_conv")
        _add(places, f"fromRGBLayers.{k + 1}", rgb)
    conv, dense = (discriminator.get_layer(f"head_{n}") for n in ("conv", "dense"))
    _add(places, "groupScaleZero.0", conv)
    from_map = loading.dense_from_map(conv.filters, 4, 4)
    _add(places, "groupScaleZero.1", dense, from_map)
    _add(places, "decisionLayer", discriminator.get_layer("score"), loading.dense)
    return places


def current_names(arrays):
    """The arrays of an older file, in which the layers were not wrapped yet.

    Args:
        arrays: Dict of name to array.

    Returns:
        The same with `.module` in front of every `.weight` and `.bias`.
    """
    leaf = re.compile(r"(?<!\.module)\.(weight|bias)$")
    return {leaf.sub(r".module.\1", name): array for name, array in arrays.items()}


def _add(places, name, layer, transform=loading.convolution):
    # Only the bias of the first layer belongs to a map.
    to_map = name == "formatLayer"
    places[f"{name}.module.weight"] = (layer.kernel, transform)
    places[f"{name}.module.bias"] = (layer.bias, transform if to_map else loading.same)
