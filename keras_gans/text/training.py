"""How a text encoder learns: by images, whose texts it shall tell apart."""

import keras
import numpy as np
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.random import seeded
from keras_gans.data import ArrayBatches
from keras_gans.text.alphabet import character_ids

OBJECTIVES = {
    "contrastive": losses.contrastive_matching,
    "structured": losses.structured_matching,
}


def fit_text_encoder(
    encoder,
    images,
    texts,
    labels=None,
    image_encoder=None,
    objective="contrastive",
    optimizer=None,
    batch_size=40,
    epochs=20,
    seed=0,
    **kwargs,
):
    """Trains an encoder of texts jointly with one of images.

    Both learn vectors by which each image finds its text in a batch, and each text its
    image. The authors' image side is fixed: 1,024 features of GoogLeNet for each
    image, which are given here in the place of images; their objective is
    `"structured"`, with 40 classes in a batch and RMSprop at 7e-4. The other one,
    `"contrastive"`, compares directions alone: it suits encoders that end in a
    normalisation, as the small ones do.

    Args:
        encoder: `keras.Model` from `kg.text.character_ids` to `(batch, text_dim)`.
        images: uint8, or floats in [-1, 1], `(num, height, width, channels)`; or
            features `(num, text_dim)`, which stay as they are.
        texts: Strings `(num,)`, or `(num, captions)`, of which each epoch draws one.
        labels: Integers `(num,)`: images of one class need not be told apart. `None`
            for those whose texts are the same.
        image_encoder: Built `keras.Model` from images in [-1, 1] to
            `(batch, text_dim)`, trained too; `None` for four convolutions.
        objective: `"contrastive"` or `"structured"`; see `keras_gans.losses`.
        optimizer: Of Keras; `None` for Adam at 1e-3.
        batch_size: Pairs per update; 40.
        epochs: Passes over the images.
        seed: Integer.
        **kwargs: The other arguments of `keras.Model.fit`.

    Returns:
        The `History`, with `loss` and `accuracy`, the share of images that are nearest
        to their own text in a batch.

    Raises:
        ValueError: for an unknown objective, or another number of texts than images.

    Reference: arXiv 1605.05395, section 3; arXiv 1711.10485.
    """
    if objective not in OBJECTIVES:
        raise ValueError(
            f"objective is {' or '.join(map(repr, OBJECTIVES))}. Found: {objective!r}."
        )
    texts = np.array(texts)
    texts = texts[:, None] if texts.ndim == 1 else texts
    if len(texts) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(texts)} texts.")
    distinct, places = np.unique(texts, return_inverse=True)
    places = places.reshape(texts.shape)
    classes = places[:, 0] if labels is None else np.asarray(labels)
    with seeded(f"{seed}/text_encoder"):
        pairs = _both(encoder, images, image_encoder)
    loss = OBJECTIVES[objective]
    pairs.compile(
        optimizer or keras.optimizers.Adam(1e-3),
        lambda known, found: loss(found[:, 0], found[:, 1], known),
        metrics=[_named_accuracy],
        # TensorFlow takes long to compile a loop over steps with XLA.
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )
    batches = _PairBatches(
        images, character_ids(distinct.tolist()), places, classes, batch_size, seed
    )
    # The batches are shuffled already; Keras would use Python's random state.
    return pairs.fit(batches, epochs=epochs, shuffle=False, **kwargs)


def build_image_encoder(image_shape, text_dim, base_channels=32):
    """Image -> strided 4x4 convolutions to 4x4 points or fewer -> all of them -> t.

    The map is not averaged: texts say where things are.
    """
    images = x = keras.Input(image_shape, name="images")
    channels, i = base_channels, 0
    while i == 0 or min(x.shape[1:3]) > 4:
        x = layers.Conv2D(channels, 4, 2, "same", use_bias=False, name=f"down_{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}")(x)
        channels, i = min(2 * channels, 8 * base_channels), i + 1
    x = layers.Flatten(name="flat")(x)
    vectors = layers.Dense(text_dim, dtype="float32", name="vectors")(x)
    return keras.Model(images, vectors, name="image_encoder")


def _both(encoder, images, image_encoder):
    """The network from images and characters to vectors `(batch, 2, text_dim)`."""
    shape, kind = images.shape[1:], str(images.dtype)
    seen = given = keras.Input(shape, dtype=kind, name="images")
    if len(shape) > 1:
        if kind == "uint8":
            seen = layers.Rescaling(1 / 127.5, -1.0)(given)
        if image_encoder is None:
            image_encoder = build_image_encoder(shape, encoder.output_shape[-1])
        seen = image_encoder(seen)
    ids = keras.Input(encoder.input_shape[1:], dtype="int32", name="characters")
    pairs = ops.stack([ops.cast(seen, "float32"), encoder(ids)], axis=1)
    return keras.Model((given, ids), pairs)


def _named_accuracy(known, found):
    scores = ops.matmul(found[:, 0], ops.transpose(found[:, 1]))
    chosen = ops.take(ops.reshape(known, (-1,)), ops.argmax(scores, axis=1))
    return ops.cast(ops.equal(chosen, ops.reshape(known, (-1,))), "float32")


_named_accuracy.__name__ = "accuracy"


class _PairBatches(ArrayBatches):
    """Images with one of their captions, another one in each epoch."""

    def __init__(self, images, ids, places, classes, batch_size, seed):
        self._ids, self._places = ids, places
        rows = np.arange(len(images))
        super().__init__((images, rows, classes), batch_size, seed=seed)

    def examples(self, chosen):
        """`((images, characters), classes)`."""
        images, rows, classes = super().examples(chosen)
        captions = self._places.shape[1]
        rng = np.random.default_rng([self.seed, self.epoch, int(rows[0])])
        drawn = rng.integers(0, captions, len(rows))
        return (images, self._ids[self._places[rows, drawn]]), classes
