"""`load_detection(name)`: pictures of one size, and the boxes around their objects."""

import collections
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PIL import Image

from keras_gans.core.plain_json import shown
from keras_gans.data.annotated_files import read_annotated
from keras_gans.data.archives import Archive
from keras_gans.data.decoding import DamagedPicture, read_header, read_picture
from keras_gans.data.digit_scenes import load_digit_scenes
from keras_gans.data.loading import locate
from keras_gans.data.npz import as_images, npz_class_names
from keras_gans.data.picture_files import mixed_sizes, room_for
from keras_gans.data.pixels import as_size, check_color_mode, recolor

FITS = ("letterbox", "stretch")
# What a letterbox is filled with.
GREY = 128


class DetectionData(NamedTuple):
    """What `load_detection` returns.

    Attributes:
        images: uint8 `(num_images, height, width, channels)`.
        objects: Dict of float32 `boxes` `(num_images, n, 4)` and int64 `labels`
            `(num_images, n)`, padded with -1; and of `ignored` where it was asked for.
        class_names: Tuple of str.
    """

    images: np.ndarray
    objects: dict
    class_names: tuple


def load_detection(
    name,
    split="train",
    image_size=None,
    color_mode=None,
    fit="letterbox",
    ignored="drop",
    max_objects=None,
):
    """Loads pictures and the boxes around what is to be found in them.

    `name` is one of:

    1. `"digit_scenes"`, 1,000 and 300 scenes of 2 to 5 digits, drawn here;
       `"digit_scenes:two_scales"`, all of them either small or large, and
       `"digit_scenes:bars"`, with bars across; or both, with a comma, and `mnist` for
       digits of MNIST.
    2. A folder as VOC has it (XML files in `Annotations`, pictures in `JPEGImages`) or
       as COCO has it (one JSON file for each part).
    3. An `.npz` file with `train_images`, `train_boxes` `(num_images, n, 4)` in pixels
       (top, left, bottom, right), `train_labels` `(num_images, n)` padded with -1, the
       same with `test_`, `class_names`, and, if need be, `train_ignored`.
    4. With the environment variable `KERAS_GANS_DATA=<folder>`, the name of such a
       folder or file there.

    Args:
        name: str or path, see above.
        split: `"train"`, `"test"`, whatever else there is, or, of folders, `"all"`. A
            VOC folder without lists of its parts has every fifth picture, in the order
            of names, in `"test"`.
        image_size: int or `(height, width)`; `None` keeps the pictures' size, which
            must then be one.
        color_mode: `"grey"`, `"rgb"`, or `None`: a folder is grey only if all its
            pictures are.
        fit: `"letterbox"`: pictures keep their shape and are laid in the middle of
            grey; `"stretch"`: height and width are scaled on their own.
        ignored: `"drop"` leaves difficult objects and crowds out, which is what
            training takes; `"keep"` says which they are, for `detection_figures`.
        max_objects: Boxes that an image has room for; `None` for the most that one has.

    Returns:
        `DetectionData`, which is `(images, objects, class_names)`.

    Raises:
        FileNotFoundError: If nothing of that name exists.
        ValueError: If an argument is wrong, files are damaged, or pictures have several
            sizes or more objects than there is room for.

    Example:

    >>> images, objects, names = load_detection("digit_scenes", "test")
    >>> images.shape, objects["labels"].shape, len(names)
    ((300, 128, 128, 1), (300, 5), 10)
    """
    check_color_mode(color_mode)
    if fit not in FITS or ignored not in ("drop", "keep"):
        raise ValueError(
            f"fit is one of {', '.join(FITS)} and ignored is drop or keep. Found: "
            f"{fit!r} and {ignored!r}."
        )
    size = None if image_size is None else as_size(image_size)
    base, _, variant = str(name).partition(":")
    if base == "digit_scenes":
        return _scenes(variant, split, size, color_mode, ignored, max_objects)
    kind, path = locate(name)
    if kind == "folder":
        images, entries, names = _read_folder(path, split, size, color_mode, fit)
    elif kind == "npz":
        images, entries, names = _read_npz(path, split)
        if size is not None and images.shape[1:3] != size:
            images, entries = _resized(images, entries, size, fit)
        images = recolor(images, color_mode)
    else:
        raise FileNotFoundError(
            f"There is no folder, .npz file or built-in data set of boxes {name!r}."
        )
    height, width = images.shape[1:3]
    objects = _padded(entries, (height, width), ignored, max_objects, name)
    return DetectionData(images, objects, names)


def _scenes(variant, split, size, color_mode, ignored, max_objects):
    if size is not None and size[0] != size[1]:
        raise ValueError(f"Digit scenes are square. Found: image_size={size}.")
    side = None if size is None else size[0]
    images, objects, names = load_digit_scenes(variant, split, side)
    most = objects["labels"].shape[1]
    if max_objects is not None:
        if max_objects < most:
            raise ValueError(f"Digit scenes have {most} objects: raise max_objects.")
        room = ((0, 0), (0, max_objects - most))
        objects["labels"] = np.pad(objects["labels"], room, constant_values=-1)
        room = (*room, (0, 0))
        objects["boxes"] = np.pad(objects["boxes"], room, constant_values=-1)
    if ignored == "keep":
        objects["ignored"] = np.zeros(objects["labels"].shape, bool)
    return DetectionData(recolor(images, color_mode), objects, names)


