"""Plain multi-layer perceptrons, for vectors and for images seen as vectors."""

import math

import keras
from keras import layers


def build_mlp_generator(image_shape, latent_dim, hidden_units):
    """z -> three ReLU layers -> linear output (WGAN's MLP_G).

    Args:
        image_shape: Shape of one image or vector.
        latent_dim: Length of a latent vector.
        hidden_units: Width of the hidden layers.

    Returns:
        A `keras.Model` from `(batch, latent_dim)` to `(batch, *image_shape)`.
    """
    latents = keras.Input((latent_dim,), name="latents")
    x = _hidden(latents, hidden_units)
    x = layers.Dense(math.prod(image_shape), dtype="float32", name="pixels")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_mlp_critic(image_shape, hidden_units):
    """x -> three ReLU layers -> one score (WGAN's MLP_D).

    Args:
        image_shape: Shape of one image or vector.
        hidden_units: Width of the hidden layers.

    Returns:
        A `keras.Model` from `(batch, *image_shape)` to `(batch, 1)`.
    """
    images = keras.Input(image_shape, name="images")
    x = _hidden(layers.Flatten(name="flat")(images), hidden_units)
    scores = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model(images, scores, name="critic")


def _hidden(x, units):
    for i in range(3):
        x = layers.Dense(units, "relu", name=f"hidden_{i}")(x)
    return x
