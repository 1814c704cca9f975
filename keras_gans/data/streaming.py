"""`pipeline(source)`: the same pictures as a `tf.data.Dataset`."""

import os

import keras
import numpy as np

from keras_gans.data.fetching import fetch_from_arrays, fetch_from_name
from keras_gans.data.order import epoch_flips, epoch_order, natural_number, num_batches


def pipeline(
    source,
    batch_size,
    *,
    labels=None,
    split="train",
    shuffle=True,
    seed=0,
    flip=False,
    image_size=None,
    color_mode=None,
    antialias=True,
    on_damaged="raise",
    cache=True,
):
    """Builds a `tf.data.Dataset` of shuffled batches, in a resumable order.

    Each pass over the dataset is one epoch, and the next pass the next epoch. Order
    and flips in epoch e depend on `(seed, e)` alone, and are those of
    `ArrayBatches`. The dataset has a method `set_epoch(e)`: the next pass is epoch e.
    (It belongs to this object: call it here, whatever was derived by `.map`, `.take`
    or `tf.distribute`.)

    Indices are shuffled, not pictures: the shuffle is uniform over the whole source
    and the first batch needs only its own files. A folder's files are decoded in
    parallel as batches need them, and kept as uint8 before any augmentation, so
    later epochs decode nothing. Every other named source is loaded at once.

    Args:
        source: Arrays as for `ArrayBatches`, or a name, folder or `.npz` as for
            `load`.
        batch_size: int, examples per batch over all replicas. What is left after
            the last full batch is left out of this epoch.
        labels: With an array of images: an array of labels to go with it. With a
            named source: `True` for its own labels. Batches are then
            `(images, labels)`; otherwise images alone.
        split, color_mode, antialias, on_damaged: As in `load`, for named sources.
            Damage behind a sound header is found when the file's turn comes;
            `"skip"` therefore decodes every file once beforehand.
        shuffle: Whether each epoch has its own order.
        seed: Non-negative int, the seed of order and flips.
        flip: Whether each example is mirrored left to right with probability 1/2.
            All its pictures (arrays of rank 4) are mirrored together; labels that
            hold positions are not, so leave it off for them.
        image_size: int or `(height, width)`, see `resize`.
        cache: Whether a folder's decoded pictures stay in memory.

    Returns:
        `tf.data.Dataset` of known length, uint8 kept, prefetched.

    Raises:
        ImportError: If TensorFlow is not installed.
        ValueError: As `load` and `ArrayBatches`; also if `flip` finds no pictures,
            or `labels` do not suit the source.

    Example:

    >>> dataset = pipeline("digits", 64, labels=True, seed=7)
    >>> len(dataset)
    22
    >>> dataset.set_epoch(3)
    >>> images, digits = next(iter(dataset))
    """
    tf = _import_tensorflow()
    batch_size = natural_number("batch_size", batch_size, minimum=1)
    if isinstance(source, (str, os.PathLike)):
        options = (split, image_size, color_mode, antialias, on_damaged)
        fetch, num_examples = fetch_from_name(tf, source, labels, cache, options)
    else:
        arrays = _with_labels(source, labels)
        fetch, num_examples = fetch_from_arrays(tf, arrays, image_size, antialias)
    epochs = _Epochs(num_examples, natural_number("seed", seed), shuffle)
    steps = num_batches(num_examples, batch_size)

    def prepare(indices, flips):
        batch = fetch(indices)
        return _mirror(tf, batch, flips) if flip else batch

    dataset = (
        epochs.examples(tf)
        .batch(batch_size, drop_remainder=True)
        .map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(tf.data.AUTOTUNE)
        .with_options(_options(tf))
    )
    dataset.set_epoch = epochs.set_epoch
    return dataset


class _Epochs:
    """Hands every new iterator the plan of its epoch.

    tf.data asks for it when the iterator's first batch is wanted, not before, so an
    iterator that is made and dropped unused costs no epoch.
    """

    def __init__(self, num_examples, seed, shuffle):
        self.num_examples = num_examples
        self.seed = seed
        self.shuffle = shuffle
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = natural_number("epoch", epoch)

    def examples(self, tf):
        """The (index, flip) of every example in the order of its epoch."""
        vector = [self.num_examples]
        plan = (tf.TensorSpec(vector, tf.int64), tf.TensorSpec(vector, tf.bool))
        return tf.data.Dataset.from_generator(
            self.next_plan, output_signature=plan
        ).flat_map(lambda *plan: tf.data.Dataset.from_tensor_slices(plan))

    def next_plan(self):
        epoch, self.epoch = self.epoch, self.epoch + 1
        order = np.arange(self.num_examples)
        if self.shuffle:
            order = epoch_order(self.num_examples, self.seed, epoch)
        yield order, epoch_flips(self.num_examples, self.seed, epoch)[order]


def _import_tensorflow():
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "pipeline builds a tf.data.Dataset and needs TensorFlow (pip install "
            "tensorflow); ArrayBatches serves arrays without it."
        ) from error
    return tf


def _options(tf):
    options = tf.data.Options()
    # Workers of a multi-worker strategy each take their part of every batch: there
    # are no record files that could be dealt out instead.
    policy = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = policy
    return options


def _with_labels(images, labels):
    if labels is None or labels is False:
        return images
    if labels is True:
        raise ValueError("labels=True is for a named source: pass the array of labels.")
    return images, labels


def _mirror(tf, batch, flips):
    """Mirrors the pictures of the chosen examples; other arrays stay."""
    leaves = keras.tree.flatten(batch)
    if not any(leaf.shape.rank == 4 for leaf in leaves):
        raise ValueError("flip=True found no pictures: no array has rank 4.")

    def mirror(leaf):
        if leaf.shape.rank != 4:
            return leaf
        return tf.where(flips[:, None, None, None], tf.reverse(leaf, [2]), leaf)

    return keras.tree.map_structure(mirror, batch)
