"""Volumes of voxels from files: arrays, `.binvox`, meshes."""

import os
from pathlib import Path

import numpy as np

from keras_gans.data.folder import SUFFIXES as PICTURE_SUFFIXES
from keras_gans.data.folder import list_folder
from keras_gans.data.many_files import read_each
from keras_gans.data.meshes import MAX_SIDE, READ_SUFFIXES, import_trimesh, voxelize

SUFFIXES = (".npy", ".binvox", *READ_SUFFIXES)


def holds_volumes(folder):
    """Whether the first file of a known kind in a folder is a volume's.

    Args:
        folder: Path.
    """
    for _, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.startswith("."):
                continue
            if name.lower().endswith(PICTURE_SUFFIXES):
                return False
            if name.lower().endswith(SUFFIXES):
                return True
    return False


def list_volumes(folder, split):
    """As `list_folder`, for the files of volumes."""
    return list_folder(folder, split, SUFFIXES)


def load_volumes(folder, split, side=None, on_damaged="raise"):
    """The volumes of a folder, and the classes that its sub-folders are.

    Args:
        folder: Path of the folder.
        split: As for `load`.
        side: Voxels a side; needed for meshes.
        on_damaged: As for `load`.

    Returns:
        uint8 volumes `(num, side, side, side, 1)`, and int64 labels or `None`.

    Raises:
        ImportError: for meshes and `.binvox` files without trimesh.
        ValueError: as `load`.
    """
    files, labels, _ = list_volumes(folder, split)

    def read(file):
        return as_volumes(read_volume(file, side)[None], "it")[0]

    volumes, sound = read_each(folder, files, read, on_damaged, "volumes")
    return volumes, None if labels is None else labels[sound]


def read_volume(path, side=None):
    """One volume.

    Args:
        path: A `.npy` file of an array `(depth, height, width)` of 0 and 1, or of
            bytes; a `.binvox` file; or a mesh, which is voxelised.
        side: Voxels a side; `None` for the file's own, which a mesh has not.

    Returns:
        bool or uint8 array `(depth, height, width)`.

    Raises:
        ImportError: for meshes and `.binvox` files without trimesh.
        ValueError: for a damaged file, or one that does not fit `side`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in READ_SUFFIXES:
        if side is None:
            raise ValueError(
                "a mesh has no voxels of its own: pass image_size=32, or another side"
            )
        return voxelize(path, side)
    volume = _read_npy(path) if suffix == ".npy" else _read_binvox(path)
    return volume if side is None else fitted(volume[None], side)[0]


def as_volumes(volumes, where):
    """Arrays as uint8 volumes `(num, depth, height, width, 1)` in [0, 255].

    Args:
        volumes: Array of bool, or of integers: occupancies 0 and 1 become 0 and 255,
            bytes stay. The channel axis may be absent.
        where: The file and the name in it, for the message.

    Raises:
        ValueError: If it holds no volumes.
    """
    if volumes.ndim == 4:
        volumes = volumes[..., None]
    if volumes.ndim != 5 or volumes.shape[-1] != 1 or 0 in volumes.shape:
        raise ValueError(
            f"{where} has shape {volumes.shape}, expected (num_volumes, depth, height, "
            "width), with or without one channel."
        )
    if volumes.dtype == bool:
        return volumes.astype("uint8") * np.uint8(255)
    if volumes.dtype.kind not in "iu" or volumes.min() < 0 or volumes.max() > 255:
        raise ValueError(
            f"{where} is {volumes.dtype}, expected occupancies of 0 and 1, bool or "
            "integers, or bytes: nothing is rescaled by guess."
        )
    volumes = volumes.astype("uint8", copy=False)
    return volumes if volumes.max() > 1 else volumes * np.uint8(255)


def fitted(volumes, side):
    """Volumes of another size: smaller ones amid empty space, larger ones reduced.

    Args:
        volumes: Array `(num, depth, height, width)`, or with channels behind.
        side: Voxels of a side. Larger volumes must be a multiple of it; of each block
            the largest value stays, so that nothing thin is lost.

    Returns:
        Array `(num, side, side, side)`, or with channels.

    Raises:
        ValueError: for sides that are neither smaller nor a multiple.
    """
    sides = volumes.shape[1:4]
    if max(sides) <= side:
        spare = [side - length for length in sides]
        around = [(0, 0), *((s // 2, s - s // 2) for s in spare)]
        return np.pad(volumes, around + [(0, 0)] * (volumes.ndim - 4))
    if any(length % side for length in sides) or len(set(sides)) > 1:
        raise ValueError(
            f"Volumes of {'x'.join(map(str, sides))} voxels do not fit into sides of "
            f"{side}: choose a side that holds them or divides theirs."
        )
    times = sides[0] // side
    blocks = volumes.reshape(
        len(volumes), side, times, side, times, side, times, *volumes.shape[4:]
    )
    return blocks.max(axis=(2, 4, 6))


def resized(volumes, image_size, color_mode):
    """What `load` makes of volumes: of another side, where one is asked for.

    Args:
        volumes: uint8 array `(num, depth, height, width, 1)`.
        image_size: `(side, side)`, or `None`.
        color_mode: `None` or `"grey"`.

    Raises:
        ValueError: as `fitted`, and for colours.
    """
    if color_mode == "rgb":
        raise ValueError("Volumes have no colours: leave color_mode out.")
    return volumes if image_size is None else fitted(volumes, cube_of(image_size))


def cube_of(image_size):
    """The side of a cube, of `(height, width)`; `None` of `None`."""
    if image_size is None:
        return None
    if len(set(image_size)) > 1 or image_size[0] > MAX_SIDE:
        raise ValueError(
            f"Volumes are cubes of at most {MAX_SIDE} voxels a side: pass one number. "
            f"Found: {tuple(image_size)}."
        )
    return image_size[0]


def _read_npy(path):
    try:
        # Mapped: a header that claims more than the file holds is refused.
        volume = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as why:
        raise ValueError(f"it is no array of numbers: {why}") from why
    if volume.ndim == 4 and volume.shape[-1] == 1:
        volume = volume[..., 0]
    if volume.ndim != 3 or volume.dtype.kind not in "biu":
        raise ValueError(
            f"it holds {volume.dtype} of shape {volume.shape}, expected bool or "
            "integers (depth, height, width)"
        )
    return np.array(volume)


def _read_binvox(path):
    trimesh = import_trimesh()
    with open(path, "rb") as file:
        _check_binvox(file.read(4096))
        file.seek(0)
        try:
            return np.array(trimesh.load(file, file_type="binvox").matrix)
        except Exception as why:  # its parser raises a dozen kinds
            raise ValueError(f"its voxels cannot be read: {why}") from why


def _check_binvox(head):
    """Refuses what a header of a few bytes would unpack to."""
    lines = head.split(b"\n", 8)
    sides = [line.split()[1:] for line in lines if line.startswith(b"dim ")]
    if not head.startswith(b"#binvox") or not sides:
        raise ValueError("it is no .binvox file: its first lines say no 'dim'")
    if len(sides[0]) != 3 or not all(
        side.isdigit() and len(side) < 6 and 0 < int(side) <= MAX_SIDE
        for side in sides[0]
    ):
        raise ValueError(f"its sides are not three numbers from 1 to {MAX_SIDE}")
