"""Samples in rows that say something: along a path of latents, or of one class."""

import numpy as np
from keras import ops

from keras_gans.core.random import CounterStream
from keras_gans.metrics.path_length import lerp, slerp_scaled


def interpolation(gan, rows=8, columns=10, seed=0, label=None):
    """Images along paths between pairs of latents of the model's own prior.

    Normal latents lie near a sphere, which a straight line would leave: their path
    turns from one to the other, and its length changes evenly from one's to the
    other's. Uniform latents (of systems with a `latent_range`) fill a box, in which
    the path is straight.

    The first column holds the images of `gan.sample(rows, seed=seed)`.

    Args:
        gan: An `AdversarialModel`.
        rows: Number of paths.
        columns: Images along a path, both ends included.
        seed: Integer in [0, 2**63), of the ends: the same on every backend.
        label: Class of all images, for conditional systems; `None` takes the classes
            in turn, one per row.

    Returns:
        numpy float32 array `(rows * columns, *image_shape)`, row by row; the ends of
        a row are exactly what `gan.call` makes of the latents drawn.

    Raises:
        ValueError: for less than one row or two columns, or a label that the system
            does not have.
    """
    if rows < 1 or columns < 2:
        raise ValueError(
            "An interpolation has one row or more, of two columns or more. Found: "
            f"{rows} and {columns}."
        )
    labels = gan.labels_for(rows, label)
    stream = CounterStream(seed)
    first, last = (
        ops.convert_to_numpy(gan.draw_latents(rows, stream)) for _ in range(2)
    )
    path = slerp_scaled if getattr(gan, "latent_range", None) is None else lerp
    ends = first.astype("float64"), last.astype("float64")
    between = [path(*ends, t) for t in np.linspace(0.0, 1.0, columns)[1:-1]]
    # Column by column, and the ends as drawn: neither the path's rounding nor that of
    # a larger batch touches them.
    images = [_images(gan, latents, labels) for latents in (first, *between, last)]
    return np.stack(images, axis=1).reshape(-1, *images[0].shape[1:])


def class_rows(gan, per_class=10, seed=0, classes=None):
    """Images of each class, to be shown in one row per class.

    Args:
        gan: A class-conditional `AdversarialModel`.
        per_class: Images of each class.
        seed: Integer in [0, 2**63).
        classes: Numbers of the classes; `None` for all.

    Returns:
        numpy float32 array `(classes * per_class, *image_shape)`.

    Raises:
        ValueError: for an unconditional system, or a class that it does not have.
    """
    if gan.num_classes is None:
        raise ValueError(f"{type(gan).__name__} is unconditional: it has no classes.")
    labels = np.repeat(
        np.arange(gan.num_classes) if classes is None else classes, per_class
    )
    return gan.sample(len(labels), seed=seed, labels=labels)


def _images(gan, latents, labels):
    inputs = ops.convert_to_tensor(latents, dtype="float32")
    if labels is not None:
        inputs = (inputs, ops.convert_to_tensor(labels))
    return ops.convert_to_numpy(gan.call(inputs, training=False))
