"""Networks of a public f-AnoGAN in PyTorch (github.com/A03ki/f-AnoGAN).

Its folders name them: "mvtec" for convolutions, "mnist" for perceptrons. Both have an
epsilon of 0.8 in most of their batch normalisations, which was meant as a momentum;
it is kept, for their weights depend on it.
"""

import math

import keras
from keras import layers

from keras_gans.layers import BatchNormalization


def build_mvtec_generator(image_shape, latent_dim, base_channels):
    """z -> dense map of a quarter of the side -> two convolutions after doubling."""
    height, width, channels = _quartered(image_shape, 4)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(height * width * base_channels, name="l1")(latents)
    x = layers.Reshape((height, width, base_channels), name="as_map")(x)
    x = _batch_norm("norm_0", 1e-5)(x)
    for i, filters in enumerate((base_channels, base_channels // 2), start=1):
        x = layers.UpSampling2D(name=f"up_{i}")(x)
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}")(_batch_norm(f"norm_{i}")(x))
    x = layers.Conv2D(channels, 3, padding="same", name="to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_mvtec_critic(image_shape, base_channels):
    """Image -> four strided convolutions, dropout, batch normalisation -> a score."""
    images = keras.Input(image_shape, name="images")
    x = _strided(images, image_shape, base_channels)
    scores = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model(images, scores, name="critic")


def build_mvtec_encoder(image_shape, latent_dim, base_channels):
    """The critic's convolutions -> latents."""
    images = keras.Input(image_shape, name="images")
    x = _strided(images, image_shape, base_channels)
    latents = layers.Dense(latent_dim, dtype="float32", name="latents")(x)
    return keras.Model(images, latents, name="encoder")


def build_mnist_generator(image_shape, latent_dim, base_channels):
    """z -> perceptrons of 128, 256, 512 and 1024 units -> tanh image."""
    latents = x = keras.Input((latent_dim,), name="latents")
    for i in range(4):
        x = layers.Dense(base_channels * 2**i, name=f"dense_{i}")(x)
        x = x if i == 0 else _batch_norm(f"norm_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}")(x)
    x = layers.Dense(math.prod(image_shape), name="to_image")(x)
    x = layers.Activation("tanh", dtype="float32", name="pixels")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_mnist_critic(image_shape, base_channels):
    """Image -> perceptrons of 512 and 256 units -> a score."""
    images = keras.Input(image_shape, name="images")
    x = _perceptrons(images, base_channels)
    scores = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model(images, scores, name="critic")


def build_mnist_encoder(image_shape, latent_dim, base_channels):
    """The critic's perceptrons -> latents."""
    images = keras.Input(image_shape, name="images")
    x = _perceptrons(images, base_channels)
    latents = layers.Dense(latent_dim, dtype="float32", name="latents")(x)
    return keras.Model(images, latents, name="encoder")


def _strided(x, image_shape, base_channels):
    _quartered(image_shape, 16)
    for i, factor in enumerate((1, 2, 4, 8)):
        filters = base_channels // 8 * factor
        # PyTorch's padding: "same" would shift the grid by a pixel.
        x = layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"pad_{i}")(x)
        x = layers.Conv2D(filters, 3, 2, name=f"conv_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}")(x)
        x = layers.SpatialDropout2D(0.25, name=f"dropout_{i}")(x)
        x = x if i == 0 else _batch_norm(f"norm_{i}")(x)
    return layers.Flatten(name="features")(x)


def _perceptrons(x, base_channels):
    x = layers.Flatten(name="flat")(x)
    for i, factor in enumerate((4, 2)):
        x = layers.Dense(base_channels * factor, name=f"dense_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"relu_{i}")(x)
    return x


def _quartered(image_shape, multiple):
    height, width, channels = image_shape
    if height % multiple or width % multiple:
        raise ValueError(
            f"These networks make images with sides that are multiples of 16. Found: "
            f"{height}x{width}: resize, or use architecture='resnet'."
        )
    return height // 4, width // 4, channels


def _batch_norm(name, epsilon=0.8):
    return BatchNormalization(momentum=0.9, epsilon=epsilon, name=name)
