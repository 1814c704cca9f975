"""Texts of images as data: their parts, their checks, and who is whose wrong pair."""

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks
from keras_gans.text.alphabet import as_texts, holds_texts

KEYS = ({"texts"}, {"texts", "labels"})


def parts_of(y):
    """Texts, and classes or `None`, of what follows the images in the data.

    Args:
        y: Vectors or strings, or a dict of `"texts"` and perhaps `"labels"`.

    Raises:
        ValueError: for a dict with other keys.
    """
    if not isinstance(y, dict):
        return y, None
    if set(y) not in KEYS:
        raise ValueError(
            "What follows the images are texts, or {'texts': ..., 'labels': ...}. "
            f"Found the keys {sorted(y)}."
        )
    return y["texts"], y.get("labels")


def embedded(y, embed):
    """What follows the images, with its strings as vectors; numbers are left alone.

    Args:
        y: As for `parts_of`.
        embed: Function from a list of texts to vectors `(num, text_dim)`.

    Raises:
        ValueError: for images with different numbers of captions.
    """
    texts, classes = parts_of(y)
    if texts is None or not holds_texts(texts):
        return y
    is_uneven = isinstance(texts, (list, tuple)) and (
        len({1 if isinstance(t, (str, bytes)) else len(t) for t in texts}) > 1
    )
    if is_uneven:
        raise ValueError("Every image needs the same number of captions: repeat some.")
    array = np.array(texts)
    # Captions repeat, and encoders take their time.
    distinct, places = np.unique(as_texts(array), return_inverse=True)
    vectors = np.asarray(embed(distinct.tolist()), "float32")
    vectors = vectors[places.reshape(-1)].reshape(*array.shape, vectors.shape[-1])
    return vectors if classes is None else {"texts": vectors, "labels": classes}


def check(system, y, num_images, text_dim):
    """Checks what follows the images, once strings are vectors.

    Args:
        system: Name of the system's class.
        y: As for `parts_of`.
        num_images: Their number.
        text_dim: Length of a vector.

    Raises:
        ValueError: naming what was found and the fix.
    """
    if y is None:
        raise ValueError(
            f"{system} draws images for texts: call fit(images, texts) with vectors "
            f"(num, {text_dim}), or with strings and a text_encoder."
        )
    texts, classes = parts_of(y)
    if holds_texts(texts) or "string" in str(getattr(texts, "dtype", "")):
        raise ValueError(
            "A data set of strings cannot be trained on: give its arrays to fit, or "
            "map its texts to vectors with embed(texts) first."
        )
    shape = tuple(getattr(texts, "shape", ()))
    if len(shape) not in (2, 3) or shape[-1] != text_dim or 0 in shape:
        raise ValueError(
            f"Vectors of texts have the shape (num, {text_dim}), or (num, captions, "
            f"{text_dim}). Found: {shape}."
        )
    flat = ops.convert_to_numpy(texts).reshape(-1, text_dim)
    checks.check_attributes(flat, text_dim)
    for name, part in (("texts", texts), ("labels", classes)):
        if part is not None and len(part) != num_images:
            raise ValueError(f"There are {num_images} images and {len(part)} {name}.")
    if classes is not None:
        kind = keras.backend.standardize_dtype(classes.dtype)
        if len(classes.shape) != 1 or "int" not in kind:
            raise ValueError(
                "The labels beside texts are integers (num,), the classes of the "
                f"images. Found {kind} of the shape {tuple(classes.shape)}."
            )


def with_captions(y):
    """What follows the images, with one caption as a number of captions.

    A second `fit` with vectors of another rank would have its step traced for shapes
    of unknown rank.

    Args:
        y: As for `parts_of`, checked.

    Returns:
        The same with texts `(num, captions, text_dim)`.
    """
    texts, classes = parts_of(y)
    texts = texts[:, None] if len(texts.shape) == 2 else texts
    return texts if classes is None else {"texts": texts, "labels": classes}


def rank_of(tensor):
    """Number of axes; `None` in a step that TensorFlow traced for several numbers."""
    shape = tensor.shape
    return shape.rank if hasattr(shape, "rank") else len(shape)


def mean_of_some(texts, number, stream):
    """The mean of `number` captions of each image, drawn without putting back.

    Args:
        texts: Vectors `(batch, captions, text_dim)`.
        number: How many; all, if there are no more.
        stream: A `SeedStream`.

    Returns:
        Vectors `(batch, text_dim)`.
    """
    captions = texts.shape[1]
    if captions is not None and number >= captions:
        return ops.mean(texts, axis=1)
    order = ops.argsort(stream.uniform(ops.shape(texts)[:2]), axis=1)
    chosen = ops.take_along_axis(texts, order[:, :number, None], axis=1)
    return ops.mean(chosen, axis=1)


def partners_of(texts, classes=None):
    """The row whose image is wrong for each row's text.

    Args:
        texts: Vectors `(batch, text_dim)`.
        classes: int `(batch,)`, or `None`.

    Returns:
        int32 rows `(batch,)`; float32 weights `(batch,)`, 0 where that row is no
        wrong pair: all others are of the same class, or the texts are equal.
    """
    count = ops.shape(texts)[0]
    rows = ops.arange(count, dtype="int32")
    if classes is None:
        # 1, 0, 3, 2 ...; the last of an odd number takes the first.
        partners = rows + 1 - 2 * (rows % 2)
        partners = ops.where(partners < count, partners, 0)
        others = ops.take(texts, partners, axis=0)
        differ = ops.any(ops.not_equal(texts, others), axis=-1)
        return partners, ops.cast(differ, "float32")
    # Row i sees the rows i + 1, i + 2 ... in turn, and takes the first that differs.
    seen = (rows[:, None] + 1 + rows[None]) % count
    differ = ops.not_equal(ops.take(classes, seen), classes[:, None])
    first = ops.argmax(ops.cast(differ, "int32"), axis=1)
    partners = (rows + 1 + ops.cast(first, "int32")) % count
    return partners, ops.cast(ops.any(differ, axis=1), "float32")
