"""CGAN: both players are told the class.

Mirza and Osindero 2014, arXiv 1411.1784. Training is the GAN's; only the networks
change. The convolutional variant is the conditional network of DCGAN's authors
(github.com/Newmu/dcgan_code, mnist/train_cond_dcgan.py).
"""

import math

import keras
from keras import layers, ops

from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import BatchNormalization, Maxout, Rescaling, dcgan_weights
from keras_gans.models.gan import (
    GAN,
    flat_unit_pixels,
    paper_sgd,
    pixels,
    score,
    uniform,
)


@keras.saving.register_keras_serializable("keras_gans")
class CGAN(GAN):
    """A GAN whose generator draws, and whose discriminator judges, a given class.

    The discriminator minimises (E sp(-D(x|y)) + E sp(D(G(z|y)|y))) / 2, the generator
    E sp(-D(G(z|y)|y)); fakes take their classes from the data batch. The update is
    simultaneous, as in `GAN`.

    Args:
        image_shape: Shape of one image, of any size; `"conv"` needs `(height, width,
            channels)` with sides divisible by 4.
        latent_dim: Length of z ~ U(0, 1); 100.
        num_classes: Number of classes.
        architecture: `"mlp"`, the paper's, or `"conv"`: strided 5x5 convolutions with
            batch normalisation, the one-hot class joined to the input of every layer.
        base_channels: Channels of `"conv"` at half resolution, twice as many at a
            quarter; 64.
        hidden_units: Width of the dense layers of `"conv"`; 1024.
        generator: Your own `keras.Model` from `(latents, labels)` to images in
            [-1, 1]; labels are integers of shape `(batch,)`.
        discriminator: Your own from `(images, labels)` to logits `(batch, 1)`.
        minimax: As in `GAN`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, labels)`; images uint8 or floats in [-1, 1], labels integers
    in [0, num_classes) or one-hot rows.

    Logs: `discriminator_loss`, `generator_loss`.

    Example:

    >>> gan = CGAN(image_shape=(28, 28, 1), num_classes=10)
    >>> gan.compile()
    >>> gan.fit(images, labels, batch_size=100, epochs=50)
    >>> sevens = gan.sample(16, labels=7)

    Reference: arXiv 1411.1784, eq. 2 and section 4.1.
    """

    latent_range = (0.0, 1.0)

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        num_classes=10,
        architecture="mlp",
        base_channels=64,
        hidden_units=1024,
        generator=None,
        discriminator=None,
        minimax=False,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        # Not GAN's constructor: it would build GAN's networks.
        AdversarialModel.__init__(
            self, image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.architecture = architecture
        self.base_channels = base_channels
        self.hidden_units = hidden_units
        self.minimax = minimax
        build = self._paper_networks()
        self.set_networks(
            discriminator=discriminator or build["discriminator"],
            generator=generator or build["generator"],
        )

    def _paper_networks(self):
        shape, latent_dim, classes = self.image_shape, self.latent_dim, self.num_classes
        if self.architecture == "mlp":
            return {
                "discriminator": lambda: build_discriminator(shape, classes),
                "generator": lambda: build_generator(shape, latent_dim, classes),
            }
        if self.architecture != "conv":
            raise ValueError(
                f"architecture is 'mlp' or 'conv'. Found: {self.architecture!r}."
            )
        if len(shape) != 3 or shape[0] % 4 or shape[1] % 4:
            raise ValueError(
                "The convolutional CGAN makes images whose sides are divisible by 4. "
                f"Found the shape {shape}."
            )
        widths = (self.base_channels, self.hidden_units)
        return {
            "discriminator": lambda: build_conv_discriminator(shape, classes, *widths),
            "generator": lambda: build_conv_generator(
                shape, latent_dim, classes, *widths
            ),
        }

    def default_optimizers(self):
        """SGD as GAN's, its rate divided by 1.00004 per update (section 4.1).

        For `"conv"` Adam 2e-4 with beta_1 0.5, as its authors trained it.
        """
        if self.architecture == "conv":
            return {p: keras.optimizers.Adam(2e-4, beta_1=0.5) for p in self.players}
        return {player: paper_sgd(decay=1.00004) for player in self.players}


def build_generator(image_shape, latent_dim, num_classes):
    """z -> 200 ReLU and y -> 1000 ReLU, together 1200 ReLU -> sigmoid pixels."""
    latents = keras.Input((latent_dim,), name="latents")
    labels, one_hot = _class_input(num_classes)
    z = _relu(200, "latent_units")(latents)
    y = _relu(1000, "class_units")(one_hot)
    joint = _joined(z, y)
    x = _relu(1200, "joint_units")(joint)
    x = layers.Dropout(0.5, name="pixels_dropout")(x)
    return keras.Model((latents, labels), pixels(x, image_shape), name="generator")


def build_discriminator(image_shape, num_classes):
    """x -> maxout 240x5 and y -> maxout 50x5, together maxout 240x4 -> one logit."""
    images = keras.Input(image_shape, name="images")
    labels, one_hot = _class_input(num_classes)
    x = _maxout(240, 5, "image_units")(flat_unit_pixels(images))
    y = _maxout(50, 5, "class_units")(one_hot)
    x = _maxout(240, 4, "joint_units")(_joined(x, y))
    return keras.Model((images, labels), score(x), name="discriminator")


def build_conv_generator(
    image_shape, latent_dim, num_classes, base_channels, hidden_units
):
    """(z, y) -> dense -> quarter-size map -> two deconvolutions -> sigmoid pixels."""
    height, width, channels = image_shape
    latents = keras.Input((latent_dim,), name="latents")
    labels, y = _class_input(num_classes)
    x = layers.Concatenate()([latents, y])
    x = layers.ReLU()(_norm()(_dense(hidden_units, "hidden")(x)))
    quarter = (height // 4, width // 4, 2 * base_channels)
    x = _dense(math.prod(quarter), "project")(layers.Concatenate()([x, y]))
    x = layers.Reshape(quarter)(layers.ReLU()(_norm()(x)))
    x = layers.ReLU()(_norm()(_deconv(base_channels, "up_0")(_with_maps(x, y))))
    x = _deconv(channels, "to_image")(_with_maps(x, y))
    x = layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    images = Rescaling(2.0, -1.0, dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def build_conv_discriminator(image_shape, num_classes, base_channels, hidden_units):
    """(x, y) -> two convolutions -> dense -> one logit."""
    images = keras.Input(image_shape, name="images")
    labels, y = _class_input(num_classes)
    x = Rescaling(0.5, 0.5, name="to_unit_range")(images)
    x = layers.LeakyReLU(0.2)(_conv(base_channels, "down_0")(_with_maps(x, y)))
    x = _norm()(_conv(2 * base_channels, "down_1")(_with_maps(x, y)))
    x = layers.Flatten()(layers.LeakyReLU(0.2)(x))
    x = _norm()(_dense(hidden_units, "hidden")(layers.Concatenate()([x, y])))
    x = layers.Concatenate()([layers.LeakyReLU(0.2)(x), y])
    logits = _dense(1, "logits", dtype="float32")(x)
    return keras.Model((images, labels), logits, name="discriminator")


def _with_maps(x, y):
    height, width = x.shape[1:3]
    maps = layers.Reshape((1, 1, y.shape[-1]))(y)
    maps = layers.UpSampling2D((height, width))(maps)
    return layers.Concatenate()([x, maps])


def _conv(channels, name):
    # The reference pads 2 on all sides; Keras' "same" would shift by a pixel.
    pad = layers.ZeroPadding2D(2)
    conv = layers.Conv2D(channels, 5, strides=2, name=name, **dcgan_weights())
    return lambda x: conv(pad(x))


def _deconv(channels, name):
    # The transpose of that convolution on a map of twice the size.
    deconv = layers.Conv2DTranspose(
        channels, 5, strides=2, name=name, **dcgan_weights()
    )
    crop = layers.Cropping2D(((2, 1), (2, 1)))
    return lambda x: crop(deconv(x))


def _dense(units, name, **kwargs):
    return layers.Dense(units, name=name, **dcgan_weights(), **kwargs)


def _norm():
    # Without scale and offset, as in the reference's MNIST network; its epsilon.
    return BatchNormalization(momentum=0.9, epsilon=1e-5, center=False, scale=False)


def _class_input(num_classes):
    labels = keras.Input((), dtype="int32", name="labels")
    return labels, ops.one_hot(labels, num_classes)


def _joined(a, b):
    x = layers.Concatenate(name="joined")([a, b])
    return layers.Dropout(0.5, name="joined_dropout")(x)


def _relu(units, name):
    return layers.Dense(units, "relu", kernel_initializer=uniform(0.05), name=name)


def _maxout(units, pieces, name):
    return Maxout(units, pieces, kernel_initializer=uniform(0.005), name=name)
