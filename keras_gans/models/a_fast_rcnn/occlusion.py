"""ASDN: a network that says which cells of a region to hide.

Wang et al. 2017, section 4.1, and the Caffe layers of github.com/xiaolonw/
adversarial-frcnn, whose numbers these are.
"""

import keras
import numpy as np
from keras import layers, ops


def build_mask_network(roi_shape=(7, 7, 512), mask_channels=256):
    """Five 3x3 convolutions from a region to a logit for each of its cells: hide it.

    2,952,449 weights for 512 channels.

    Args:
        roi_shape: `(rows, columns, channels)` of a region.
        mask_channels: Channels in between.

    Returns:
        `keras.Model` from regions to `(batch, rows, columns)`.
    """
    regions = keras.Input(roi_shape, name="regions")
    x = regions
    for i in range(4):
        x = layers.Conv2D(
            mask_channels,
            3,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(),
            name=f"conv_{i}",
        )(x)
    x = layers.Conv2D(
        1,
        3,
        padding="same",
        kernel_initializer=keras.initializers.HeNormal(),
        dtype="float32",
        name="hide",
    )(x)
    logits = layers.Reshape(roi_shape[:2], dtype="float32", name="logits")(x)
    return keras.Model(regions, logits, name="mask_network")


def window_offsets(size, window, stride):
    """Where windows begin along a side; the last one ends with it.

    Args:
        size: Cells of the side.
        window: Cells of a window.
        stride: Cells from one to the next.

    Example:

    >>> window_offsets(7, 2, 2)
    (0, 2, 4, 5)
    """
    last = size - window
    return tuple(sorted({*range(0, last + 1, stride), last}))


def windows(size=7, window=2, stride=2):
    """Every square of cells that the search hides, row by row.

    Args:
        size: Cells along a side of a region, like all others.
        window: Those of a window.
        stride: From one window to the next.

    Returns:
        float32 numpy array `(num_windows, size, size)`, 1 where it hides.
    """
    offsets = window_offsets(size, window, stride)
    found = np.zeros((len(offsets) ** 2, size, size), "float32")
    for k, (top, left) in enumerate((t, x) for t in offsets for x in offsets):
        found[k, top : top + window, left : left + window] = 1.0
    return found


def hardest_window(regions, true_probability, candidates):
    """Of all windows the one without which the true class is least probable.

    Args:
        regions: `(num, rows, columns, channels)`.
        true_probability: Function of `(num_windows * num, rows, columns, channels)`,
            window after window, to the probabilities `(num_windows, num)` of the true
            classes.
        candidates: What `windows` returned.

    Returns:
        `(num, rows, columns)`: 1 in the window, without gradients.
    """
    left = ops.convert_to_tensor(1.0 - candidates, regions.dtype)
    shown = regions[None] * left[:, None, :, :, None]
    shown = ops.reshape(shown, (-1, *regions.shape[1:]))
    found = ops.argmin(true_probability(shown), axis=0)
    return ops.stop_gradient(ops.take(candidates, found, axis=0))


def sampled_mask(logits, noise, candidates=20, hidden=15):
    """Of the cells of the highest logits some, at random.

    Args:
        logits: `(..., cells)`.
        noise: Uniform numbers in [0, 1) of the same shape.
        candidates: Cells of the highest logits.
        hidden: How many of these are hidden.

    Returns:
        float32 of the same shape: 1 where a cell is hidden, `hidden` times, without
        gradients.
    """
    cells = logits.shape[-1]
    _, best = ops.top_k(ops.stop_gradient(logits), candidates)
    may = ops.sum(ops.one_hot(best, cells), axis=-2)
    _, drawn = ops.top_k(ops.where(may > 0, noise, -1.0), hidden)
    return ops.stop_gradient(ops.sum(ops.one_hot(drawn, cells), axis=-2))


def cross_entropy(logits, hide):
    """-t log s(l) - (1 - t) log(1 - s(l)) of each cell.

    Args:
        logits: Numbers l.
        hide: t, 0 or 1.
    """
    return ops.softplus(logits) - hide * logits
