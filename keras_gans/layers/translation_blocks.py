"""What the networks of image translation are made of: norms, starts, resampling."""

import keras
from keras import initializers, layers

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.dcgan_weights import dcgan_weights
from keras_gans.layers.instance_normalization import InstanceNormalization

NORMALIZATIONS = ("batch", "instance")


def normalization(kind, name):
    """A normalisation as the PyTorch implementations have it.

    Args:
        kind: `"batch"` (momentum 0.9, gamma from N(1, 0.02)) or `"instance"` (without
            scale and offset).
        name: Name of the layer.

    Raises:
        ValueError: for another kind.
    """
    if kind == "batch":
        gamma = initializers.RandomNormal(1.0, 0.02)
        return BatchNormalization(
            unbiased=True,
            momentum=0.9,
            epsilon=1e-5,
            gamma_initializer=gamma,
            name=name,
        )
    if kind == "instance":
        return InstanceNormalization(name=name)
    raise ValueError(f"A normalization is one of {NORMALIZATIONS}. Found: {kind!r}.")


def small_weights(normalization=None):
    """Keyword arguments of a convolution: N(0, 0.02), and whether it has a bias.

    Args:
        normalization: What follows it: `"batch"`, whose offset takes the place of the
            bias, or anything else.
    """
    return {**dcgan_weights(), "use_bias": normalization != "batch"}


def halved(x, filters, normalization, name, kernel_size=3):
    """A strided convolution padded by zeros all around, as PyTorch's padding of 1.

    Keras' "same" would pad an even map at its far side alone, and so read a grid that
    lies a pixel off.
    """
    x = layers.ZeroPadding2D(1, name=f"{name}_padding")(x)
    return layers.Conv2D(
        filters, kernel_size, strides=2, name=name, **small_weights(normalization)
    )(x)


def doubled(x, filters, normalization, name):
    """A transposed 3x3 convolution to twice the size (padding 1, output padding 1).

    Its first row and column are left out: "same" would leave out the last ones.
    """
    x = layers.Conv2DTranspose(
        filters, 3, strides=2, name=name, **small_weights(normalization)
    )(x)
    return layers.Cropping2D(((1, 0), (1, 0)), name=f"{name}_cropped")(x)


def last_activation(x):
    """tanh in float32: images in [-1, 1]."""
    return layers.Activation("tanh", dtype="float32", name="images")(x)


def free_size(channels, name="source"):
    """An input of maps of any size."""
    return keras.Input((None, None, channels), name=name)
