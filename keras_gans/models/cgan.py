"""CGAN: both players are told the class.

Mirza and Osindero 2014, arXiv 1411.1784. Training is the GAN's; only the networks
change.
"""

import keras
from keras import layers, ops

from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import Maxout
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
        image_shape: Shape of one image, of any size.
        latent_dim: Length of z ~ U(0, 1); 100.
        num_classes: Number of classes.
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
        generator=None,
        discriminator=None,
        minimax=False,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        AdversarialModel.__init__(
            self, image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.minimax = minimax
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, num_classes)),
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, num_classes)),
        )

    def default_optimizers(self):
        """As GAN's, with the rate divided by 1.00004 per update (section 4.1)."""
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
