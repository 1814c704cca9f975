"""Maps of integers: classes and instances of pixels, and what networks see of them."""

import numpy as np
from keras import ops


def as_map(array):
    """Integers `(batch, h, w)` or `(batch, h, w, 1)` as int32 `(batch, h, w)`.

    Args:
        array: Array or tensor of any integer type.
    """
    array = ops.convert_to_tensor(array)
    array = array[..., 0] if len(array.shape) == 4 else array
    return ops.cast(array, "int32")


def one_hot(labels, num_labels):
    """One channel of zeros and ones for each class.

    Args:
        labels: int32 tensor `(batch, h, w)`.
        num_labels: Number of classes.
    """
    return ops.one_hot(labels, num_labels, dtype="float32")


def boundaries(instances):
    """1 where one of the four neighbours of a pixel is another instance, else 0.

    Args:
        instances: int32 tensor `(batch, h, w)`.

    Returns:
        float32 tensor `(batch, h, w, 1)`. Both sides of a boundary are marked.

    Reference: arXiv 1711.11585, section 3.3.
    """
    across = ops.cast(instances[:, :, 1:] != instances[:, :, :-1], "float32")
    down = ops.cast(instances[:, 1:] != instances[:, :-1], "float32")
    sides = [
        ops.pad(across, ((0, 0), (0, 0), (1, 0))),
        ops.pad(across, ((0, 0), (0, 0), (0, 1))),
        ops.pad(down, ((0, 0), (1, 0), (0, 0))),
        ops.pad(down, ((0, 0), (0, 1), (0, 0))),
    ]
    edges = sides[0]
    for side in sides[1:]:
        edges = ops.maximum(edges, side)
    return edges[..., None]


def check_map(kind, array, count=None):
    """Checks a batch or an array of maps.

    Args:
        kind: `"label"` or `"instance"`.
        array: Array or tensor.
        count: Number of classes; `None` where any integer will do.

    Raises:
        ValueError: for another shape, no integers, or values that are no classes.
    """
    shape = tuple(array.shape)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[-1] != 1):
        raise ValueError(
            f"{kind.capitalize()} maps have the shape (num_maps, height, width) or "
            f"(num_maps, height, width, 1). Found: {shape}."
        )
    if 0 in shape:
        raise ValueError(f"There are no {kind} maps, or empty ones. Found: {shape}.")
    values = ops.convert_to_numpy(array)
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{kind.capitalize()} maps hold integers. Found dtype {values.dtype}: "
            "convert them with maps.astype('int32'), unscaled."
        )
    if count is None:
        return
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= count:
        raise ValueError(
            f"Labels lie in [0, {count}) for num_labels={count}. Found: [{low}, "
            f"{high}]; give what has no class a number of its own."
        )
