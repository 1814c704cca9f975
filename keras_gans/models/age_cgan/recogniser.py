"""The network that knows a face again, where nobody brings a better one."""

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.random import seeded
from keras_gans.data import ArrayBatches


def build_recogniser(image_shape, embedding_dim=128, base_channels=32):
    """Image -> four strided 3x3 convolutions -> mean -> an embedding of norm 1."""
    images = x = keras.Input(image_shape, name="images")
    for i in range(4):
        filters = base_channels * 2**i
        x = layers.Conv2D(filters, 3, 2, "same", use_bias=False, name=f"down_{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        x = layers.ReLU(name=f"relu_{i}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(embedding_dim, dtype="float32", name="project")(x)
    embeddings = layers.UnitNormalization(dtype="float32", name="embeddings")(x)
    return keras.Model(images, embeddings, name="recogniser")


def train_recogniser(recogniser, images, batch_size, epochs, seed, **kwargs):
    """Teaches a recogniser that two views of a photograph show one face.

    It needs no names of people: every photograph is taken for a person of its own.
    Views are mirrored, shifted, enlarged, and of other light. The loss is
    `losses.nt_xent`.

    Args:
        recogniser: `keras.Model` from images in [-1, 1] to embeddings of norm 1.
        images: float32 in [-1, 1] or uint8, `(num_images, height, width, channels)`.
        batch_size: Photographs per update, all of which are told apart.
        epochs: Passes over them.
        seed: Integer.
        **kwargs: The other arguments of `keras.Model.fit`.

    Returns:
        The `History`, with `loss`.

    Reference: Chen et al. 2020, arXiv 2002.05709.
    """
    is_bytes = images.dtype == "uint8"
    scale, offset = (1 / 127.5, -1.0) if is_bytes else (1.0, 0.0)
    inputs = keras.Input(images.shape[1:], dtype=images.dtype)
    with seeded(f"{seed}/recogniser_views"):
        floats = layers.Rescaling(scale, offset)(inputs)
        views = [recogniser(_view(floats, seed + i)) for i in (0, 1)]
        pairs = ops.stack(views, axis=1)
        both = keras.Model(inputs, pairs)
    both.compile(
        keras.optimizers.Adam(1e-3),
        lambda _, found: losses.nt_xent(found[:, 0], found[:, 1]),
    )
    batches = ArrayBatches((images, images[:, 0, 0, 0]), batch_size, seed=seed)
    # The batches are shuffled already; Keras would use Python's random state.
    return both.fit(batches, epochs=epochs, shuffle=False, **kwargs)


def _view(x, seed):
    x = layers.RandomFlip("horizontal", seed=seed)(x)
    x = layers.RandomZoom((-0.3, 0.0), fill_mode="nearest", seed=seed)(x)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=seed)(x)
    x = layers.RandomBrightness(0.2, value_range=(-1, 1), seed=seed)(x)
    return layers.RandomContrast(0.3, value_range=(-1, 1), seed=seed)(x)
