"""Weights under their reference's names and PyTorch layouts, for the golden fixtures.

A layout is a dict from a reference's key to `Entry`: the Keras variable, the shape of
the PyTorch tensor, and the function from the one's axes to the other's.
"""

from typing import NamedTuple

import numpy as np
from keras import ops

from tests import golden


class Entry(NamedTuple):
    variable: object
    shape: tuple
    to_keras: object


def conv(key, layer):
    """A convolution, (O, I, h, w) in PyTorch."""
    h, w, i, o = layer.kernel.shape
    kernel = Entry(layer.kernel, (o, i, h, w), lambda t: t.transpose(2, 3, 1, 0))
    return {f"{key}.weight": kernel, **_bias(key, layer)}


def dense_to_map(key, layer, map_shape):
    """A dense layer whose output is reshaped to a map `(h, w, c)`; (c, h, w) there."""
    h, w, c = map_shape
    inputs, units = layer.kernel.shape

    def kernel_to_keras(t):
        return t.reshape(c, h, w, inputs).transpose(3, 1, 2, 0).reshape(inputs, units)

    def bias_to_keras(t):
        return t.reshape(c, h, w).transpose(1, 2, 0).reshape(units)

    return {
        f"{key}.weight": Entry(layer.kernel, (units, inputs), kernel_to_keras),
        f"{key}.bias": Entry(layer.bias, (units,), bias_to_keras),
    }


def dense_from_map(key, layer, map_shape):
    """A dense layer that reads a flattened map `(h, w, c)`; (c, h, w) there."""
    h, w, c = map_shape
    inputs, units = layer.kernel.shape

    def to_keras(t):
        return t.reshape(units, c, h, w).transpose(2, 3, 1, 0).reshape(inputs, units)

    kernel = Entry(layer.kernel, (units, inputs), to_keras)
    return {f"{key}.weight": kernel, **_bias(key, layer)}


def embedding(key, layer):
    """An embedding, the same in both."""
    table = layer.embeddings
    return {f"{key}.weight": Entry(table, tuple(table.shape), lambda t: t)}


def norm(key, layer):
    """A batch normalisation."""
    variables = {
        "weight": layer.gamma,
        "bias": layer.beta,
        "running_mean": layer.moving_mean,
        "running_var": layer.moving_variance,
    }
    return {
        f"{key}.{leaf}": Entry(variable, tuple(variable.shape), lambda t: t)
        for leaf, variable in variables.items()
    }


def _bias(key, layer):
    if not layer.use_bias:
        return {}
    return {f"{key}.bias": Entry(layer.bias, tuple(layer.bias.shape), lambda t: t)}


def fill(network, layout):
    """Gives a network the fixtures' weights; none of its variables may be left out."""
    assert {id(e.variable) for e in layout.values()} == {id(w) for w in network.weights}
    for key, entry in layout.items():
        entry.variable.assign(entry.to_keras(golden.fill(key, entry.shape)))


def read(layout, key):
    """A weight, flat in PyTorch's order."""
    entry = layout[key]
    order = entry.to_keras(np.arange(np.prod(entry.shape)).reshape(entry.shape))
    flat = np.empty(order.size, "float32")
    flat[order.reshape(-1)] = ops.convert_to_numpy(entry.variable).reshape(-1)
    return flat
