"""The networks of Age-cGAN.

The paper calls them DCGAN's and shows no more. The layout is that of a public
implementation (github.com/Vishal-V/GANs, age-conditional GAN), whose encoder is built
as it was meant: there every convolution reads the image, and all but the last are lost.
"""

import math

import keras
from keras import layers, ops

from keras_gans.layers import BatchNormalization
from keras_gans.models.dcgan import coarse_size

_HE = {"kernel_initializer": "he_uniform"}


def build_generator(image_shape, latent_dim, num_classes, base_channels):
    """(z, y) -> two dense layers -> a map of an eighth, doubled three times -> tanh."""
    height, width, channels = _eighths(image_shape)
    inputs, x = _latents_with_class(latent_dim, num_classes)
    x = layers.Dense(32 * base_channels, name="hidden", **_HE)(x)
    x = layers.Dropout(0.2)(layers.LeakyReLU(0.2)(x))
    filters = 4 * base_channels
    x = layers.Dense(height * width * filters, name="project", **_HE)(x)
    x = layers.LeakyReLU(0.2)(_batch_norm("project_norm")(x))
    x = layers.Reshape((height, width, filters), name="as_map")(layers.Dropout(0.2)(x))
    for i, filters in enumerate((2 * base_channels, base_channels)):
        x = layers.UpSampling2D(name=f"up_{i}")(x)
        x = layers.Conv2D(filters, 5, padding="same", name=f"conv_{i}", **_HE)(x)
        x = layers.LeakyReLU(0.2)(_batch_norm(f"norm_{i}")(x))
    x = layers.UpSampling2D(name="up_2")(x)
    x = layers.Conv2D(channels, 5, padding="same", name="to_image", **_HE)(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name="generator")


def build_dcgan_generator(image_shape, latent_dim, num_classes, base_channels):
    """(z, y) -> dense coarse map -> 5x5 transposed convolutions doubling it -> tanh."""
    (height, width), doublings = coarse_size(image_shape)
    filters = base_channels * 2 ** (doublings - 1)
    inputs, x = _latents_with_class(latent_dim, num_classes)
    x = layers.Dense(height * width * filters, name="project", **_HE)(x)
    x = layers.Reshape((height, width, filters), name="as_map")(x)
    x = layers.ReLU()(_batch_norm("project_norm")(x))
    for i in range(doublings - 1):
        filters //= 2
        x = _deconv(filters, f"up_{i}")(x)
        x = layers.ReLU()(_batch_norm(f"norm_{i}")(x))
    x = _deconv(image_shape[-1], "to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name="generator")


def build_discriminator(image_shape, num_classes, base_channels):
    """(x, y) -> four 3x3 convolutions, y joined to what the first makes -> a logit."""
    _eighths(image_shape)
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = layers.LeakyReLU(0.2)(_strided(base_channels, 3, "down_0")(images))
    height, width = x.shape[1:3]
    maps = layers.Reshape((1, 1, num_classes))(ops.one_hot(labels, num_classes))
    x = layers.Concatenate()([x, layers.UpSampling2D((height, width))(maps)])
    for i in range(1, 4):
        x = _strided(base_channels * 2**i, 3, f"down_{i}")(x)
        x = layers.LeakyReLU(0.2)(_batch_norm(f"norm_{i}")(x))
    logits = layers.Dense(1, dtype="float32", name="logits")(layers.Flatten()(x))
    return keras.Model((images, labels), logits, name="discriminator")


def build_encoder(image_shape, latent_dim, base_channels):
    """Image -> four 5x5 convolutions -> a dense layer -> latents."""
    _eighths(image_shape)
    images = x = keras.Input(image_shape, name="images")
    for i in range(4):
        x = _strided(base_channels // 2 * 2**i, 5, f"down_{i}")(x)
        x = layers.LeakyReLU(0.2)(x if i == 0 else _batch_norm(f"norm_{i}")(x))
    x = layers.Dense(64 * base_channels, name="hidden")(layers.Flatten()(x))
    x = layers.LeakyReLU(0.2)(_batch_norm("hidden_norm")(x))
    latents = layers.Dense(latent_dim, dtype="float32", name="latents")(x)
    return keras.Model(images, latents, name="encoder")


def _latents_with_class(latent_dim, num_classes):
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    one_hot = ops.one_hot(labels, num_classes)
    return (latents, labels), layers.Concatenate()([latents, one_hot])


def _eighths(image_shape):
    if len(image_shape) != 3 or math.gcd(*image_shape[:2]) % 8:
        raise ValueError(
            "Age-cGAN makes images (height, width, channels) whose sides are multiples "
            f"of 8. Found the shape {tuple(image_shape)}."
        )
    height, width, channels = image_shape
    return height // 8, width // 8, channels


def _strided(filters, size, name):
    return layers.Conv2D(filters, size, 2, "same", name=name)


def _deconv(filters, name):
    return layers.Conv2DTranspose(filters, 5, 2, "same", name=name, **_HE)


def _batch_norm(name):
    # 0.8 of the public implementation, which also means Keras' epsilon.
    return BatchNormalization(momentum=0.8, epsilon=1e-3, name=name)
