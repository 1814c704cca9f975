"""Weights of the fixtures of super-resolution, through the importers.

The rules are those of the translation fixtures, sections 0.1, 3 and 13.
"""

import numpy as np
from keras import ops

from keras_gans.converters import loading
from tests import golden_translation as translation

# Low resolution of 8x12 pixels; in [0, 1] it is the fixtures' x01.
LOW = translation.source(2, (8, 12))


def fill(network, layout, by_position=False, shared_slopes=False, convolved=()):
    """Gives a network the reference's weights.

    Args:
        network: A generator or a discriminator.
        layout: Function of it, of an importer.
        by_position: As for `golden_translation.weight`.
        shared_slopes: Whether PReLUs of the reference have one slope each.
        convolved: Names of dense layers that are 1x1 convolutions there.
    """
    places = layout(network)
    arrays = {}
    for name, (variable, _) in places.items():
        shape = translation.torch_shape(variable)
        if variable.name == "alpha":
            shape = (1,) if shared_slopes else (variable.shape[-1],)
        if name in convolved and len(shape) == 2:
            shape = (*shape, 1, 1)
        arrays[name] = weight(name, shape, by_position)
    _normalise_vectors(arrays)
    placed = {id(variable) for variable, _ in places.values()}
    assert placed == {id(v) for v in network.weights if "colors" not in v.path}
    loading.assign(places, arrays)
    return network


def weight(name, shape, by_position=False):
    """The reference tensor of this name."""
    if "prelu" in name:
        return np.full(shape, 0.25)
    return translation.weight(name, shape, by_position)


def _normalise_vectors(arrays):
    """u and v of spectral normalisation, one power iteration after the fill."""
    for name in [n for n in arrays if n.endswith("weight_u")]:
        root = name.removesuffix("weight_u")
        matrix = arrays[f"{root}weight_orig"]
        matrix = matrix.reshape(len(matrix), -1)
        v = _unit(matrix.T @ _unit(arrays[name]))
        arrays[name], arrays[f"{root}weight_v"] = _unit(matrix @ v), v


def _unit(vector):
    return vector / np.linalg.norm(vector)


def enlarged(generator, low=LOW):
    """What a generator makes, in the reference's range."""
    return (ops.convert_to_numpy(generator(low, training=False)) + 1) / 2
