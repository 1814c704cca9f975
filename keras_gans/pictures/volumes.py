"""Volumes as shaded pictures, and as turntables."""

import math

import numpy as np
from scipy import ndimage

from keras_gans.pictures.grids import image_grid

_BACKGROUND = 255.0
# From above, the left and the front of who looks, as painters light things.
_LIGHT = np.array([-0.45, 0.65, -0.6]) / np.linalg.norm([-0.45, 0.65, -0.6])
_SMOOTHING = 1.0


def draw_volumes(occupancies, side=96, azimuth=-35.0, elevation=25.0, threshold=0.5):
    """Shaded pictures of volumes, whose last axis is up.

    Args:
        occupancies: Array `(num, depth, height, width)`, bool or in [0, 1].
        side: Pixels of a picture's sides.
        azimuth: Degrees by which volumes are turned about their last axis.
        elevation: Degrees from which they are looked down at.
        threshold: Occupancy above which a voxel is there to be seen.

    Returns:
        uint8 array `(num, side, side, 1)`, on white.

    Raises:
        ValueError: for something else than volumes.
    """
    occupancies = np.asarray(occupancies)
    if occupancies.ndim != 4:
        raise ValueError(
            "Volumes have the shape (num, depth, height, width). Found: "
            f"{occupancies.shape}."
        )
    turn = _rotation(math.radians(azimuth), math.radians(elevation))
    drawn = [_draw(one > threshold, side, turn) for one in occupancies]
    return np.stack(drawn)[..., None]


def turntable(volumes, frames=24, columns=None, side=96, elevation=25.0):
    """Volumes that turn once about their last axis, as the frames of a film.

    Args:
        volumes: As `occupancies` for `draw_volumes`.
        frames: Number of pictures in a turn.
        columns: Volumes side by side in a picture; `None` for about a square.
        side: Pixels of each volume.
        elevation: As for `draw_volumes`.

    Returns:
        uint8 array `(frames, height, width, 1)`.

    Example:

    >>> save_gif("chairs.gif", turntable(gan.volumes(16, seed=7)))
    """
    columns = columns or math.isqrt(len(volumes) - 1) + 1
    turns = [
        draw_volumes(volumes, side, 360.0 * i / frames - 35.0, elevation)
        for i in range(frames)
    ]
    return np.stack([image_grid(pictures, columns, scale=1) for pictures in turns])


def _rotation(azimuth, elevation):
    """Rows: right, up and away from who looks, in coordinates of the volume."""
    c, s = math.cos(azimuth), math.sin(azimuth)
    about_up = np.array([[c, -s, 0], [0, 0, 1], [s, c, 0]])
    c, s = math.cos(elevation), math.sin(elevation)
    return np.array([[1, 0, 0], [0, c, s], [0, -s, c]]) @ about_up


def _draw(filled, side, turn):
    fine = 2 * side  # and averaged, for smooth edges
    picture = np.full((fine, fine), _BACKGROUND)
    surface = filled & ~ndimage.binary_erosion(filled)
    voxels = np.argwhere(surface)
    if len(voxels):
        # The diagonal of the whole volume fits in from every side.
        pixels_per_voxel = fine / np.linalg.norm(filled.shape)
        centre = (np.array(filled.shape) - 1) / 2
        right, up, away = turn @ (voxels - centre).T
        # Of what falls on one pixel the last stays: the nearest.
        order = np.argsort(-away, kind="stable")
        shades = _shades(filled, voxels[order], turn)
        # Squares on which turned cubes leave no gap.
        size = math.ceil(1.5 * pixels_per_voxel)
        across = np.arange(size) - size // 2
        rows = (fine / 2 - up[order] * pixels_per_voxel)[:, None, None]
        columns = (fine / 2 + right[order] * pixels_per_voxel)[:, None, None]
        rows, columns = (
            np.clip(np.floor(place), 0, fine - 1).astype(int)
            for place in (rows + across[:, None], columns + across)
        )
        picture[rows, columns] = shades[:, None, None]
    smooth = picture.reshape(side, 2, side, 2).mean(axis=(1, 3))
    return np.round(smooth).astype("uint8")


def _shades(filled, voxels, turn):
    """Brightness of voxels by the slope of the surface that they lie in."""
    soft = ndimage.gaussian_filter(filled.astype("float32"), _SMOOTHING)
    slopes = np.stack(np.gradient(soft), axis=-1)[tuple(voxels.T)]
    normals = -slopes / np.maximum(np.linalg.norm(slopes, axis=1, keepdims=True), 1e-6)
    # A sheet of one voxel has no side of its own: that which is seen is lit.
    normals = normals @ turn.T
    normals[normals[:, 2] > 0] *= -1
    return 60.0 + 165.0 * np.clip(normals @ _LIGHT, 0.0, 1.0)
