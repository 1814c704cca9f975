"""3D-VAE-GAN: a 3D-GAN whose latents an encoder finds in a picture of the shape.

Wu, Zhang, Xue, Freeman and Tenenbaum 2016, arXiv 1610.07584, section 3.2.
"""

import keras
import numpy as np
from keras import layers, ops

from keras_gans import losses
from keras_gans.core import checks, precision
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.pixels import scaled
from keras_gans.layers import BatchNormalization, WholeMapConv2D
from keras_gans.losses.likelihood import divergence_from_normal
from keras_gans.models.gan_3d import GAN3D, accuracy, check_arguments


@keras.saving.register_keras_serializable("keras_gans")
class VAEGAN3D(GAN3D):
    """Generator and discriminator of `GAN3D`, and an encoder of pictures.

    In each batch of volumes x and pictures y of them, with q(z|y) of the encoder E and
    sp(t) = log(1 + e^t), the discriminator minimises E sp(-D(x)) + E sp(D(G(z))) for
    z ~ N(0, 1), unless it rests as in `GAN3D`; then the encoder
    a E KL(q(z|y) || N(0, 1)) + b E ||G(z_y) - x||, z_y ~ q(z|y); then the generator
    E sp(-D(G(z))) + b E ||G(z_y) - x||. Distances are those of occupancies in [0, 1].

    Args:
        image_shape: As for `GAN3D`, like all that is not named here.
        latent_dim: Length of z ~ N(0, 1); 200.
        base_channels: As for `GAN3D`.
        picture_shape: `(side, side, channels)` of a picture, sides a multiple of 32;
            (256, 256, 3).
        encoder_channels: Channels of the encoder's first convolution; they double with
            each of the three that follow. 64.
        divergence_weight: a; 5.
        reconstruction_weight: b; 1e-4.
        gate: As for `GAN3D`.
        instance_noise: As for `GAN3D`.
        initializer: As for `GAN3D`, of generator and discriminator.
        generator: As for `GAN3D`.
        discriminator: As for `GAN3D`.
        encoder: Your own `keras.Model` from pictures in [-1, 1] to the list
            `[mean, log_variance]`, each `(batch, latent_dim)`.
        ema_decay: Decay of a moving average of generator and encoder.
        seed: Integer from which all random numbers follow.

    Trains on: `(volumes, pictures)`: volumes as for `GAN3D`, as many pictures
    `(num, side, side, channels)`, uint8 or floats in [-1, 1].

    Logs: `discriminator_loss`; `divergence_loss` and `encoder_loss`, the encoder's;
    `generator_loss` and `reconstruction_loss`, the generator's; all times their
    weights; `discriminator_accuracy`, `discriminator_updates`.

    Raises:
        ValueError: as `GAN3D`, or for pictures that the encoder cannot halve.

    Example:

    >>> gan = VAEGAN3D(image_shape=(64, 64, 64, 1))
    >>> gan.compile()
    >>> gan.fit(volumes, pictures, batch_size=100, epochs=100)
    >>> chairs = gan.reconstruct(photographs)

    Reference: arXiv 1610.07584, section 3.2 and eq. 2 to 4.
    """

    players = {
        "discriminator": ("discriminator",),
        "encoder": ("encoder",),
        "generator": ("generator",),
    }
    reports = (
        "discriminator_loss",
        "divergence_loss",
        "encoder_loss",
        "generator_loss",
        "reconstruction_loss",
        "discriminator_accuracy",
        "discriminator_updates",
    )
    sampling_networks = ("generator", "encoder")
    prior, architecture, normalization = "normal", "authors", "batch"

    def __init__(
        self,
        image_shape=(64, 64, 64, 1),
        latent_dim=200,
        base_channels=64,
        picture_shape=(256, 256, 3),
        encoder_channels=64,
        divergence_weight=5.0,
        reconstruction_weight=1e-4,
        gate=0.8,
        instance_noise=0.0,
        initializer="normal",
        generator=None,
        discriminator=None,
        encoder=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        # Not the parent's constructor: it would build without the encoder.
        AdversarialModel.__init__(
            self, image_shape, latent_dim, None, ema_decay, seed, **kwargs
        )
        check_arguments(
            "normal", gate, instance_noise, initializer, kwargs.get("augmentation")
        )
        self.base_channels = base_channels
        self.picture_shape = tuple(picture_shape)
        self.encoder_channels = encoder_channels
        self.divergence_weight = divergence_weight
        self.reconstruction_weight = reconstruction_weight
        self.gate = gate
        self.instance_noise = instance_noise
        self.initializer = initializer
        self._begin(
            generator=generator,
            discriminator=discriminator,
            encoder=encoder
            or (
                lambda: build_encoder(self.picture_shape, latent_dim, encoder_channels)
            ),
        )

    def check_network(self, name, network):
        """As for `GAN3D`; the encoder makes a mean and a log-variance of pictures."""
        if name != "encoder":
            super().check_network(name, network)
        elif hasattr(network, "outputs"):
            found = [tuple(output.shape[1:]) for output in network.outputs]
            if found != [(self.latent_dim,)] * 2:
                raise ValueError(
                    "The encoder returns [mean, log_variance], each of "
                    f"{self.latent_dim} columns. Found: {found}."
                )

    def default_optimizers(self):
        """As `GAN3D`; the encoder learns as fast as the generator."""
        return {**super().default_optimizers(), "encoder": pytorch_adam(2.5e-3)}

    def check_batch(self, x, y):
        """Checks volumes and their pictures."""
        super().check_batch(x, None)
        if y is None:
            raise ValueError(
                "VAEGAN3D learns from volumes and pictures of them: call fit(volumes, "
                "pictures)."
            )
        checks.check_images(y, self.picture_shape)
        if len(x) != len(y):
            raise ValueError(f"There are {len(x)} volumes and {len(y)} pictures.")

    def arrays_of(self, x, y):
        """Volumes and pictures."""
        self.check_batch(x, y)
        return x, y

    def unpack(self, data):
        """Volumes and pictures, float32."""
        volumes, pictures, _ = keras.utils.unpack_x_y_sample_weight(data)
        return scaled(volumes), scaled(pictures)

    def train_step(self, data):
        """One update each: of the discriminator unless it rests, encoder, generator."""
        volumes, pictures = self.unpack(data)
        learns = self.discriminator_learns()
        discriminator = self.in_training("discriminator")
        made = self.generate(volumes, training=True)

        def discriminator_losses():
            scores = discriminator(volumes, is_real=True), discriminator(made)
            return {
                "discriminator_loss": losses.non_saturating.discriminator(*scores),
                "discriminator_accuracy": accuracy(*scores),
            }

        found = self.update("discriminator", discriminator_losses, when=learns)
        self.remember(found["discriminator_accuracy"])

        def encoder_losses():
            codes, divergence = self.codes_of(pictures)
            return {
                "divergence_loss": self.divergence_weight * divergence,
                "encoder_loss": self.reconstruction_loss(codes, volumes),
            }

        self.update("encoder", encoder_losses)
        codes, _ = self.codes_of(pictures)

        def generator_losses():
            scores = discriminator(self.generate(volumes, training=True))
            return {
                "generator_loss": losses.non_saturating.generator(scores),
                "reconstruction_loss": self.reconstruction_loss(codes, volumes),
            }

        self.update("generator", generator_losses)
        self.note("discriminator_updates", 1.0 if learns is None else learns)
        return self.logs()

    def codes_of(self, pictures):
        """A draw of q(z|y) for each picture, and the mean of their divergences.

        Args:
            pictures: float32 `(batch, side, side, channels)` in [-1, 1].

        Returns:
            float32 `(batch, latent_dim)`, and a scalar.
        """
        mean, log_variance = self.in_training("encoder")(pictures)
        noise = self.seeds.normal((ops.shape(pictures)[0], self.latent_dim))
        codes = mean + ops.exp(0.5 * log_variance) * noise
        return codes, ops.mean(divergence_from_normal(mean, log_variance))

    def reconstruction_loss(self, codes, volumes):
        """b E ||G(z) - x||, in occupancies."""
        made = self.in_training("generator")(codes)
        return self.reconstruction_weight * ops.mean(distance(made, volumes))

    def reconstruct(self, pictures, batch_size=64):
        """Volumes of what is seen in pictures, from the means of their codes.

        Args:
            pictures: `(num, side, side, channels)`, uint8 or floats in [-1, 1].
            batch_size: Pictures computed at a time.

        Returns:
            numpy float32 array `(num, *image_shape)` in [-1, 1].

        Raises:
            ValueError: for other pictures.
        """
        checks.check_images(pictures, self.picture_shape)
        parts = (
            pictures[i : i + batch_size] for i in range(0, len(pictures), batch_size)
        )
        made = [self.volumes_in(scaled(ops.convert_to_tensor(part))) for part in parts]
        return np.concatenate([ops.convert_to_numpy(part) for part in made])

    def volumes_in(self, pictures):
        """`reconstruct` for float32 pictures in [-1, 1], inside a graph too."""
        mean, _ = self.averaged("encoder")(pictures, training=False)
        return self.call(precision.as_float32(mean))

    def served(self):
        """As for other systems that sample, and `reconstruct`: pictures -> volumes."""
        import tensorflow as tf

        functions, examples = super().served()
        pictures = tf.TensorSpec((None, *self.picture_shape), tf.float32, "pictures")

        def reconstruct(pictures):
            return {"volumes": self.volumes_in(pictures)}

        functions["reconstruct"] = (reconstruct, [pictures])
        return functions, {**examples, "pictures": tf.zeros((1, *self.picture_shape))}

    def signatures_in_words(self):
        """What `export` says of the signatures."""
        return {
            "serving_default": "latents -> images",
            "sample": "num_images, seed -> images in [-1, 1]",
            "reconstruct": "pictures in [-1, 1] -> volumes in [-1, 1]",
        }


def distance(made, volumes):
    """||a - b|| of each pair of volumes in [-1, 1], as occupancies in [0, 1]."""
    squares = ops.square(0.5 * (made - volumes))
    sums = ops.sum(squares, axis=tuple(range(1, len(made.shape))))
    # The root has no slope at 0, where a volume is matched to the bit.
    return ops.sqrt(ops.maximum(sums, 1e-12))


def build_encoder(picture_shape, latent_dim, base_channels):
    """Picture -> strided convolutions, 1/32 of its side -> mean and log-variance."""
    side = picture_shape[0]
    if len(picture_shape) != 3 or side != picture_shape[1] or side % 32:
        raise ValueError(
            "picture_shape is (side, side, channels) with sides a multiple of 32. "
            f"Found: {tuple(picture_shape)}."
        )
    pictures = keras.Input(picture_shape, name="pictures")
    x = pictures
    for i, (size, stride) in enumerate(((11, 4), (5, 2), (5, 2), (5, 2))):
        # PyTorch's padding; Keras' "same" would shift the strided maps by a pixel.
        x = layers.ZeroPadding2D(size // 2, name=f"down_{i}_pad")(x)
        x = layers.Conv2D(base_channels * 2**i, size, strides=stride, name=f"down_{i}")(
            x
        )
        x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"down_{i}_norm")(x)
        x = layers.ReLU(name=f"down_{i}_relu")(x)
    x = WholeMapConv2D(
        2 * latent_dim, side // 32, use_bias=True, dtype="float32", name="code"
    )(x)
    x = layers.Reshape((2, latent_dim), dtype="float32", name="moments")(x)
    moments = [x[:, 0], x[:, 1]]
    return keras.Model(pictures, moments, name="encoder")
