"""Pictures with texts that say what is on them."""

from typing import NamedTuple

import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.archives import Archive
from keras_gans.data.captioned_shapes import load_captioned_shapes, number_of
from keras_gans.data.loading import ask_tfds, class_names, load, locate
from keras_gans.data.picture_files import PictureFiles
from keras_gans.data.pixels import as_size
from keras_gans.data.tfds_source import load_tfds_captions

# Number and seed of the pictures drawn for a split.
_SHAPES = {"train": (12_000, 0), "test": (2_000, 1)}
_MAX_BYTES = 1 << 16


class Captioned(NamedTuple):
    """uint8 images; texts `(num, captions)`; int64 labels `(num,)`, or `None`."""

    images: np.ndarray
    captions: np.ndarray
    labels: np.ndarray | None


def load_captioned(
    name,
    split="train",
    image_size=None,
    color_mode=None,
    antialias=True,
    on_damaged="raise",
):
    """Loads pictures and their captions.

    `name` is one of

    * `"captioned_shapes"`: circles, squares and triangles that are drawn here, 12,000
      for `"train"` and 2,000 for `"test"`; see `load_captioned_shapes`.
    * A folder of pictures with `a.txt` beside `a.png`, each line of which is a caption.
    * An `.npz` file as for `load`, with `train_captions` or `captions`: texts `(num,)`
      or `(num, captions)`.
    * A TensorFlow Datasets name with the feature `captions`, such as `"coco_captions"`;
      it needs an `image_size`.
    * Anything else that `load` knows and that has classes: their names are the
      captions.

    Where pictures have different numbers of captions, some are repeated.

    Args:
        name: See above.
        split: As for `load`, like what follows.
        image_size: int or `(height, width)`.
        color_mode: `"grey"`, `"rgb"` or `None`.
        antialias: Whether resizing makes new colours.
        on_damaged: `"raise"` or `"skip"`.

    Returns:
        `Captioned(images, captions, labels)`.

    Raises:
        ValueError: for pictures without captions, naming some; or as `load`.

    Example:

    >>> found = load_captioned("captioned_shapes", split="test")
    >>> found.images.shape, found.captions.shape
    ((2000, 32, 32, 3), (2000, 1))
    """
    options = (split, image_size, color_mode, antialias, on_damaged)
    if name == "captioned_shapes":
        return _shapes(split, image_size)
    kind, path = locate(name)
    if kind == "folder":
        return _from_folder(path, *options)
    if kind == "npz":
        return _from_npz(name, path, *options)
    if kind == "tfds":
        found = ask_tfds(load_tfds_captions, name, split, image_size, antialias)
        if found is not None:
            images, captions = found
            return Captioned(images, as_rows(captions), None)
    return _named_classes(name, *load(name, *options))


def as_rows(captions):
    """Texts `(num, captions)` of lists of texts; shorter ones begin again."""
    longest = max(map(len, captions))
    return np.array([[row[i % len(row)] for i in range(longest)] for row in captions])


def _shapes(split, image_size):
    if split not in (*_SHAPES, "all"):
        raise ValueError(f"captioned_shapes has no split {split!r}: train, test, all.")
    size = as_size(32 if image_size is None else image_size)
    if size[0] != size[1]:
        raise ValueError(f"captioned_shapes are squares. Found: {size}.")
    parts = [
        load_captioned_shapes(num, size[0], seed)
        for part, (num, seed) in _SHAPES.items()
        if split in (part, "all")
    ]
    images, captions, labels = zip(
        *((images, texts, number_of(found)) for images, texts, found in parts),
        strict=True,
    )
    joined = map(np.concatenate, (images, captions, labels))
    images, captions, labels = joined
    return Captioned(images, captions[:, None], labels)


def _from_folder(path, *options):
    files = PictureFiles(path, *options)
    images, labels = files.read_all()
    texts = [file.with_suffix(".txt") for file in files.files]
    missing = [text for text in texts if not text.is_file()]
    if len(missing) == len(texts) and labels is not None:
        names = np.array(files.class_names)
        return Captioned(images, names[labels][:, None], labels)
    if missing:
        some = ", ".join(shown(text.relative_to(path)) for text in missing[:5])
        raise ValueError(
            f"{len(missing)} of {len(texts)} pictures in {path} have no captions: "
            f"{some} ... are not there. Write the lines of a picture's captions to a "
            ".txt file beside it."
        )
    return Captioned(images, as_rows([_lines(text, path) for text in texts]), labels)


def _lines(file, folder):
    where = shown(file.relative_to(folder))
    if file.stat().st_size > _MAX_BYTES:
        raise ValueError(f"{where} is larger than 64 kB: these are no captions.")
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as why:
        raise ValueError(f"{where} is no text in UTF-8: {why}.") from why
    lines = [line.strip() for line in lines if line.strip()]
    if not lines:
        raise ValueError(f"{where} is empty: each line of it is a caption.")
    return lines


def _from_npz(name, path, split, *options):
    images, labels = load(name, split, *options)
    with open(path, "rb") as file:
        archive = Archive(path, file)
        keys = [f"{split}_captions", "captions"]
        if split == "all":
            keys = ["captions"]
            if {"train_captions", "test_captions"} <= set(archive.names):
                keys = ["train_captions", "test_captions"]
        keys = [key for key in keys if key in archive.names]
        if not keys:
            return _named_classes(name, images, labels)
        parts = [archive.read(key) for key in (keys if split == "all" else keys[:1])]
    captions = np.concatenate(parts)
    captions = captions[:, None] if captions.ndim == 1 else captions
    if captions.ndim != 2 or captions.dtype.kind not in "US":
        raise ValueError(
            f"{path}: captions are {captions.dtype} of shape {captions.shape}; texts "
            "(num,) or (num, captions) were expected."
        )
    if len(captions) != len(images):
        raise ValueError(
            f"{path} has {len(images)} images and captions of {len(captions)}."
        )
    if captions.dtype.kind == "S":
        captions = np.char.decode(captions, "utf-8")
    return Captioned(images, captions, labels)


def _named_classes(name, images, labels):
    names = class_names(name)
    if labels is None or names is None:
        raise ValueError(
            f"{name} has no captions: write those of a.png to a.txt beside it, each "
            "in a line, or give an .npz file with the array captions."
        )
    return Captioned(images, np.array(names)[labels][:, None], labels)
