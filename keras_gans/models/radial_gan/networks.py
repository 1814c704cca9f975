"""The networks of RadialGAN: two dense layers each, told the label with their rows."""

import math

import keras
from keras import initializers, layers, ops


def build_encoder(width, hidden_units, latent_dim, name="encoder"):
    """(x, y) -> tanh layer -> z, linear.

    Args:
        width: Features of a row.
        hidden_units: Width of the hidden layer.
        latent_dim: Length of z.
        name: Name of the network.
    """
    rows, labels, x = _rows_and_labels("rows", width)
    x = _dense(hidden_units, width + 1, "hidden", "tanh")(x)
    latents = _dense(latent_dim, hidden_units, "latents", dtype="float32")(x)
    return keras.Model((rows, labels), latents, name=name)


def build_decoder(latent_dim, hidden_units, width, groups=(), name="decoder"):
    """(z, y) -> tanh layer -> x: numbers linear, categories as probabilities.

    Args:
        latent_dim: Length of z.
        hidden_units: Width of the hidden layer.
        width: Features of a row.
        groups: `(start, stop)` of the features that are the categories of a column.
        name: Name of the network.
    """
    latents, labels, x = _rows_and_labels("latents", latent_dim)
    x = _dense(hidden_units, latent_dim + 1, "hidden", "tanh")(x)
    rows = _dense(width, hidden_units, "features", dtype="float32")(x)
    if groups:
        rows = CategoryProbabilities(groups, dtype="float32", name="rows")(rows)
    return keras.Model((latents, labels), rows, name=name)


def build_discriminator(width, hidden_units, name="discriminator"):
    """(x, y) -> tanh layer -> one logit.

    Args:
        width: Features of a row.
        hidden_units: Width of the hidden layer.
        name: Name of the network.
    """
    rows, labels, x = _rows_and_labels("rows", width)
    x = _dense(hidden_units, width + 1, "hidden", "tanh")(x)
    logits = _dense(1, hidden_units, "logits", dtype="float32")(x)
    return keras.Model((rows, labels), logits, name=name)


@keras.saving.register_keras_serializable("keras_gans")
class CategoryProbabilities(layers.Layer):
    """Softmax over the features of each categorical column; others stay as they are.

    Args:
        groups: `(start, stop)` of each such column, in order and without overlap.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        self.groups = [[int(start), int(stop)] for start, stop in groups]

    def call(self, inputs):
        """The features, of which those of a group add up to 1."""
        parts, end = [], 0
        for start, stop in self.groups:
            parts += [inputs[:, end:start]] if start > end else []
            parts.append(ops.softmax(inputs[:, start:stop], axis=-1))
            end = stop
        parts += [inputs[:, end:]] if end < inputs.shape[-1] else []
        return ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, input_shape):
        """That of the inputs."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "groups": self.groups}


def _rows_and_labels(name, width):
    rows = keras.Input((width,), name=name)
    labels = keras.Input((1,), name="labels")
    return rows, labels, layers.Concatenate(name="both")((rows, labels))


def _dense(units, fan_in, name, activation=None, **kwargs):
    spread = initializers.RandomNormal(stddev=math.sqrt(2 / fan_in))
    return layers.Dense(
        units, activation, kernel_initializer=spread, name=name, **kwargs
    )
