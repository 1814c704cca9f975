"""Batches by index, as TensorFlow functions: from arrays or from picture files."""

import os

import keras
import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.array_batches import aligned_arrays
from keras_gans.data.decoding import DamagedPicture
from keras_gans.data.loading import load, locate
from keras_gans.data.picture_files import PictureFiles, room_for
from keras_gans.data.pixels import resize


def fetch_from_arrays(tf, arrays, image_size=None, antialias=True):
    """Returns `fetch(indices) -> batch` for arrays, and their length."""
    arrays, num_examples = aligned_arrays(arrays)
    if image_size is not None:
        arrays = keras.tree.map_structure(
            lambda a: resize(a, image_size, antialias) if a.ndim == 4 else a, arrays
        )
    with tf.device("CPU:0"):  # or a GPU would hold the whole data set
        tensors = keras.tree.map_structure(tf.convert_to_tensor, arrays)

    def fetch(indices):
        return keras.tree.map_structure(lambda t: tf.gather(t, indices), tensors)

    return fetch, num_examples


def fetch_from_name(tf, source, labels, cache, options):
    """The same for a source of `load`; a folder's files are read by the batch."""
    if labels is not None and not isinstance(labels, bool):
        raise ValueError(
            "A named source brings its own labels: pass labels=True to have them."
        )
    kind, path = locate(source)
    if kind == "folder":
        files = PictureFiles(path, *options)
        files.report_damaged()
        own_labels = files.labels
    else:
        images, own_labels = load(source, *options)
    if labels and own_labels is None:
        raise ValueError(f"labels=True, but {os.fspath(source)!r} has no labels.")
    if kind != "folder":
        arrays = (images, own_labels) if labels else images
        return fetch_from_arrays(tf, arrays)
    fetch_images = _file_reader(tf, files, cache)
    if not labels:
        return fetch_images, len(files)
    fetch_labels, _ = fetch_from_arrays(tf, own_labels)
    return lambda i: (fetch_images(i), fetch_labels(i)), len(files)


def _file_reader(tf, files, cache):
    """Returns `fetch(indices) -> images` that decodes files with Pillow."""
    # np.empty takes address space only: memory is used as pictures come in.
    shape = (len(files), *files.image_shape)
    kept = room_for(shape, files.folder) if cache else None
    is_kept = np.zeros(len(files), bool)

    def read(index):
        if is_kept[index]:
            return kept[index]
        try:
            image = files.read(index)
        except DamagedPicture as reason:
            raise ValueError(
                f"{shown(files.files[index])} is damaged ({reason}). on_damaged='skip' "
                "leaves damaged ones out."
            ) from reason
        if cache:
            kept[index] = image
            is_kept[index] = True
        return image

    def read_batch(indices):
        if is_kept[indices].all():
            return kept[indices]
        return np.stack([read(index) for index in indices])

    def fetch(indices):
        images = tf.numpy_function(read_batch, [indices], tf.uint8)
        images.set_shape([*indices.shape, *files.image_shape])
        return images

    return fetch
