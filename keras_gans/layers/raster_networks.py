"""What networks that predict pixel after pixel have in common: first layer and head."""

import keras
from keras import layers, ops

from keras_gans.layers.masked_convolution import MaskedConv2D
from keras_gans.layers.rescaling import Rescaling


def build_raster_network(
    image_shape, channels, block, blocks, head_channels, levels, first_size=7
):
    """A convolution with mask A, blocks, and a head of 1x1 convolutions.

    Args:
        image_shape: `(height, width, colors)` of images in [-1, 1].
        channels: Channels of the residual stream, 2h.
        block: Function of a map and a name to a map of as many channels.
        blocks: How many there are, `block1` and so on.
        head_channels: Channels of the two layers before the last.
        levels: 2, for one logit for each pixel and colour, or 256.
        first_size: Side of the first kernel.

    Returns:
        `keras.Model` from images to logits `(batch, height, width, colors)`, or with a
        last axis of 256.

    Reference: arXiv 1601.06759, table 1.
    """
    *sides, colors = image_shape
    images = keras.Input(image_shape, name="images")
    x = Rescaling(0.5, 0.5, name="to_unit_range")(images)
    x = MaskedConv2D(channels, first_size, "A", colors, name="first")(x)
    for i in range(1, blocks + 1):
        x = block(x, f"block{i}")
    for i in (1, 2):
        x = layers.ReLU(name=f"head_relu{i}")(x)
        x = MaskedConv2D(head_channels, 1, "B", colors, name=f"head{i}")(x)
    x = layers.ReLU(name="head_relu3")(x)
    made = colors if levels == 2 else colors * levels
    x = MaskedConv2D(made, 1, "B", colors, dtype="float32", name="logits")(x)
    if levels != 2:
        x = layers.Reshape((*sides, colors, levels), dtype="float32", name="levels")(x)
    return keras.Model(images, x, name="predictor")


def lstm_step(gates, cell):
    """One step: c = f c + i g, h = o tanh(c), with o, f, i by sigmoid and g by tanh.

    Args:
        gates: o, f, i, g one after the other, `(..., 4 * units)`.
        cell: c before, `(..., units)`.

    Returns:
        h and c, `(..., units)` each.

    Reference: arXiv 1601.06759, eq. 3, whose candidate g is squashed by tanh too.
    """
    o, f, i, g = ops.split(gates, 4, axis=-1)
    cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(cell), cell
