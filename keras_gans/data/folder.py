"""Which pictures a folder holds, and which class each belongs to."""

import collections
import os
from pathlib import Path

import numpy as np

from keras_gans.core.plain_json import shown

MAX_DEPTH = 100
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
SPLIT_NAMES = ("train", "test", "val", "validation")

Listing = collections.namedtuple("Listing", "files labels class_names")


def list_folder(folder, split, suffixes=SUFFIXES):
    """Lists the pictures of one split.

    Args:
        folder: Path of the folder.
        split: `"train"`, `"test"`, ... A folder whose sub-folders are all named
            after splits has these; any other has one split, both `"train"` and
            `"all"`.
        suffixes: Endings of the files' names, in small letters.

    Returns:
        `files` (sorted paths), `labels` (int64 array, or `None` for a flat folder)
        and `class_names` (or `None`).

    Raises:
        ValueError: If there are no pictures, the split does not exist, pictures lie
            both beside and inside class folders, folders nest deeper than `MAX_DEPTH`,
            or a symbolic link leaves `folder` or goes in circles.
    """
    folder = Path(folder)
    by_split = _by_split(folder, suffixes)
    parts = choose_splits(by_split, split, folder)
    # One list of names for all splits: a class that a split lacks moves no label.
    named = {name for part in by_split.values() for name in part if name is not None}
    if named and any(None in part for part in by_split.values()):
        raise ValueError(
            f"{folder} has pictures both beside and inside its class folders "
            f"({', '.join(map(shown, sorted(named)[:5]))}): a picture beside them has "
            "no label."
        )
    class_names = tuple(sorted(named)) or None
    pairs = [(f, name) for part in parts for name, fs in part.items() for f in fs]
    if not pairs:
        raise _no_pictures(folder, split, suffixes)
    files = tuple(file for file, _ in pairs)
    if class_names is None:
        return Listing(files, None, None)
    labels = np.array([class_names.index(name) for _, name in pairs], "int64")
    return Listing(files, labels, class_names)


def list_pictures(folder, split):
    """Lists the pictures of one split, however they lie in sub-folders.

    Args:
        folder: Path of the folder.
        split: As in `list_folder`.

    Returns:
        Tuple of paths.

    Raises:
        ValueError: As `list_folder`, for all but pictures beside class folders.
    """
    parts = choose_splits(_by_split(Path(folder), SUFFIXES), split, folder)
    found = tuple(file for part in parts for files in part.values() for file in files)
    if not found:
        raise _no_pictures(folder, split, SUFFIXES)
    return found


def choose_splits(by_split, split, where):
    """Returns a list of what a split has: all values for `"all"`, else one.

    Raises:
        ValueError: If `by_split` has no such split.
    """
    if split == "all":
        return list(by_split.values())
    if split not in by_split:
        raise ValueError(f"{where} has the splits {list(by_split)}, got {split!r}.")
    return [by_split[split]]


def sub_folders(folder):
    """The folders in a folder, `{name: path}`, without hidden ones.

    Raises:
        ValueError: If a symbolic link leaves `folder` or goes in circles.
    """
    folder = Path(folder)
    entries = _entries(folder, folder.resolve())
    return {entry.name: Path(entry.path) for entry in entries if entry.is_dir()}


def _no_pictures(folder, split, suffixes):
    what = "pictures" if suffixes is SUFFIXES else "files"
    kinds = ", ".join(suffixes)
    return ValueError(f"{folder} holds no {what} ({kinds}) for split {split!r}.")


def _by_split(folder, suffixes):
    """{split: {class name or None: [files]}} of the whole folder."""
    root = folder.resolve()
    top = _entries(folder, root)
    split_folders = {e.name: e for e in top if e.is_dir()}
    loose = any(_is_wanted(entry, suffixes) for entry in top)
    if split_folders and not loose and set(split_folders) <= set(SPLIT_NAMES):
        return {
            name: _by_class(Path(split_folders[name].path), root, suffixes)
            for name in SPLIT_NAMES
            if name in split_folders
        }
    return {"train": _by_class(folder, root, suffixes)}


def _by_class(folder, root, suffixes):
    """{class name: [files]}; the name is `None` for pictures outside sub-folders."""
    found, seen = {}, set()
    for entry in _entries(folder, root):
        if entry.is_dir():
            inside = _walk(entry, root, (folder.resolve(),), seen, suffixes)
            if inside:
                found[entry.name] = inside
        elif _is_wanted(entry, suffixes):
            found.setdefault(None, []).append(Path(entry.path))
    return found


def _walk(entry, root, above, seen, suffixes):
    """All pictures below a folder, however deep."""
    folder, files = entry.path, []
    here = Path(folder).resolve()
    if here in above:
        raise ValueError(
            f"{shown(folder)} is a symbolic link to a folder that contains it."
        )
    if len(above) > MAX_DEPTH:
        raise ValueError(f"{shown(folder)} is nested deeper than {MAX_DEPTH} folders.")
    if here in seen:
        # Links to folders with links to folders: each level doubles the pictures.
        raise ValueError(
            f"{shown(folder)} leads to {here}, which another link led to: copy it."
        )
    seen.add(here)
    for inside in _entries(folder, root):
        if inside.is_dir():
            files += _walk(inside, root, (*above, here), seen, suffixes)
        elif _is_wanted(inside, suffixes):
            files.append(Path(inside.path))
    return files


def _entries(folder, root):
    """What a folder holds, sorted, without hidden names; links must stay in `root`."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    entries = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in entries:
        if entry.is_symlink():
            _check_link(entry, root)
    return entries


def _check_link(entry, root):
    try:
        stays = Path(entry.path).resolve().is_relative_to(root)
        entry.is_dir()
    except (OSError, RuntimeError) as error:  # RuntimeError: a link in a circle
        raise ValueError(
            f"{shown(entry.path)} is a symbolic link that leads nowhere: {error}"
        ) from error
    if not stays:
        raise ValueError(
            f"{shown(entry.path)} is a symbolic link that leaves {root}: copy what it "
            "points to, or load that folder."
        )


def _is_wanted(entry, suffixes):
    return not entry.is_dir() and entry.name.lower().endswith(suffixes)
