"""Pictures, volumes or videos, and labels from one `.npz` file, never unpickled."""

import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.archives import Archive
from keras_gans.data.videos import as_videos
from keras_gans.data.volumes import as_volumes

# Ours first, then Keras's own `mnist.npz`; `{}` is the split.
_SPLIT_KEYS = (
    ("{}_images", "{}_labels"),
    ("x_{}", "y_{}"),
    ("{}_voxels", "{}_labels"),
    ("{}_videos", "{}_labels"),
)
_WHOLE_KEYS = (("images", "labels"), ("voxels", "labels"), ("videos", "labels"))


def load_npz(path, split):
    """uint8 images, volumes or videos, channels last, and int64 labels or `None`."""
    with open(path, "rb") as file:
        archive, parts = Archive(path, file), []
        for key, label_key in _keys_of(archive, split, path):
            kinds = {"voxels": as_volumes, "videos": as_videos}
            as_data = kinds.get(key.rpartition("_")[2], as_images)
            images = as_data(archive.read(key), f"{path}: {key}")
            labels = _as_labels(archive, label_key, len(images), path)
            parts.append((images, labels))
    if len(parts) == 1:
        return parts[0]
    shapes = {images.shape[1:] for images, _ in parts}
    if len(shapes) > 1:
        raise ValueError(
            f"{path}: train and test images differ in shape "
            f"({', '.join(map(str, shapes))}): load each split by itself."
        )
    images = np.concatenate([images for images, _ in parts])
    labels = [labels for _, labels in parts]
    if any(part is None for part in labels):
        return images, None
    return images, np.concatenate(labels)


def npz_class_names(path):
    """The names stored under `class_names`, or `None`."""
    with open(path, "rb") as file:
        archive = Archive(path, file)
        if "class_names" not in archive.names:
            return None
        names = archive.read("class_names")
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise ValueError(
            f"{path}: class_names is {names.dtype} of shape {names.shape}, expected "
            "one text for each class."
        )
    return tuple(str(name) for name in names)


def _keys_of(archive, split, path):
    """The (images, labels) keys that make up `split`, existing ones only."""
    found = {
        part: (images.format(part), labels.format(part))
        for images, labels in reversed(_SPLIT_KEYS)
        for part in ("train", "test")
        if images.format(part) in archive.names
    }
    if split in found:
        return [found[split]]
    if split == "all" and found:
        return [found[part] for part in ("train", "test") if part in found]
    whole = [keys for keys in _WHOLE_KEYS if keys[0] in archive.names]
    if split in ("train", "all") and not found and whole:
        return whole[:1]
    raise ValueError(
        f"{path} has no images for split {split!r}: expected 'train_images' and "
        "'test_images', 'x_train' and 'x_test', the same of 'voxels' or 'videos', or "
        "'images', 'voxels' or 'videos' (for 'train' and 'all'), found "
        f"{shown(sorted(archive.names))}."
    )


def as_images(images, where):
    """Returns an array as uint8 pictures `(num_images, height, width, channels)`.

    Args:
        images: Array of integers; the channel axis may be absent.
        where: The file and the name in it, for the message.

    Raises:
        ValueError: If it holds no pictures.
    """
    if images.ndim == 3:  # Keras's mnist.npz leaves the single channel out
        images = images[..., None]
    if images.ndim != 4:
        raise ValueError(
            f"{where} has shape {images.shape}, expected (num_images, height, "
            "width, channels)."
        )
    if 0 in images.shape[1:]:
        raise ValueError(f"{where} has shape {images.shape}: pictures without pixels.")
    if images.dtype == np.uint8:
        return images
    integers = images.dtype.kind in "iu"
    if not integers or (images.size and (images.min() < 0 or images.max() > 255)):
        raise ValueError(
            f"{where} is {images.dtype}, expected uint8 pixels in [0, 255]: nothing "
            "is rescaled by guess."
        )
    return images.astype("uint8")


def _as_labels(archive, key, num_images, path):
    if key not in archive.names:
        return None
    labels = archive.read(key)
    if labels.shape == (num_images, 1):  # as Keras stores CIFAR
        labels = labels[:, 0]
    if labels.shape != (num_images,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{path}: {key} is {labels.dtype} of shape {labels.shape}, expected one "
            f"integer for each of the {num_images} images."
        )
    return labels.astype("int64")