def fitted(picture, size, fit):
    """A Pillow picture at another size, and what its boxes are changed by.

    Args:
        picture: Pillow picture.
        size: `(height, width)`.
        fit: One of `FITS`.

    Returns:
        `(picture, scales, offsets)`: a point `(y, x)` of the old one lies at
        `scales * (y, x) + offsets` in the new one.
    """
    old, new = np.array((picture.height, picture.width)), np.array(size)
    inner = new
    if fit == "letterbox":
        inner = np.maximum(1, np.round(old * (new / old).min()).astype(int))
        inner = np.minimum(inner, new)
    offsets = (new - inner) // 2
    small = picture.resize((int(inner[1]), int(inner[0])), Image.Resampling.BICUBIC)
    if (inner != new).any():
        room = Image.new(picture.mode, (int(new[1]), int(new[0])), _grey(picture.mode))
        room.paste(small, (int(offsets[1]), int(offsets[0])))
        small = room
    return small, inner / old, offsets


def _grey(mode):
    return GREY if mode == "L" else (GREY,) * len(mode)


def _moved(boxes, scales, offsets):
    """Boxes `(n, 4)` after `fitted`."""
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    return boxes * np.tile(scales, 2) + np.tile(offsets, 2)


def _read_folder(folder, split, size, color_mode, fit):
    listed, names = read_annotated(folder, split)
    if not listed:
        raise ValueError(f"{folder} has no annotated pictures in its part {split!r}.")
    try:
        headers = [read_header(one.file) for one in listed]
    except DamagedPicture as why:
        raise ValueError(f"A picture of {folder} is damaged: {why}.") from why
    if color_mode is None:
        color_mode = "grey" if all(grey for _, grey in headers) else "rgb"
    if size is None:
        sizes = [found for found, _ in headers]
        if len(set(sizes)) > 1:
            raise mixed_sizes(folder, collections.Counter(sizes))
        size = sizes[0]
    channels = {"grey": 1, "rgb": 3}[color_mode]
    images = room_for((len(listed), *size, channels), folder)

    def read(i):
        picture, scales, offsets = read_picture(
            listed[i].file, color_mode, lambda picture: fitted(picture, size, fit)
        )
        images[i] = np.asarray(picture).reshape(*size, channels)
        labels = [names.index(name) for name in listed[i].names]
        return _moved(listed[i].boxes, scales, offsets), labels, listed[i].ignored

    with ThreadPoolExecutor() as pool:
        try:
            return images, list(pool.map(read, range(len(listed)))), names
        except DamagedPicture as why:
            raise ValueError(f"A picture of {folder} is damaged: {why}.") from why


def _read_npz(path, split):
    with open(path, "rb") as file:
        archive = Archive(path, file)
        keys = [f"{split}_{what}" for what in ("images", "boxes", "labels")]
        if missing := [key for key in keys if key not in archive.names]:
            raise ValueError(
                f"{path} has no {' and no '.join(missing)}, found "
                f"{shown(sorted(archive.names))}."
            )
        images, boxes, labels = (archive.read(key) for key in keys)
        ignored = np.zeros(labels.shape, bool)
        if f"{split}_ignored" in archive.names:
            ignored = archive.read(f"{split}_ignored").astype(bool)
    images = as_images(images, f"{path}: {keys[0]}")
    shape = (len(images), labels.shape[-1])
    if (
        labels.shape != shape
        or boxes.shape != (*shape, 4)
        or ignored.shape != shape
        or labels.dtype.kind not in "iu"
        or not np.isfinite(boxes).all()
    ):
        raise ValueError(
            f"{path} has {len(images)} images and boxes of shape {boxes.shape}, "
            f"{labels.dtype} labels of {labels.shape}: expected (num_images, n, 4) "
            "finite numbers and (num_images, n) integers."
        )
    entries = []
    for box, label, crowd in zip(boxes, labels, ignored, strict=True):
        there = label >= 0
        entries.append((box[there].astype(float), label[there], crowd[there]))
    names = npz_class_names(path)
    count = int(labels.max(initial=-1)) + 1
    if names is not None and len(names) < count:
        raise ValueError(f"{path} has {count} classes and {len(names)} names of them.")
    return images, entries, names or tuple(map(str, range(count)))


def _resized(images, entries, size, fit):
    made, moved = np.empty((len(images), *size, images.shape[-1]), "uint8"), []
    for i, (image, (boxes, labels, ignored)) in enumerate(
        zip(images, entries, strict=True)
    ):
        # One channel at a time, as `resize` does.
        for channel in range(image.shape[-1]):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            picture, scales, offsets = fitted(plane, size, fit)
            made[i, ..., channel] = picture
        moved.append((_moved(boxes, scales, offsets), labels, ignored))
    return made, moved


def _padded(entries, size, ignored, max_objects, name):
    """One array of each, of the boxes that have an area inside their picture."""
    kept = []
    for boxes, labels, crowd in entries:
        boxes = np.clip(np.reshape(boxes, (-1, 4)), 0, np.tile(size, 2))
        crowd = np.asarray(crowd, bool)
        there = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)
        there &= ~crowd if ignored == "drop" else True
        kept.append((boxes[there], np.asarray(labels, "int64")[there], crowd[there]))
    most = max(max((len(one[1]) for one in kept), default=0), 1)
    if max_objects is not None and most > max_objects:
        raise ValueError(
            f"{name} has pictures of {most} objects: raise max_objects={max_objects}."
        )
    shape = (len(kept), max_objects or most)
    objects = {
        "boxes": np.full((*shape, 4), -1.0, "float32"),
        "labels": np.full(shape, -1, "int64"),
        "ignored": np.zeros(shape, bool),
    }
    for i, found in enumerate(kept):
        for key, values in zip(objects, found, strict=True):
            objects[key][i, : len(values)] = values
    if ignored == "drop":
        del objects["ignored"]
    return objects
