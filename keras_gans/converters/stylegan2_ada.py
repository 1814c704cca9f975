"""Names and layouts of the state dicts of github.com/NVlabs/stylegan2-ada-pytorch."""

import re

from keras_gans.converters.loading import convolution, dense, dense_from_map, same

# What the reference stores besides weights: the filter of each layer that resamples.
IGNORED = (r".*\.resample_filter",)
_BLOCK = re.compile(r"(b\d+)_(conv\d?|skip|fromrgb|torgb|fc|out)(_affine|_noise)?")


def generator_layout(generator):
    """Places of the weights of `G`, or of `G_ema` in the `sampler`.

    Args:
        generator: That of a `StyleGAN2`, or its moving average.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    return {
        **_mapping(generator.get_layer("mapping")),
        "mapping.w_avg": (generator.get_layer("styles").average, same),
        **_blocks(generator.get_layer("synthesis"), "synthesis."),
    }


def discriminator_layout(discriminator):
    """Places of the weights of `D`.

    Args:
        discriminator: That of a `StyleGAN2`.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    places = _blocks(discriminator, "")
    for layer in discriminator.layers:
        if layer.name == "mapping":
            places.update(_mapping(layer))
    return places


def _mapping(network):
    places = {}
    for layer in network.layers:
        if re.fullmatch(r"fc\d+|embed", layer.name):
            places.update(_kernel_and_bias(layer, f"mapping.{layer.name}", dense))
    return places


def _blocks(network, prefix):
    places = {}
    for layer in network.layers:
        if layer.name == "b4_const":
            places[f"{prefix}b4.const"] = (layer.constant, _channels_last)
        if not (match := _BLOCK.fullmatch(layer.name)):
            continue
        block, part, kind = match.groups()
        name = f"{prefix}{block}.{part}"
        if kind == "_noise":
            places[f"{name}.noise_strength"] = (layer.strength, same)
            places[f"{name}.noise_const"] = (layer.noise, same)
        elif kind == "_affine":
            places.update(_kernel_and_bias(layer, f"{name}.affine", dense))
        elif layer.name == "b4_fc":
            transform = dense_from_map(layer.kernel.shape[0] // 16, 4, 4)
            places.update(_kernel_and_bias(layer, name, transform))
        elif part == "out":
            places.update(_kernel_and_bias(layer, name, dense))
        else:
            places.update(_kernel_and_bias(layer, name, convolution))
    return places


def _kernel_and_bias(layer, name, transform):
    places = {f"{name}.weight": (layer.kernel, transform)}
    if getattr(layer, "use_bias", True):
        places[f"{name}.bias"] = (layer.bias, same)
    return places


def _channels_last(array):
    return array.transpose(1, 2, 0)
