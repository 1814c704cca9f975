"""How far a network looks: what a part of a picture needs around it."""

import math

import keras

# Layers of which a pixel of the output is made of the same pixel of the input.
_LOCAL = (
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Add", "Subtract"),
    *("Multiply", "Average", "Maximum", "Concatenate", "Rescaling", "Dropout"),
    *("BatchNormalization", "InputLayer", "Identity"),
)


def receptive_radius(network):
    """How many pixels of its input a network looks at beyond those of an output.

    Args:
        network: A functional `keras.Model` of maps.

    Returns:
        int, in pixels of the input; `math.inf` if a layer looks at the whole picture,
        or is none of those known here.
    """
    radius, _ = _looked(network)
    return radius if math.isinf(radius) else math.ceil(radius)


def _looked(network):
    """`(radius, step)` of the output: in pixels of the input, and from one to the next.

    Of several paths, the widest.
    """
    inputs = keras.tree.flatten(network.inputs)
    reached = {id(tensor): (0.0, 1.0) for tensor in inputs}
    for layer in network.layers:
        sources = keras.tree.flatten(layer.input)
        found = [reached[id(t)] for t in sources if id(t) in reached]
        if not found:
            continue
        radius = max(radius for radius, _ in found)
        grown, factor = _of_layer(layer)
        step = found[0][1]
        for tensor in keras.tree.flatten(layer.output):
            reached.setdefault(id(tensor), (radius + step * grown, step * factor))
    return reached[id(keras.tree.flatten(network.outputs)[0])]


def _of_layer(layer):
    """`(radius, step)` of one layer, in pixels of its own input."""
    kind = type(layer).__name__
    if kind in _LOCAL:
        return 0, 1
    if isinstance(layer, keras.Model):
        return _looked(layer)
    if kind in ("Conv2D", "SNConv2D", "DepthwiseConv2D", "SeparableConv2D"):
        size = max(keras.tree.flatten(layer.kernel_size))
        stride = max(keras.tree.flatten(layer.strides))
        dilation = max(keras.tree.flatten(getattr(layer, "dilation_rate", 1)))
        return dilation * (size // 2), stride
    if kind == "PixelShuffle":
        return 0, 1 / layer.factor
    if kind == "PixelUnshuffle":
        return layer.factor - 1, layer.factor
    if kind == "UpSampling2D":
        between = {"nearest": 0, "bilinear": 1, "bicubic": 2}
        return between.get(layer.interpolation, math.inf), 1 / max(layer.size)
    return math.inf, 1
