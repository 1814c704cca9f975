"""Two domains out of one data set, and labels taken away: data for what learns so."""

import numpy as np

from keras_gans.data.order import epoch_order, natural_number


def split_domains(images, transform, seed=0, labels=None):
    """Splits images into two disjoint halves, the second of another domain.

    No image is in both halves, so no pair of an image and its counterpart is either:
    what belongs together has to be found out (CoGAN, arXiv 1606.07536, section 4).

    Args:
        images: uint8 array `(num_images, height, width, channels)`, or floats in
            [-1, 1].
        transform: `"edges"` or `"negatives"`; see `edges` and `negatives`.
        seed: Non-negative int, from which the halves follow.
        labels: Array `(num_images,)` to be split alike, or `None`.

    Returns:
        `(a, b)`, arrays of `num_images // 2` images or one more; with labels
        `((a, labels_a), (b, labels_b))`.

    Raises:
        ValueError: For an unknown transform, fewer than two images, or labels of
            another number.

    Example:

    >>> a, b = split_domains(np.zeros((10, 28, 28, 1), "uint8"), "negatives")
    >>> len(a), len(b), int(b.min())
    (5, 5, 255)
    """
    images = np.asarray(images)
    if transform not in TRANSFORMS:
        known = ", ".join(map(repr, TRANSFORMS))
        raise ValueError(f"A transform is one of {known}. Found: {transform!r}.")
    if len(images) < 2:
        raise ValueError(f"Two domains need two images. Found: {len(images)}.")
    order = epoch_order(len(images), natural_number("seed", seed), 0)
    first, second = np.array_split(order, 2)
    a, b = images[first], TRANSFORMS[transform](images[second])
    if labels is None:
        return a, b
    labels = np.asarray(labels)
    if len(labels) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels.")
    return (a, labels[first]), (b, labels[second])


def edges(images):
    """The brightest of the 3x3 neighbours minus the pixel: bright outlines on black.

    Args:
        images: uint8 array `(num_images, height, width, channels)`, or floats in
            [-1, 1], where -1 is black.

    Returns:
        Array of the same shape and dtype.
    """
    images = np.asarray(images)
    height, width = images.shape[1:3]
    # Beyond the border lies what is never the brightest.
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    brightest = images
    for i in range(3):
        for j in range(3):
            shifted = padded[:, i : i + height, j : j + width]
            brightest = np.maximum(brightest, shifted)
    black = 0 if images.dtype == np.uint8 else -1
    return brightest - images + np.asarray(black, images.dtype)


def negatives(images):
    """White for black and black for white.

    Args:
        images: uint8 array of any shape, or floats in [-1, 1].

    Returns:
        Array of the same shape and dtype.
    """
    images = np.asarray(images)
    return 255 - images if images.dtype == np.uint8 else -images


TRANSFORMS = {"edges": edges, "negatives": negatives}


def hide_labels(labels, keep_per_class, seed=0):
    """Takes most labels away, as in semi-supervised experiments.

    Args:
        labels: Integers `(num_images,)` from 0 on.
        keep_per_class: int, labels that are left of each class; all of a class that
            has fewer.
        seed: Non-negative int, from which it follows which are left.

    Returns:
        int64 `(num_images,)`; -1 where the label is hidden.

    Raises:
        ValueError: If `keep_per_class` is not from 1 on.

    Example:

    >>> hidden = hide_labels(np.arange(100) % 10, keep_per_class=2)
    >>> int((hidden >= 0).sum())
    20
    """
    keep_per_class = natural_number("keep_per_class", keep_per_class, minimum=1)
    labels = np.asarray(labels)
    order = epoch_order(len(labels), natural_number("seed", seed), 0)
    hidden = np.full(len(labels), -1, "int64")
    for label in np.unique(labels):
        kept = order[labels[order] == label][:keep_per_class]
        hidden[kept] = label
    return hidden
