"""Networks from the numbers of characters to the vector of a text.

`char_cnn_rnn` and `char_cnn_gru` are those of Reed et al. 2016, arXiv 1605.05395
(github.com/reedscot/cvpr2016, `HybridCNN`; github.com/reedscot/icml2016,
`HybridCNNLong`).
"""

import functools

import keras
from keras import layers, ops

from keras_gans.layers import Rescaling
from keras_gans.text.alphabet import ALPHABET, TEXT_LENGTH


@keras.saving.register_keras_serializable("keras_gans")
class OneHotCharacters(layers.Layer):
    """Numbers of characters as one-hot rows of the alphabet; 0 is a row of zeros.

    In the network, not in the data: an exported model is asked with numbers.
    """

    def call(self, ids):
        """`(batch, length)` integers to `(batch, length, 70)`."""
        one_hot = ops.one_hot(ids, len(ALPHABET) + 1, dtype=self.compute_dtype)
        return one_hot[..., 1:]

    def compute_output_shape(self, input_shape):
        """As above."""
        return (*input_shape, len(ALPHABET))

    def compute_output_spec(self, ids):
        """The type is that of the layer, not of the numbers."""
        shape = self.compute_output_shape(ids.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("keras_gans")
class MeanOfCharacters(layers.Layer):
    """The mean over those steps whose character has a number; 0 where none has."""

    def call(self, inputs):
        """Steps `(batch, length, units)` and numbers `(batch, length)`."""
        steps, ids = inputs
        known = ops.cast(ids > 0, steps.dtype)[..., None]
        count = ops.maximum(ops.sum(known, axis=1), 1.0)
        return ops.sum(steps * known, axis=1) / count

    def compute_output_shape(self, input_shape):
        """`(batch, units)`."""
        steps, _ = input_shape
        return (steps[0], steps[-1])


def build_char_cnn_rnn(
    text_dim=1024,
    channels=(384, 512, 256),
    units=256,
    gated=False,
    initializer="small_uniform",
    normalized=False,
):
    """Three convolutions over characters, then a recurrent layer whose states' mean
    is the text.

    The recurrent layer sees 8 steps of the 201 characters, or 18 in the gated form.
    The authors' have two biases that are added: 256 parameters more than here, or
    1,536 with gates. Their gated form too resets the state before the product; unlike
    here, its first step has no gate.

    Args:
        text_dim: Length of the text's vector; 1024.
        channels: Of the convolutions; (384, 512, 256).
        units: Of the recurrent layer; 256.
        gated: Whether it is a GRU over 18 steps (`HybridCNNLong`, whose third
            convolution has 512 channels and which has 512 units) in the place of a
            ReLU RNN over 8.
        initializer: `"small_uniform"`, U(-0.08, 0.08) for all weights, the authors';
            or `"glorot"` for kernels with biases of 0, for smaller networks.
        normalized: Whether vectors are brought to a mean square of 1. A contrastive
            objective, which compares directions, leaves their length to chance.

    Returns:
        `keras.Model` from `kg.text.character_ids` to `(batch, text_dim)`.

    Raises:
        ValueError: for an unknown initializer.
    """
    start = functools.partial(_weights, initializer)
    ids = keras.Input((TEXT_LENGTH,), dtype="int32", name="characters")
    x = OneHotCharacters(name="one_hot")(ids)
    for i, filters in enumerate(channels):
        x = layers.Conv1D(
            filters, 4, activation="relu", name=f"conv_{i}", **start("kernel")
        )(x)
        if i < 2:
            x = layers.MaxPooling1D(3, 3, name=f"pool_{i}")(x)
        elif not gated:
            x = layers.MaxPooling1D(3, 2, name=f"pool_{i}")(x)
    recurrent = {
        "return_sequences": True,
        "name": "recurrent",
        **start("kernel", "recurrent"),
    }
    if gated:
        x = layers.GRU(units, reset_after=False, **recurrent)(x)
    else:
        x = layers.SimpleRNN(units, activation="relu", **recurrent)(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    vectors = layers.Dense(text_dim, dtype="float32", name="text", **start("kernel"))(x)
    vectors = _normalized(vectors) if normalized else vectors
    return keras.Model(ids, vectors, name="text_encoder")


def build_bigru(text_dim=128, embedding_dim=64, units=64, length=TEXT_LENGTH):
    """A learned vector per character, a GRU in both directions, the mean, a projection.

    Vectors have a mean square of 1.

    Args:
        text_dim: Length of the text's vector; 128.
        embedding_dim: Length of a character's vector; 64.
        units: Of the GRU in each direction; 64.
        length: Characters that are read, at most 201; fewer take less time.

    Returns:
        As `build_char_cnn_rnn`.
    """
    ids = keras.Input((TEXT_LENGTH,), dtype="int32", name="characters")
    read = ids[:, :length]
    x = layers.Embedding(len(ALPHABET) + 1, embedding_dim, name="embed")(read)
    gru = layers.GRU(units, return_sequences=True)
    x = layers.Bidirectional(gru, name="both_ways")(x)
    x = MeanOfCharacters(name="mean")([x, read])
    vectors = layers.Dense(text_dim, dtype="float32", name="text")(x)
    return keras.Model(ids, _normalized(vectors), name="text_encoder")


ENCODERS = {
    "char_cnn_rnn": build_char_cnn_rnn,
    "char_cnn_gru": functools.partial(
        build_char_cnn_rnn, channels=(384, 512, 512), units=512, gated=True
    ),
    "small_char_cnn_rnn": functools.partial(
        build_char_cnn_rnn,
        channels=(64, 96, 96),
        units=96,
        initializer="glorot",
        normalized=True,
    ),
    "bigru": functools.partial(build_bigru, length=64),
}


def build_text_encoder(name, text_dim):
    """A text encoder by its name.

    Args:
        name: `"char_cnn_rnn"` or `"char_cnn_gru"`, the authors'; `"small_char_cnn_rnn"`
            or `"bigru"`, which reads 64 characters, for captions of few words.
        text_dim: Length of a text's vector.

    Raises:
        ValueError: for another name.
    """
    check_encoder_name(name)
    return ENCODERS[name](text_dim)


def check_encoder_name(name):
    """Refuses a name that is not in `ENCODERS`.

    Raises:
        ValueError: naming those that are.
    """
    if name not in ENCODERS:
        raise ValueError(
            f"Text encoders are {', '.join(ENCODERS)}, or a keras.Model. Found: "
            f"{name!r}."
        )


def _normalized(vectors):
    unit = layers.UnitNormalization(dtype="float32", name="unit")(vectors)
    return Rescaling(vectors.shape[-1] ** 0.5, dtype="float32", name="vectors")(unit)


def _weights(kind, *kernels):
    """Arguments of a layer; new initializers each time."""
    if kind == "glorot":
        return {}
    if kind != "small_uniform":
        raise ValueError(
            f"initializer is 'small_uniform' or 'glorot'. Found: {kind!r}."
        )
    return {
        f"{name}_initializer": keras.initializers.RandomUniform(-0.08, 0.08)
        for name in (*kernels, "bias")
    }
