"""Where one source keeps its two sides, a and b: which folders, which arrays."""

from pathlib import Path

import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.archives import Archive
from keras_gans.data.folder import SPLIT_NAMES, choose_splits, sub_folders
from keras_gans.data.npz import as_images
from keras_gans.data.pixels import recolor, resize

_SIDES = "A", "B"
# Ours first; `{}` is the split.
_SPLIT_KEYS = (("{}_source", "{}_target"), ("{}_a", "{}_b"))
_WHOLE_KEYS = (("source", "target"), ("a", "b"))


def side_folders(folder, split):
    """Finds the folders of both sides, as junyanz lays them out.

    `A/` and `B/`, each with `train/`, `test/`, ... or without splits; `train/A/` and
    `train/B/`; or `trainA/` and `trainB/`.

    Args:
        folder: Path of the folder that holds them.
        split: `"train"`, `"test"`, `"val"`, `"validation"` or `"all"`.

    Returns:
        List of `(folder_a, folder_b, split)`, one for each split that was asked for,
        with the split to list within both. Empty for a folder of another layout.

    Raises:
        ValueError: If the layout is one of these and has no such split.
    """
    inside = sub_folders(folder)
    if set(_SIDES) <= set(inside):
        return [(*(inside[side] for side in _SIDES), split)]
    by_split = {}
    for name in SPLIT_NAMES:
        joined = [inside.get(name + side) for side in _SIDES]
        below = sub_folders(inside[name]) if name in inside else {}
        nested = [below.get(side) for side in _SIDES]
        for pair in (joined, nested):
            if all(pair):
                by_split[name] = (*pair, "all")
    return choose_splits(by_split, split, folder) if by_split else []


def archived_sides(path, split):
    """Reads both sides from an `.npz` file.

    Args:
        path: Path of the file; its arrays are called `train_source` and
            `train_target`, or `train_a` and `train_b` (and so for other splits), or
            without a split, which is then both `"train"` and `"all"`.
        split: As in `side_folders`.

    Returns:
        List of `(a, b)`, uint8 arrays `(num_images, height, width, channels)`, one for
        each split that was asked for.

    Raises:
        ValueError: If there are no such arrays, or they hold no pictures.
    """
    with open(path, "rb") as file:
        archive = Archive(path, file)
        by_split = {
            name: [key.format(name) for key in keys]
            for keys in reversed(_SPLIT_KEYS)
            for name in SPLIT_NAMES
            if {key.format(name) for key in keys} <= set(archive.names)
        }
        for keys in reversed(_WHOLE_KEYS):
            if set(keys) <= set(archive.names):
                by_split = by_split or {"train": keys}
        if not by_split:
            raise ValueError(
                f"{path} has no two sides: expected 'train_source' and 'train_target', "
                "'train_a' and 'train_b' (so for 'test'), or 'source' and 'target'. "
                f"Found {shown(sorted(archive.names))}."
            )
        chosen = choose_splits(by_split, split, path)
        return [
            tuple(as_images(archive.read(key), f"{path}: {key}") for key in keys)
            for keys in chosen
        ]


def join_splits(parts, side, image_size, color_mode, antialias=True):
    """Brings one side of what `archived_sides` returned into one array.

    Args:
        parts: List of `(a, b)`.
        side: 0 for a, 1 for b.
        image_size: `(height, width)` or `None`.
        color_mode, antialias: As in `load`.

    Returns:
        uint8 array `(num_images, height, width, channels)`.

    Raises:
        ValueError: If the splits differ in shape.
    """
    images = [part[side] for part in parts]
    if image_size is not None:
        images = [resize(part, image_size, antialias) for part in images]
    images = [recolor(part, color_mode) for part in images]
    shapes = [part.shape[1:] for part in images]
    if len(set(shapes)) > 1:
        raise ValueError(
            f"The splits hold pictures of the shapes {', '.join(map(str, shapes))}: "
            "load each by itself, or pass image_size=... and color_mode=..."
        )
    return np.concatenate(images)


def is_two(source):
    """Whether a source names its sides one by one, as `(a, b)`.

    Raises:
        ValueError: If it names more or fewer than two.
    """
    if not isinstance(source, (tuple, list)):
        return False
    if len(source) != 2:
        raise ValueError(f"Two sides are a pair (a, b). Found {len(source)} of them.")
    return True


def names_below(files, folder):
    """`{path below the folder without suffix: path}` of files.

    Raises:
        ValueError: If two files differ in their suffixes only.
    """
    found = {}
    for file in files:
        name = Path(file).relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise ValueError(
                f"{shown(found[name])} and {shown(file)} differ in their "
                "suffixes only: which of them is meant? Remove one."
            )
        found[name] = file
    return found
