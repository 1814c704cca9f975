"""The networks of f-AnoGAN's authors: pre-activated residual blocks.

Their blocks are those of WGAN-GP's ResNet with layer normalisation in the critic, maps
that grow wider with each halving, and no bias in a block's first convolution.
"""

import keras
from keras import layers

from keras_gans.layers import BatchNormalization
from keras_gans.models.dcgan import coarse_size
from keras_gans.models.wgan_gp import conv


def build_generator(image_shape, latent_dim, base_channels):
    """z -> dense coarse map -> residual blocks doubling it -> tanh image."""
    (height, width), doublings = coarse_size(image_shape)
    channels = base_channels * 2 ** (doublings - 1)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(height * width * channels, name="input")(latents)
    x = layers.Reshape((height, width, channels), name="as_map")(x)
    for i in range(doublings):
        narrow = base_channels * 2 ** (doublings - 1 - i)
        x, channels = _up(x, channels, narrow, f"up_{i}"), narrow
    x = layers.ReLU(name="output_relu")(batch_norm("output_norm")(x))
    x = conv(channels, image_shape[-1], "to_image", he=False)(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_critic(image_shape, base_channels):
    """Image -> residual blocks halving it, layer-normalised -> flat map -> a score."""
    images = keras.Input(image_shape, name="images")
    x = _halved(images, image_shape, base_channels, _layer_norm)
    scores = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model(images, scores, name="critic")


def build_encoder(image_shape, latent_dim, base_channels):
    """The critic's blocks, batch-normalised -> flat map -> latents."""
    images = keras.Input(image_shape, name="images")
    x = _halved(images, image_shape, base_channels, batch_norm)
    latents = layers.Dense(latent_dim, dtype="float32", name="latents")(x)
    return keras.Model(images, latents, name="encoder")


def _halved(images, image_shape, base_channels, norm):
    _, halvings = coarse_size(image_shape)
    channels = base_channels
    x = conv(image_shape[-1], channels, "input")(images)
    for i in range(halvings):
        # The last two blocks are of one width.
        wide = base_channels * 2 ** min(i + 1, halvings - 1)
        x, channels = _down(x, channels, wide, f"down_{i}", norm), wide
    return layers.Flatten(name="features")(x)


def _up(x, inputs, outputs, name):
    skip = layers.UpSampling2D(name=f"{name}_skip_up")(x)
    skip = conv(inputs, outputs, f"{name}_skip", kernel=1, he=False)(skip)
    x = layers.ReLU()(batch_norm(f"{name}_norm_0")(x))
    x = layers.UpSampling2D(name=f"{name}_up")(x)
    x = conv(inputs, outputs, f"{name}_conv_0", use_bias=False)(x)
    x = layers.ReLU()(batch_norm(f"{name}_norm_1")(x))
    x = conv(outputs, outputs, f"{name}_conv_1")(x)
    return layers.Add(name=name)([skip, x])


def _down(x, inputs, outputs, name, norm):
    skip = layers.AveragePooling2D(2, name=f"{name}_skip_pool")(x)
    skip = conv(inputs, outputs, f"{name}_skip", kernel=1, he=False)(skip)
    x = layers.ReLU()(norm(f"{name}_norm_0")(x))
    x = conv(inputs, inputs, f"{name}_conv_0", use_bias=False)(x)
    x = layers.ReLU()(norm(f"{name}_norm_1")(x))
    x = conv(inputs, outputs, f"{name}_conv_1")(x)
    x = layers.AveragePooling2D(2, name=f"{name}_pool")(x)
    return layers.Add(name=name)([skip, x])


def batch_norm(name):
    """Batch normalisation as the authors set it."""
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)


def _layer_norm(name):
    # Over the whole map, with a factor and an offset per channel. It keeps samples
    # apart, as a penalty on each one's slope needs it.
    return layers.GroupNormalization(groups=1, epsilon=1e-5, name=name)
