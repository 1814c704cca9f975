"""Samples in rows that say something: along a path of latents, or of one class."""

import numpy as np
from keras import ops

from keras_gans.core.random import CounterStream
from keras_gans.data.pixels import resize, to_uint8
from keras_gans.metrics.path_length import lerp, slerp_scaled


def interpolation(gan, rows=8, columns=10, seed=0, label=None, space="z"):
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
        space: `"z"`, or `"w"` for systems with styles: straight lines between the
            styles of the same two ends.

    Returns:
        numpy float32 array `(rows * columns, *image_shape)`, row by row; the ends of
        a row are exactly what `gan.call` makes of the latents drawn.

    Raises:
        ValueError: for less than one row or two columns, a label that the system does
            not have, or `"w"` without styles.
    """
    if space not in ("z", "w") or (space == "w" and not hasattr(gan, "synthesize")):
        raise ValueError(
            f"space is 'z', or 'w' for systems with styles. Found: {space!r} for "
            f"{type(gan).__name__}."
        )
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
    make = _images
    path = slerp_scaled if getattr(gan, "latent_range", None) is None else lerp
    if space == "w":
        first, last = (_styles(gan, end, labels) for end in (first, last))
        make, path = _synthesized, lerp
    ends = first.astype("float64"), last.astype("float64")
    between = [path(*ends, t) for t in np.linspace(0.0, 1.0, columns)[1:-1]]
    # Column by column, and the ends as drawn: neither the path's rounding nor that of
    # a larger batch touches them.
    images = [make(gan, latents, labels) for latents in (first, *between, last)]
    return np.stack(images, axis=1).reshape(-1, *images[0].shape[1:])


def truncation_sweep(gan, truncations, rows=6, seed=0, label=None):
    """The same samples under one truncation after the other, a row per sample.

    Args:
        gan: An `AdversarialModel` whose latents can be truncated.
        truncations: Numbers, one per column; see `gan.sample`. `None` for none.
        rows: Number of samples.
        seed: Integer in [0, 2**63).
        label: As for `interpolation`.

    Returns:
        numpy float32 array `(rows * len(truncations), *image_shape)`, row by row.

    Raises:
        ValueError: as `gan.sample`.
    """
    labels = gan.labels_for(rows, label)
    images = [gan.sample(rows, seed, labels, truncation=t) for t in truncations]
    return np.stack(images, axis=1).reshape(-1, *images[0].shape[1:])


def style_mixing(gan, cutoff, rows=5, columns=6, seed=0):
    """Coarse styles of one image with the fine styles of another.

    Args:
        gan: A system with styles.
        cutoff: Number of the first layer that takes the column's style.
        rows: Number of images that give the coarse styles.
        columns: Number of images that give the fine ones.
        seed: Integer in [0, 2**63).

    Returns:
        numpy float32 array `((rows + 1) * (columns + 1), *image_shape)`, row by row:
        the first row shows the images of the columns after an empty cell, the first
        column those of the rows.

    Raises:
        ValueError: for a system without styles.

    Reference: Karras et al. 2018, arXiv 1812.04948, figure 3.
    """
    if not hasattr(gan, "mix"):
        raise ValueError(f"{type(gan).__name__} has no styles to mix.")
    stream = CounterStream(seed)
    latents = ops.convert_to_numpy(gan.draw_latents(rows + columns, stream))
    coarse, fine = latents[:rows], latents[rows:]
    labels = None if not gan.is_conditional else gan.labels_for(1, None)
    alone = _images(
        gan, latents, None if labels is None else np.repeat(labels, len(latents), 0)
    )
    grid = [np.full_like(alone[0], -1.0), *alone[rows:]]
    for i in range(rows):
        mixed = gan.mix(np.repeat(coarse[i : i + 1], columns, axis=0), fine, cutoff)
        grid += [alone[i], *ops.convert_to_numpy(mixed)]
    return np.stack(grid)


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


def _styles(gan, latents, labels):
    latents = ops.convert_to_tensor(latents, dtype="float32")
    arguments = (
        (latents,) if labels is None else (latents, ops.convert_to_tensor(labels))
    )
    return ops.convert_to_numpy(gan.map(*arguments))


def _synthesized(gan, styles, labels):
    styles = ops.convert_to_tensor(styles, dtype="float32")
    return ops.convert_to_numpy(gan.synthesize(styles))


def _images(gan, latents, labels):
    inputs = ops.convert_to_tensor(latents, dtype="float32")
    if labels is not None:
        inputs = (inputs, ops.convert_to_tensor(labels))
    return ops.convert_to_numpy(gan.call(inputs, training=False))


def translation_rows(gan, source, target=None, **options):
    """Sources, what is made of them, and targets, side by side.

    Args:
        gan: An `ImageTranslator`.
        source: uint8 images, or floats in [-1, 1]; of more channels than can be shown
            the first ones are. Of systems that take label maps these, or a tuple of
            them and instance maps: classes are shown, in a colour each. Of systems
            that take styles a tuple of contents and styles, of one size here.
        target: What they are to become, or `None`.
        **options: Of `gan.translate`.

    Returns:
        `(columns, images)`: the number of images in a row, and all of them, uint8, row
        by row. Smaller sources are enlarged, pixel by pixel.
    """
    made = gan.translate(source, **options)
    styles, seen = [], source
    if hasattr(gan, "takes_styles"):
        seen, *styles = source
    if hasattr(gan, "takes_instances"):
        seen = label_colors(source[0] if gan.takes_instances else source)
    shown = [seen, *styles, made, *([] if target is None else [target])]
    columns = [_of_channels(_bytes(images), made.shape[-1]) for images in shown]
    columns[0] = _enlarged(columns[0], made.shape[1:3])
    images = np.stack(columns, axis=1)
    return len(columns), images.reshape(-1, *images.shape[2:])


def style_grid(gan, contents, styles, **options):
    """Each content in each style.

    Args:
        gan: A system with `stylize`.
        contents: uint8 images, or floats in [-1, 1].
        styles: A list or an array of such images, of any sizes.
        **options: Of `gan.stylize`, such as `alpha`.

    Returns:
        `(columns, images)`: the number of images in a row, and all of them, uint8, row
        by row: the first row shows the styles after an empty cell, the first column the
        contents.
    """
    contents, size = _bytes(contents), contents.shape[1:3]
    made = [_bytes(gan.stylize(contents, style, **options)) for style in styles]
    first = [resize(_bytes(style), size) for style in styles]
    rows = [
        [content, *(images[i] for images in made)] for i, content in enumerate(contents)
    ]
    grid = [
        np.zeros_like(contents[0]),
        *first,
        *(image for row in rows for image in row),
    ]
    return 1 + len(first), np.stack(grid)


def label_colors(labels):
    """A colour for each class, neighbouring numbers far apart.

    Args:
        labels: Integers `(num_maps, height, width)`, or with a last axis of 1.

    Returns:
        uint8 array `(num_maps, height, width, 3)`.
    """
    labels = np.asarray(labels)
    labels = labels[..., 0] if labels.ndim == 4 else labels
    # Steps of the golden ratio around the circle of hues never come near one before.
    hues = np.arange(labels.max(initial=0) + 1) * 0.618034 % 1.0
    angles = 2 * np.pi * (hues[:, None] - np.array([0, 1 / 3, 2 / 3]))
    colors = np.round(127.5 + 127.5 * np.cos(angles)).astype("uint8")
    return colors[labels]


def _bytes(images):
    images = np.asarray(images)
    return images if images.dtype == np.uint8 else to_uint8(images)


def _enlarged(images, size):
    return images if images.shape[1:3] == size else resize(images, size, False)


def _of_channels(images, channels):
    if images.shape[-1] < channels:
        return np.repeat(images[..., :1], channels, axis=-1)
    return images[..., :channels]
