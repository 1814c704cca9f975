"""ASTN: a network that turns the features of a region, block by block of channels.

Wang et al. 2017, section 4.2.
"""

import keras
from keras import layers, ops

from keras_gans.models.detector.networks import two_dense_layers


def build_rotation_network(roi_shape=(7, 7, 512), blocks=4, hidden_units=4096):
    """Three dense layers from a region to a number for each block of channels.

    Args:
        roi_shape: `(rows, columns, channels)` of a region.
        blocks: Blocks of channels that are turned together.
        hidden_units: Of the first two layers, which may begin as those of the head.

    Returns:
        `keras.Model` from regions to `(batch, blocks)`, any numbers.
    """
    regions = keras.Input(roi_shape, name="regions")
    x = two_dense_layers(regions, hidden_units)
    turns = layers.Dense(
        blocks,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
        dtype="float32",
        name="turns",
    )(x)
    return keras.Model(regions, turns, name="rotation_network")


def angles(turns, largest):
    """Numbers as angles: largest * tanh(number).

    Args:
        turns: Any numbers.
        largest: Radians.
    """
    return largest * ops.tanh(turns)


def rotated(regions, theta):
    """Blocks of channels, each turned about the middle of its region.

    The value at a place is read where the rotation by theta puts it, between its four
    neighbours; what lies outside counts as 0. The reading is a product with the
    neighbours' weights, which has gradients to the regions and to the angles, also to
    an angle of 0.

    Args:
        regions: `(num, size, size, channels)`.
        theta: Radians `(num, blocks)`; channels are a multiple of the blocks.

    Returns:
        The same shape; regions turned by 90 degrees are `rot90` of them.
    """
    size, channels = regions.shape[1], regions.shape[-1]
    blocks = theta.shape[-1]
    read = ops.cast(_neighbours(theta, size), regions.dtype)
    cells = ops.reshape(regions, (-1, size * size, blocks, channels // blocks))
    cells = ops.matmul(read, ops.transpose(cells, (0, 2, 1, 3)))
    cells = ops.transpose(cells, (0, 2, 1, 3))
    return ops.reshape(cells, (-1, size, size, channels))


def _neighbours(theta, size):
    """What each cell counts in each turned one, `(num, blocks, size^2, size^2)`."""
    middle = (size - 1) / 2
    place = ops.arange(size, dtype="float32") - middle
    y, x = (ops.reshape(v, (-1,)) for v in ops.meshgrid(place, place, indexing="ij"))
    cosine, sine = ops.cos(theta)[..., None], ops.sin(theta)[..., None]
    across = _weights(cosine * x - sine * y + middle, size)
    down = _weights(sine * x + cosine * y + middle, size)
    both = down[..., :, None] * across[..., None, :]
    return ops.reshape(both, (-1, theta.shape[-1], size**2, size**2))


def _weights(points, size):
    """1 - distance to the two neighbours of each point, along one axis.

    Written for each side of a point: the slope of |d| at 0 would be 0, and what is not
    turned yet would never be.
    """
    distance = points[..., None] - ops.arange(size, dtype="float32")
    before = (distance >= 0.0) & (distance < 1.0)
    behind = (distance >= -1.0) & (distance < 0.0)
    ahead = ops.where(behind, 1.0 + distance, 0.0)
    return ops.where(before, 1.0 - distance, ahead)
