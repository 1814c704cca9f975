"""`load_label_maps(folder)`: maps of classes and instances, and their photographs."""

import numpy as np

from keras_gans.data.decoding import DamagedPicture, read_header, read_map
from keras_gans.data.folder import SPLIT_NAMES, choose_splits, sub_folders
from keras_gans.data.loading import locate
from keras_gans.data.pair_files import check_proportions, match_pictures
from keras_gans.data.picture_files import PictureFiles
from keras_gans.data.pixels import as_size, fit_picture

# What pix2pixHD's authors call the folders of a split.
KINDS = "label", "inst", "img"


def load_label_maps(source, split="train", image_size=None):
    """Loads label maps, instance maps and the pictures that they describe.

    A folder holds `train_label`, `train_img` and, where instances are known,
    `train_inst`, and the same for `test`, `val`, ..., as pix2pixHD's authors lay them
    out. Files belong together if their names differ in the suffix only. Maps are grey
    pictures of 8 or 16 bits, or have a palette; their numbers are read as they are, and
    resized to the nearest pixel.

    Args:
        source: Folder, or its name in the folder `KERAS_GANS_DATA`.
        split: str, `"train"`, `"test"`, ..., or `"all"`.
        image_size: int or `(height, width)`, see `resize`; must be given if the
            pictures have several sizes.

    Returns:
        `(labels, instances, images)`: int32 `(n, height, width)`, the same or `None`,
        and uint8 `(n, height, width, channels)`.

    Raises:
        FileNotFoundError: If there is no such path.
        ValueError: If it is no such folder, has no such split, a map has no picture or
            no numbers, or sizes differ.
    """
    kind, path = locate(source)
    by_split = _folders_of(path) if kind == "folder" else {}
    if not by_split:
        raise ValueError(
            f"{source!r} holds no label maps: expected a folder with train_label, "
            "train_img and, for instances, train_inst."
        )
    parts = [
        _read(folders, None if image_size is None else as_size(image_size))
        for folders in choose_splits(by_split, split, path)
    ]
    labels, instances, images = zip(*parts, strict=True)
    some = [part for part in instances if part is not None]
    if some and len(some) < len(parts):
        raise ValueError(f"{path} has instance maps in some of its splits only.")
    joined = _joined(labels, path), (_joined(some, path) if some else None)
    return (*joined, _joined(images, path))


def _folders_of(path):
    inside, found = sub_folders(path), {}
    for split in SPLIT_NAMES:
        label, instance, image = (inside.get(f"{split}_{kind}") for kind in KINDS)
        if label and image:
            found[split] = label, instance, image
    return found


def _read(folders, size):
    label, instance, image = folders
    maps, names = match_pictures(label, image, "all")
    files = PictureFiles(image, None, size, None, True, "raise", tuple(names))
    images = files.decode_all()
    files.drop_damaged()
    size = images.shape[1:3]
    labels, instances = read_maps(maps, size, names), None
    if instance is not None:
        maps = match_pictures(label, instance, "all")[1]
        instances = read_maps(maps, size, names)
    return labels, instances, images


def read_maps(files, size, beside=None):
    """The numbers of files of one size.

    Args:
        files: List of paths.
        size: `(height, width)`, to which they are brought.
        beside: Paths of the pictures that the maps lie upon; `None` for none.

    Returns:
        int32 array `(n, height, width)`.

    Raises:
        ValueError: If a file cannot be read, or has other proportions than its picture.
    """

    def finish(picture):
        if (picture.height, picture.width) != tuple(size):
            picture = fit_picture(picture, size, antialias=False)
        return np.asarray(picture)

    found = []
    for index, file in enumerate(files):
        if beside is not None:
            sizes = (read_header(path)[0] for path in (file, beside[index]))
            check_proportions(*sizes, file)
        try:
            found.append(read_map(file, finish))
        except DamagedPicture as why:
            raise ValueError(f"{file}: {why}") from why
    return np.stack(found)


def _joined(parts, path):
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"The splits of {path} differ in size: pass image_size=...")
    return np.concatenate(parts)
