"""DCGAN: strided convolutions and batch normalisation make GANs of images trainable.

Radford, Metz and Chintala 2015, arXiv 1511.06434. Networks and training step are those
of the widely used PyTorch example: 4x4 kernels, no biases, one fake batch per step.
"""

import math

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import (
    BatchNormalization,
    WholeMapConv2D,
    WholeMapConv2DTranspose,
    dcgan_weights,
)


@keras.saving.register_keras_serializable("keras_gans")
class DCGAN(AdversarialModel):
    """A generator and a discriminator of strided convolutions.

    The discriminator minimises E sp(-D(x)) + E sp(D(G(z))), the generator
    E sp(-D(G(z))), with sp(t) = log(1 + e^t). Both see the same fakes: the generator
    is scored by the discriminator that has just been updated on them.

    Differs from the paper: batch of the user's choice (the paper's is 128), and the
    reference's 4x4 kernels for the paper's 5x5. Batch statistics are the biased ones.

    Args:
        image_shape: `(height, width, channels)`, height and width 4 * 2^n or 7 * 2^n
            with n >= 1 (28, 32, 56, 64, 128 ...).
        latent_dim: Length of z ~ N(0, 1); 100 in the paper.
        base_channels: Channels at half the image's resolution; they double with each
            halving. 64 in the reference, 128 in the paper.
        generator: Your own `keras.Model` from `(batch, latent_dim)` to images in
            [-1, 1]; `None` for the paper's.
        discriminator: Your own from images to logits `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored.

    Logs: `discriminator_loss`, `generator_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make.

    Example:

    >>> gan = DCGAN(image_shape=(32, 32, 1), base_channels=32)
    >>> gan.compile()
    >>> gan.fit(images, batch_size=64, epochs=20)
    >>> faces = gan.sample(16, seed=7)

    Reference: arXiv 1511.06434, section 3.
    """

    reports = ("discriminator_loss", "generator_loss")

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_dim=100,
        base_channels=64,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        self.base_channels = base_channels
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, base_channels)),
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, base_channels)),
        )

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players (section 4 of the paper)."""
        return {player: pytorch_adam() for player in self.players}

    def train_step(self, data):
        """One update of each player on one real batch and one fake batch."""
        real = self.unpack(data)

        def generator_losses():
            fake = self.generate(real, training=True)
            held = ops.stop_gradient(fake)
            discriminator = self.in_training("discriminator")

            def discriminator_losses():
                # Two calls: batch statistics of real and fake must not mix.
                loss = losses.non_saturating.discriminator(
                    discriminator(real, is_real=True), discriminator(held)
                )
                return {"discriminator_loss": loss}

            self.update("discriminator", discriminator_losses)
            loss = losses.non_saturating.generator(discriminator(fake))
            return {"generator_loss": loss}

        self.update("generator", generator_losses)
        return self.logs()


def build_generator(image_shape, latent_dim, base_channels):
    """z -> coarse map -> transposed convolutions doubling it -> tanh image."""
    (height, width), doublings = coarse_size(image_shape)
    channels = base_channels * 2 ** (doublings - 1)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Reshape((1, 1, latent_dim), name="as_map")(latents)
    # On a 1x1 map this is a dense layer; so written, its weights are the reference's.
    x = WholeMapConv2DTranspose(
        channels, (height, width), name="project", **dcgan_weights()
    )(x)
    x = layers.ReLU(name="project_relu")(_batch_norm("project_norm")(x))
    for i in range(doublings - 1):
        channels //= 2
        x = _up(channels, f"up_{i}")(x)
        x = layers.ReLU(name=f"up_{i}_relu")(_batch_norm(f"up_{i}_norm")(x))
    x = _up(image_shape[-1], "to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_shape, base_channels):
    """Image -> strided convolutions halving it -> one logit."""
    size, halvings = coarse_size(image_shape)
    images = keras.Input(image_shape, name="images")
    x = images
    for i in range(halvings):
        x = layers.Conv2D(
            base_channels * 2**i,
            4,
            strides=2,
            padding="same",
            name=f"down_{i}",
            **dcgan_weights(),
        )(x)
        if i > 0:
            x = _batch_norm(f"down_{i}_norm")(x)
        x = layers.LeakyReLU(0.2, name=f"down_{i}_relu")(x)
    x = WholeMapConv2D(1, size, dtype="float32", name="score", **dcgan_weights())(x)
    logits = layers.Flatten(dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")


def coarse_size(image_shape):
    """The map where the networks start, and how often it doubles to the image.

    Args:
        image_shape: `(height, width, channels)`.

    Returns:
        `((height, width), doublings)` with the shorter side 4 to 7.

    Raises:
        ValueError: when halving the image does not lead there.
    """
    if len(image_shape) != 3:
        raise ValueError(
            f"image_shape is (height, width, channels). Found: {tuple(image_shape)}."
        )
    height, width = image_shape[:2]
    doublings = int(math.log2(min(height, width) / 4)) if min(height, width) >= 8 else 0
    step = 2**doublings
    if doublings < 1 or height % step or width % step:
        near = sorted({s * 2**n for s in (4, 5, 6, 7) for n in range(1, 8)})
        fits = [n for n in near if n <= 2 * max(height, width)][-12:]
        raise ValueError(
            f"Images of {height}x{width} cannot be made by doubling a map of 4 to 7 "
            f"pixels. Resize them to sides among {fits}."
        )
    return (height // step, width // step), doublings


def _up(channels, name):
    return layers.Conv2DTranspose(
        channels, 4, strides=2, padding="same", name=name, **dcgan_weights()
    )


def _batch_norm(name):
    # momentum and epsilon of the reference, in Keras' convention.
    return BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
        name=name,
    )
