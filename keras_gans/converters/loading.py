"""From a state dict into a network: every array in its place, or none at all."""

import re

import numpy as np

_SHOWN = 8


def assign(layout, arrays, ignored=()):
    """Gives the variables of a network the arrays of a state dict.

    Args:
        layout: Dict of the state dict's names to `(variable, transform)`, or to a list
            of such pairs: a `keras.Variable`, and the function that brings the array
            into its layout.
        arrays: What `read_state_dict` returned.
        ignored: Regular expressions of whole names that carry no weight.

    Raises:
        ValueError: if names are missing, left over, or their arrays do not fit, with
            all of them; the network is then as it was.
    """
    unknown = [
        name
        for name in arrays
        if name not in layout and not any(re.fullmatch(p, name) for p in ignored)
    ]
    missing = [name for name in layout if name not in arrays]
    fitting, misshapen = [], []
    for name in layout:
        if name not in arrays:
            continue
        pairs = layout[name]
        for variable, transform in pairs if isinstance(pairs, list) else [pairs]:
            value = _transformed(transform, arrays[name])
            if value is None or value.shape != tuple(variable.shape):
                misshapen.append(
                    f"{name} {arrays[name].shape} for {variable.path} "
                    f"{tuple(variable.shape)}"
                )
            else:
                fitting.append((variable, value))
    problems = [
        f"{len(names)} {what}: {', '.join(names[:_SHOWN])}"
        + (" ..." if len(names) > _SHOWN else "")
        for what, names in (
            ("are missing", missing),
            ("are unknown", unknown),
            ("do not fit", misshapen),
        )
        if names
    ]
    if problems:
        raise ValueError(
            "The state dict is not that of this network. Of its arrays "
            + "; ".join(problems)
            + "."
        )
    for variable, value in fitting:
        variable.assign(value)


def _transformed(transform, array):
    try:
        return np.asarray(transform(array))
    except (ValueError, IndexError, TypeError):  # an array of other dimensions
        return None


def same(array):
    """The array as it is: biases, embeddings, statistics."""
    return array


def dense(array):
    """(outputs, inputs) to a dense kernel (inputs, outputs)."""
    return array.T


def convolution(array):
    """(O, I, h, w), or (I, O, h, w) transposed, to Keras' kernels, without a flip."""
    return array.transpose(2, 3, 1, 0)


def dense_to_map(channels, height, width):
    """A dense kernel or bias whose outputs are a map, from (C, H, W) to (H, W, C)."""

    def transform(array):
        maps = array.reshape(channels, height, width, *array.shape[1:])
        flat = np.moveaxis(maps, 0, 2).reshape(channels * height * width, -1)
        return flat.T if array.ndim == 2 else flat[:, 0]

    return transform


def dense_from_map(channels, height, width):
    """A dense kernel whose inputs are a flattened map, from (C, H, W) to (H, W, C)."""

    def transform(array):
        maps = array.reshape(len(array), channels, height, width)
        return maps.transpose(2, 3, 1, 0).reshape(-1, len(array))

    return transform
