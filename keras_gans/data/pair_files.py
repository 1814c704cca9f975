"""Pairs of pictures in files: side by side in one, or under one name in two folders."""

import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.folder import list_pictures
from keras_gans.data.picture_files import PictureFiles
from keras_gans.data.two_sides import names_below

_NAMED = 5


def read_side_by_side(folder, split, image_size, color_mode, antialias, on_damaged):
    """Reads pictures whose left half is a and whose right half is b.

    Args:
        folder, split, image_size, color_mode, on_damaged: As in `load`.
        antialias: Two bools, for each half as in `load`.

    Returns:
        `(a, b)`, uint8 arrays `(num_images, height, width, channels)`.

    Raises:
        ValueError: As `load`, and for odd widths.
    """
    names = list_pictures(folder, split)
    files = _SideBySideFiles(
        folder, split, image_size, color_mode, antialias, on_damaged, names
    )
    halves = files.decode_all()
    sound = files.drop_damaged()
    halves = halves if sound.all() else halves[sound]
    return halves[:, 0], halves[:, 1]


def read_parallel(root, folders, image_size, color_mode, antialias, on_damaged):
    """Reads pictures that are pairs by their names in two folders.

    Args:
        root: Two paths, below which the folders of a and of b lie.
        folders: List of `(folder_a, folder_b, split)`.
        image_size, color_mode, on_damaged: As in `load`. A pair is left out if one of
            its pictures is.
        antialias: Two bools, for each side as in `load`.

    Returns:
        `(a, b)`, as `read_side_by_side`.

    Raises:
        ValueError: As `load`; also if a picture has no counterpart, or the pictures
            of a pair have different proportions.
    """
    matched = [match_pictures(*part) for part in folders]
    sides = [
        PictureFiles(
            root[side],
            None,
            image_size,
            color_mode,
            antialias[side],
            on_damaged,
            tuple(file for part in matched for file in part[side]),
        )
        for side in (0, 1)
    ]
    _check_files(*sides)
    images = [side.decode_all() for side in sides]
    _share_damage(*sides)
    sound = sides[0].drop_damaged()
    a, b = (side if sound.all() else side[sound] for side in images)
    return a, b


def match_pictures(folder_a, folder_b, split):
    """Lists two folders in one order, that of the first: pictures and counterparts.

    They belong together if their paths within the folders differ in the suffix only.

    Args:
        folder_a: Path.
        folder_b: Path.
        split: As in `load`.

    Returns:
        `(files_a, files_b)`, lists of one length.

    Raises:
        ValueError: If a picture has no counterpart; counts both sides and names the
            first ones.
    """
    folders = folder_a, folder_b
    a, b = (names_below(list_pictures(f, split), f) for f in folders)
    alone_a, alone_b = sorted(set(a) - set(b)), sorted(set(b) - set(a))
    if alone_a or alone_b:
        missing = [
            f"{len(alone)} of {here} have no counterpart in {there} "
            f"({', '.join(shown(name) for name in alone[:_NAMED])}"
            f"{', ...' if len(alone) > _NAMED else ''})"
            for alone, here, there in (
                (alone_a, folder_a, folder_b),
                (alone_b, folder_b, folder_a),
            )
            if alone
        ]
        raise ValueError(
            f"Pairs have one name, but for the suffix: {folder_a} has {len(a)} "
            f"pictures, {folder_b} has {len(b)}; {' and '.join(missing)}. Rename or "
            "remove them; load_unpaired reads sides that are no pairs."
        )
    return list(a.values()), [b[name] for name in a]


def check_proportions(size_a, size_b, what):
    """Raises a ValueError unless one picture is the other at another scale.

    Args:
        size_a: `(height, width)`.
        size_b: `(height, width)`.
        what: Which pair, for the message.
    """
    difference = abs(size_a[0] * size_b[1] - size_a[1] * size_b[0])
    # As much as a pixel of the smaller picture makes: halved sides are rounded.
    if difference <= max(*size_a, *size_b):
        return
    a, b = ("x".join(map(str, size)) for size in (size_a, size_b))
    raise ValueError(
        f"{what} is no pair: {a} and {b} (height x width) have different proportions, "
        "so that they would not lie upon each other."
    )


class _SideBySideFiles(PictureFiles):
    """Images are `(2, height, width, channels)`: the left half, the right half."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.image_shape = (2, *self.image_shape)

    def _headers(self):
        headers, damaged = super()._headers()
        odd = [index for index, ((_, width), _) in headers.items() if width % 2]
        if odd:
            named = ", ".join(
                f"{shown(self.files[i].relative_to(self.folder))} ({headers[i][0][1]})"
                for i in odd[:_NAMED]
            )
            raise ValueError(
                f"{len(odd)} of {len(self)} pictures in {self.folder} have an odd "
                f"width and no two halves: {named}{', ...' * (len(odd) > _NAMED)}. "
                "Side by side, a is the left and b the right half."
            )
        halves = {i: ((h, w // 2), grey) for i, ((h, w), grey) in headers.items()}
        return halves, damaged

    def _pixels(self, picture):
        halves, middle = [], picture.width // 2
        for left, antialias in zip((0, middle), self.antialias, strict=True):
            half = picture.crop((left, 0, left + middle, picture.height))
            halves.append(self._fitted(half, antialias))
        return np.stack(halves)


def _check_files(a, b):
    for index in sorted(set(a.sizes) & set(b.sizes)):
        name = shown(a.files[index].relative_to(a.folder))
        check_proportions(a.sizes[index], b.sizes[index], name)


def _share_damage(a, b):
    """Notes under a what is damaged in b."""
    for index, reason in b.damaged.items():
        name = shown(b.files[index].relative_to(b.folder))
        a.damaged.setdefault(index, f"its counterpart {name}: {reason}")
