"""Pictures and labels from one `.npz` file, never unpickled."""

import contextlib
import zipfile
import zlib

import numpy as np

# Ours first, then Keras's own `mnist.npz`; `{}` is the split.
_SPLIT_KEYS = (("{}_images", "{}_labels"), ("x_{}", "y_{}"))
_WHOLE_KEYS = ("images", "labels")


def load_npz(path, split):
    """uint8 NHWC images and int64 labels (or `None`) of one split."""
    with _opened(path) as archive:
        parts = [
            (
                _as_images(archive[images], f"{path}: {images}"),
                _as_labels(archive, labels, len(archive[images]), path),
            )
            for images, labels in _keys_of(archive, split, path)
        ]
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
    with _opened(path) as archive:
        if "class_names" not in archive.files:
            return None
        return tuple(str(name) for name in archive["class_names"])


@contextlib.contextmanager
def _opened(path):
    """The archive; whatever is wrong with the file is a ValueError that names it."""
    # Opened here, because np.load leaves a file open that turns out to be no archive.
    with open(path, "rb") as file:
        try:
            # Pickled objects run code when read: allow_pickle stays False.
            archive = np.load(file, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not a readable .npz file: {error}") from error
        if not hasattr(archive, "files"):
            raise ValueError(f"{path} holds one bare array, not the .npz layout.")
        with archive, _damage_named(path):
            yield archive


@contextlib.contextmanager
def _damage_named(path):
    try:
        yield
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise ValueError(
            f"{path} holds pickled objects, which are refused because reading "
            "them can run code: save plain arrays."
        ) from error


def _keys_of(archive, split, path):
    """The (images, labels) keys that make up `split`, existing ones only."""
    found = {
        part: (images.format(part), labels.format(part))
        for images, labels in reversed(_SPLIT_KEYS)
        for part in ("train", "test")
        if images.format(part) in archive.files
    }
    if split in found:
        return [found[split]]
    if split == "all" and found:
        return [found[part] for part in ("train", "test") if part in found]
    if split in ("train", "all") and not found and _WHOLE_KEYS[0] in archive.files:
        return [_WHOLE_KEYS]
    raise ValueError(
        f"{path} has no images for split {split!r}: expected 'train_images' and "
        "'test_images', 'x_train' and 'x_test', or 'images' (for 'train' and "
        f"'all'), found {sorted(archive.files)}."
    )


def _as_images(images, where):
    if images.ndim == 3:  # Keras's mnist.npz leaves the single channel out
        images = images[..., None]
    if images.ndim != 4:
        raise ValueError(
            f"{where} has shape {images.shape}, expected (num_images, height, "
            "width, channels)."
        )
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
    if key not in archive.files:
        return None
    labels = archive[key]
    if labels.shape == (num_images, 1):  # as Keras stores CIFAR
        labels = labels[:, 0]
    if labels.shape != (num_images,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{path}: {key} is {labels.dtype} of shape {labels.shape}, expected one "
            f"integer for each of the {num_images} images."
        )
    return labels.astype("int64")
