"""Which pixels a network's logits follow from, probed one by one by the gradient."""

import itertools

import numpy as np
from keras import ops

from keras_gans.core import gradients


def dependences(network, images):
    """Whether the logit of a pixel and colour follows from another.

    Args:
        network: Predictor of logits `(batch, height, width, colors)` or with a last
            axis of levels.
        images: One image `(1, height, width, colors)`.

    Returns:
        bool array `(logits, pixels)`, both in raster order with colours last.
    """
    size = int(np.prod(images.shape[1:]))
    several = ops.convert_to_tensor(np.repeat(images, size, axis=0))
    one_each = np.eye(size, dtype="float32").reshape(size, *images.shape[1:])

    def each_its_own(x):
        logits = network(x, training=False)
        if len(logits.shape) == 5:
            # A random mixture of levels: their plain sum could cancel.
            mixture = np.cos(np.arange(logits.shape[-1]) ** 2)
            logits = ops.sum(logits * mixture.astype("float32"), axis=-1)
        return ops.sum(logits * one_each, axis=(1, 2, 3))

    found = gradients.input_gradient(each_its_own, several)
    return ops.convert_to_numpy(found).reshape(size, size) != 0


def leaks_and_missing(network, shape):
    """How many pixels are seen too early, and how many before a pixel are not seen."""
    images = np.random.default_rng(1).uniform(-1, 1, (1, *shape)).astype("float32")
    seen = dependences(network, images)
    before = np.tri(len(seen), k=-1, dtype=bool)
    return int((seen & ~before).sum()), int((before & ~seen).sum())


def fill(network, scale=0.5):
    """Weights at random, of which none is zero."""
    random = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(scale * random.standard_normal(weight.shape))
    return network


def all_binary(shape):
    """Every black and white image of a shape, uint8."""
    every = itertools.product((0, 255), repeat=int(np.prod(shape)))
    return np.array(list(every), "uint8").reshape(-1, *shape)
