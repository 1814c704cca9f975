"""PixelCNN: each pixel predicted from those before it, by masked convolutions.

Van den Oord, Kalchbrenner and Kavukcuoglu 2016, arXiv 1601.06759.
"""

import keras
from keras import layers

from keras_gans.core import raster
from keras_gans.core.autoregressive_model import AutoregressiveModel
from keras_gans.layers import MaskedConv2D, build_raster_network


@keras.saving.register_keras_serializable("keras_gans")
class PixelCNN(AutoregressiveModel):
    """A stack of masked convolutions that gives every pixel's distribution at once.

    The one player minimises - log p(x) = - sum_i log p(x_i | x_1 ... x_i-1), summed
    over pixels in raster order and colours, the mean over the batch. Black and white
    pixels are Bernoulli; others have a softmax over 256 levels for each colour, of
    which green sees red and blue sees both.

    Sampling draws pixel after pixel: latents are the numbers that decide, one normal
    number for each pixel and colour. What convolutions made of earlier pixels is kept,
    so that a pixel costs a pixel's work. A plain stack is blind to some pixels to the
    upper right.

    Args:
        image_shape: `(height, width, channels)`.
        hidden_channels: h; half the channels of the residual stream; 16 for MNIST
            (CIFAR-10: 128).
        blocks: Residual blocks; 7 (CIFAR-10: 15).
        head_channels: Channels of the two layers before the last; 32 (CIFAR-10: 1024).
        levels: 2 for black and white, 256 for grey levels; `None` for 2 where images
            have one channel.
        binarization: See `LikelihoodModel`; for two levels.
        predictor: Your own causal `keras.Model` from images in [-1, 1] to logits
            `(batch, height, width, channels)`, or with a last axis of 256.
        ema_decay: Decay of a moving average of the network, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored.

    Logs: `nats`, -log p(x) per image.

    Raises:
        ValueError: for other levels.

    Example:

    >>> model = PixelCNN(image_shape=(28, 28, 1))
    >>> model.compile(model_optimizer=keras.optimizers.Adam(1e-3))
    >>> model.fit(images, batch_size=64, epochs=10)
    >>> digits = model.sample(16, seed=7)
    >>> completed = model.complete(images[:8], rows=14)

    Reference: arXiv 1601.06759, sections 3.3 and 3.4, table 1.
    """

    def build_predictor(self, *sizes):
        """See `build_predictor`, the function."""
        return build_predictor(*sizes)

    def chain_of(self, network):
        """Its layers, one pixel at a time."""
        return raster.raster_chain(network, _block_at_a_pixel)


def build_predictor(image_shape, hidden_channels, blocks, head_channels, levels):
    """The paper's network: 7x7 A, residual blocks of B, a head of two 1x1 layers."""
    colors = image_shape[-1]

    def block(x, name):
        sizes = ((hidden_channels, 1), (hidden_channels, 3), (2 * hidden_channels, 1))
        y = x
        for i, (filters, size) in enumerate(sizes, 1):
            y = layers.ReLU(name=f"{name}_relu{i}")(y)
            y = MaskedConv2D(filters, size, "B", colors, name=f"{name}_conv{i}")(y)
        return layers.Add(name=f"{name}_add")([x, y])

    return build_raster_network(
        image_shape, 2 * hidden_channels, block, blocks, head_channels, levels
    )


def _block_at_a_pixel(network, name):
    parts = []
    for i in (1, 2, 3):
        layer = network.get_layer(f"{name}_conv{i}")
        parts += [raster.Pointwise("relu"), raster.Convolution(layer)]
    return raster.Sum([raster.Chain(parts)])
