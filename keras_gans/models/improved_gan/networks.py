"""The networks of Improved GAN's semi-supervised experiments."""

import math

import keras
from keras import initializers, layers, ops

from keras_gans.layers import (
    BatchNormalization,
    MinibatchDiscrimination,
    Rescaling,
    WeightNormalizedConv2D,
    WeightNormalizedConv2DTranspose,
    WeightNormalizedDense,
)
from keras_gans.models.dcgan import coarse_size


def build_mlp_generator(image_shape, latent_dim, units):
    """z -> normalised softplus layers -> sigmoid pixels, of weights of unit length."""
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for i, width in enumerate(units):
        x = layers.Dense(width, use_bias=False, name=f"hidden_{i}")(x)
        x = layers.Activation("softplus")(_norm(f"hidden_{i}_norm")(x))
    size = math.prod(image_shape)
    x = WeightNormalizedDense(
        size,
        train_scale=True,
        epsilon=1e-6,
        kernel_initializer="glorot_uniform",
        name="pixels",
    )(x)
    x = layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    x = Rescaling(2.0, -1.0, dtype="float32", name="to_data_range")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_mlp_discriminator(image_shape, units, num_labels, minibatch_discrimination):
    """Noisy pixels -> ReLU layers with noise between them -> class logits."""
    images = keras.Input(image_shape, name="images")
    x = Rescaling(0.5, 0.5, name="to_unit_range")(images)
    x = layers.Flatten(name="flat")(x)
    for i, width in enumerate(units):
        # Without noise, the classifier learns the few labels by heart.
        x = layers.GaussianNoise(0.3 if i == 0 else 0.5, name=f"noise_{i}")(x)
        x = _unit_dense(width, "relu", kernel_std=0.1, name=f"hidden_{i}")(x)
    features = x
    x = layers.GaussianNoise(0.5, name=f"noise_{len(units)}")(x)
    return _judging(images, x, features, num_labels, minibatch_discrimination, 0.1)


def build_conv_generator(image_shape, latent_dim, base_channels):
    """z -> coarse map -> 5x5 transposed convolutions doubling it -> tanh image."""
    coarse, doublings = _coarse(image_shape)
    channels = base_channels * 2 ** (doublings - 1)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(
        math.prod(coarse) * channels,
        use_bias=False,
        kernel_initializer=_normal(),
        name="project",
    )(latents)
    # Each unit by itself: the statistics are not those of whole maps.
    x = layers.ReLU()(_norm("project_norm")(x))
    x = layers.Reshape((*coarse, channels))(x)
    # The transpose of a convolution that is padded by 2 on all sides.
    for i in range(doublings - 1):
        channels //= 2
        x = layers.Conv2DTranspose(
            channels,
            5,
            2,
            use_bias=False,
            kernel_initializer=_normal(),
            name=f"up_{i}",
        )(x)
        x = layers.Cropping2D(((2, 1), (2, 1)))(x)
        x = layers.ReLU()(_norm(f"up_{i}_norm")(x))
    x = WeightNormalizedConv2DTranspose(
        image_shape[-1],
        5,
        2,
        "valid",
        train_scale=True,
        initial_std=0.1,
        name="to_image",
    )(x)
    x = layers.Cropping2D(((2, 1), (2, 1)))(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_conv_discriminator(
    image_shape, channels, num_labels, minibatch_discrimination
):
    """Image -> nine convolutions, with dropout between groups -> class logits."""
    _coarse(image_shape)
    images = keras.Input(image_shape, name="images")
    if minibatch_discrimination:
        x = layers.GaussianNoise(0.2, name="noise")(images)
    else:
        x = layers.Dropout(0.2, name="dropout_0")(images)
    for group in (1, 2):
        for i in range(3):
            down = i == 2
            # Padded by 1 on all sides: Keras' "same" would shift by a pixel.
            x = layers.ZeroPadding2D(1)(x) if down else x
            x = _unit_conv(
                channels * group, 3, f"conv_{group}_{i}", 2 if down else 1, not down
            )(x)
        x = layers.Dropout(0.5, name=f"dropout_{group}")(x)
    for i, kernel in enumerate((3, 1, 1)):
        x = _unit_conv(2 * channels, kernel, f"conv_3_{i}", same=False)(x)
    features = layers.GlobalAveragePooling2D(name="mean")(x)
    return _judging(
        images, features, features, num_labels, minibatch_discrimination, 0.05
    )


def _judging(images, x, features, num_labels, minibatch_discrimination, kernel_std):
    if minibatch_discrimination:
        x = MinibatchDiscrimination(100, 5, name="closeness")(x)
    class_logits = _unit_dense(
        num_labels,
        None,
        kernel_std,
        train_scale=True,
        initial_std=0.1,
        dtype="float32",
        name="class_logits",
    )(x)
    logits = ops.logsumexp(class_logits, axis=-1, keepdims=True)
    outputs = (logits, features, class_logits)
    return keras.Model(images, outputs, name="discriminator")


def _unit_dense(units, activation, kernel_std, **kwargs):
    return WeightNormalizedDense(
        units,
        activation,
        kernel_initializer=initializers.RandomNormal(stddev=kernel_std),
        **kwargs,
    )


def _unit_conv(channels, kernel, name, strides=1, same=True):
    padding = "same" if same else "valid"
    conv = WeightNormalizedConv2D(channels, kernel, strides, padding, name=name)
    return lambda x: layers.LeakyReLU(0.2)(conv(x))


def _norm(name):
    # The authors' batch normalisation has an offset, no scale.
    return BatchNormalization(momentum=0.9, epsilon=1e-6, scale=False, name=name)


def _normal():
    return initializers.RandomNormal(stddev=0.05)


def _coarse(image_shape):
    coarse, doublings = coarse_size(image_shape)
    if doublings < 2:
        raise ValueError(
            "The convolutional networks halve an image twice and look at 3x3 pixels of "
            f"what is left: 16 pixels at least. Found the shape {tuple(image_shape)}."
        )
    return coarse, doublings
