"""`load_pictures(name)`: pictures as they are, each in a size of its own."""

import re

import numpy as np

from keras_gans.data.archives import Archive
from keras_gans.data.decoding import read_picture
from keras_gans.data.folder import list_pictures
from keras_gans.data.loading import locate
from keras_gans.data.npz import as_images
from keras_gans.data.picture_files import PictureFiles
from keras_gans.data.pixels import check_color_mode, recolor


def load_pictures(name, split="train", color_mode="rgb", on_damaged="raise"):
    """Loads pictures that need not be of one size, as super-resolution takes them.

    `name` is a folder of pictures, however they lie in sub-folders; or an `.npz` file
    whose arrays `train_...` and `test_...` are a picture `(height, width, channels)` or
    several of one size each, in the order of their names. With the environment variable
    `KERAS_GANS_DATA=<folder>`, what is there goes by its name.

    Args:
        name: str or path, see above: `"super_resolution/t91"`.
        split: `"train"`, `"test"`, ... or `"all"`, as in `load`.
        color_mode: `"rgb"`, `"grey"`, or `None` to keep the source's.
        on_damaged: As in `load`, for folders.

    Returns:
        List of uint8 arrays `(height, width, channels)`, sorted by name.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ValueError: If there are no pictures, some are damaged, or an argument is
            wrong.
    """
    check_color_mode(color_mode)
    kind, path = locate(name)
    if kind == "folder":
        files = list_pictures(path, split)
        return _MixedFiles(path, split, color_mode, on_damaged, files).read_all()
    if kind == "npz":
        return [recolor(image, color_mode) for image in _of_archive(path, split)]
    raise FileNotFoundError(
        f"There is no folder of pictures and no .npz file {str(name)!r}."
    )


class _MixedFiles(PictureFiles):
    """`PictureFiles` without a common size."""

    def __init__(self, folder, split, color_mode, on_damaged, files):
        super().__init__(folder, split, None, color_mode, True, on_damaged, files)

    def _common_size(self):
        return (None, None)

    def read(self, index):
        """The picture at `index`, uint8; or raises DamagedPicture."""
        return read_picture(self.files[index], self.color_mode, self._pixels)

    def read_all(self):
        """The pictures of every sound file; reports the damaged ones."""
        found = {}

        def fill(index):
            found[index] = self.read(index)

        self._find_damaged(fill)
        sound = self.drop_damaged()
        return [found[index] for index in np.flatnonzero(sound)]


def _of_archive(path, split):
    prefix = "(train|test)" if split == "all" else re.escape(split)
    with open(path, "rb") as file:
        archive = Archive(path, file)
        names = sorted(n for n in archive.names if re.match(f"{prefix}_", n))
        arrays = [archive.read(name) for name in names if "label" not in name]
    found = []
    for name, array in zip(names, arrays, strict=False):
        several = array if array.ndim == 4 else array[None]
        found += list(as_images(several, f"{path}: {name}"))
    if not found:
        raise ValueError(f"{path} has no arrays {split}_... that hold pictures.")
    return found
