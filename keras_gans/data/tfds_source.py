"""Data sets by their TensorFlow Datasets name, the last place `load` looks."""

import collections
import re

import numpy as np

from keras_gans.data.picture_files import mixed_sizes
from keras_gans.data.pixels import as_size, resize


class UnknownDataset(Exception):
    """TFDS has no data set of this name; `args[1]` lists the names it has."""


def load_tfds(name, split, image_size, antialias):
    """uint8 NHWC images and int64 labels (or `None`), resized where asked."""
    tfds = _import_tfds()
    builder = _builder(tfds, name)
    image_key, label_key = _keys_of(builder, name)
    _prepare(builder, name, split)
    images, labels = [], []
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        image = np.asarray(example[image_key])
        if image_size is not None:
            image = resize(image, image_size, antialias)
        images.append(image)
        if label_key is not None:
            labels.append(example[label_key])
    counts = collections.Counter(image.shape[:2] for image in images)
    if len(counts) > 1:
        raise mixed_sizes(name, counts)
    return np.stack(images), np.array(labels, "int64") if label_key else None


def load_tfds_captions(name, split, image_size, antialias):
    """uint8 images and the list of captions of each; `None` of data without captions.

    Captions are texts, or what `coco_captions` has: tables with a `text`.
    """
    tfds = _import_tfds()
    builder = _builder(tfds, name)
    if "captions" not in builder.info.features:
        return None
    image_key, _ = _keys_of(builder, name)
    if image_size is None:
        raise ValueError(f"The pictures of {name} differ in size: pass image_size=...")
    _prepare(builder, name, split)
    images, captions = [], []
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        found = example["captions"]
        found = found["text"] if isinstance(found, dict) else found
        texts = [text.decode("utf-8", "replace") for text in np.atleast_1d(found)]
        if texts:
            captions.append(texts)
            images.append(
                resize(np.asarray(example[image_key]), as_size(image_size), antialias)
            )
    return np.stack(images), captions


def tfds_class_names(name):
    """The label names that TFDS documents, or `None`; needs no download."""
    builder = _builder(_import_tfds(), name)
    _, label_key = _keys_of(builder, name)
    if label_key is None:
        return None
    names = getattr(builder.info.features[label_key], "names", None)
    return tuple(names) if names else None


def _import_tfds():
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            "it would be looked up in TensorFlow Datasets, which is not installed "
            "(pip install tensorflow-datasets tensorflow)"
        ) from error
    return tfds


def _builder(tfds, name):
    known = tfds.list_builders(with_community_datasets=False)
    if re.split("[/:]", name)[0] not in known:
        raise UnknownDataset(name, known)
    return tfds.builder(name)


def _prepare(builder, name, split):
    try:
        builder.download_and_prepare()
    except Exception as error:  # servers, disks, checksums: TFDS raises anything
        raise RuntimeError(
            f"TFDS could not download {name!r} ({type(error).__name__}: {error})"
        ) from error
    if split != "all" and re.split(r"[\[+]", split)[0] not in builder.info.splits:
        raise ValueError(
            f"{name!r} has the splits {[*builder.info.splits, 'all']}, got {split!r}."
        )


def _keys_of(builder, name):
    """The keys of the picture and, where there is one, of its integer label."""
    features = builder.info.features
    image, label = builder.info.supervised_keys or ("image", "label")
    if image not in features or np.dtype(features[image].np_dtype) != np.uint8:
        raise ValueError(
            f"The TFDS data set {name!r} has no uint8 pictures under {image!r}: its "
            f"features are {sorted(features)}."
        )
    labelled = label in features and _is_integer(features[label])
    return image, label if labelled else None


def _is_integer(feature):
    return feature.shape == () and np.issubdtype(feature.np_dtype, np.integer)
