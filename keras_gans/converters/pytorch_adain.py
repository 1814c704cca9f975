"""Where the weights of pytorch-AdaIN go in ours.

`decoder.pth` and `vgg_normalised.pth` hold one network each, a flat sequence whose
modules are counted, paddings, activations and poolings included. The encoder's file is
all of VGG-19; what lies behind relu4_1 is left out.
"""

import re

from keras_gans.converters.junyanz import place_convolution

IGNORED = (r"(3[2-9]|4\d|5\d)\.(weight|bias)",)


def encoder_layout(encoder):
    """Places of the weights of an encoder.

    Args:
        encoder: What `models.adain.build_encoder` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    return _layout(encoder, counted=("colors", "pool"))


def decoder_layout(decoder):
    """Places of the weights of a decoder.

    Args:
        decoder: What `models.adain.build_decoder` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    return _layout(decoder, counted=("up",))


def _layout(network, counted):
    """Layers in the sequence's order, each of which is one of its modules."""
    kinds = re.compile(rf"(pad|conv|relu|{'|'.join(counted)}).*")
    modules = [layer for layer in network.layers if kinds.fullmatch(layer.name)]
    places = {}
    for index, layer in enumerate(modules):
        if layer.weights:
            place_convolution(places, str(index), layer)
    return places


def describe(arrays):
    """The `AdaIN` that a decoder's arrays belong to, as `(name, arguments)`."""
    found = {
        int(m[1]): array
        for name, array in arrays.items()
        if (m := re.fullmatch(r"(\d+)\.weight", name))
    }
    last = found[max(found)]
    stages = {3: 2, 5: 3, 9: 4, 13: 5}[len(found)]
    return "adain", {
        "image_shape": (256, 256, last.shape[0]),
        "base_channels": last.shape[1],
        "stages": stages,
    }
