"""AnoGAN: what a GAN of normal images cannot draw is anomalous.

Schlegl et al. 2017, arXiv 1703.05921. Networks are those of a public implementation
(github.com/LeeDoYup/AnoGAN-tf), DCGAN's with 5x5 kernels and biases.
"""

import keras
from keras import initializers, layers, ops

from keras_gans import losses
from keras_gans.core.anomaly_detector import AnomalyDetector
from keras_gans.core.descent import descend
from keras_gans.core.network_parts import features_of
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import BatchNormalization
from keras_gans.models.dcgan import coarse_size


@keras.saving.register_keras_serializable("keras_gans")
class AnoGAN(AnomalyDetector):
    """A GAN of normal images, in whose latent space each query is looked for.

    The discriminator minimises E sp(-D(x)) + E sp(D(G(z))), the generator
    E sp(-D(G(z))), with sp(t) = log(1 + e^t).

    For a query x, Adam follows the slope of A(z) = (1 - lambda) sum |x - G(z)|
    + lambda sum |h(x) - h(G(z))| down from a z of its own, with h the discriminator's
    last map; all weights rest. The anomaly score is A where the search ends. Sums, not
    means: lambda was set for them. All networks are in inference mode; in the public
    implementation the discriminator normalises a query by its own statistics.

    Args:
        image_shape: `(height, width, channels)`, height and width 4 * 2^n or 7 * 2^n
            with n >= 1 (28, 32, 56, 64 ...).
        latent_dim: Length of z ~ U(-1, 1); 100.
        base_channels: Channels at half the image's resolution; they double with each
            halving. 64.
        generator_steps: Updates of the generator for one of the discriminator; 2.
        search_steps: Steps of a search; 500 in the paper.
        search_rate: Adam's rate in a search; 0.05, as the public implementation's help
            says. (Its default of 0.001 hardly moves in so few steps.)
        feature_weight: lambda; 0.1.
        false_alarm_rate: Share of normal images that may be called anomalous, for
            `calibrate`.
        generator: Your own `keras.Model` from `(batch, latent_dim)` to images in
            [-1, 1]; `None` for the paper's.
        discriminator: Your own from images to logits `(batch, 1)`, functional; what
            its last layer with weights takes are the features h.
        ema_decay: Decay of a moving average of the generator, used for sampling and
            scoring.
        seed: Integer from which all random numbers follow.

    Trains on: normal images, uint8 or floats in [-1, 1]; labels in the data are
    ignored.

    Logs: `discriminator_loss`, `generator_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make.

    Example:

    >>> gan = AnoGAN(image_shape=(64, 64, 1))
    >>> gan.compile()
    >>> gan.fit(healthy, batch_size=64, epochs=25)
    >>> gan.calibrate(other_healthy, false_alarm_rate=0.05)
    >>> gan.score(scans), gan.heatmap(scans), gan.is_anomalous(scans)

    Reference: arXiv 1703.05921, eq. 3 to 7.
    """

    reports = ("discriminator_loss", "generator_loss")
    latent_range = (-1.0, 1.0)

    def __init__(
        self,
        image_shape=(64, 64, 1),
        latent_dim=100,
        base_channels=64,
        generator_steps=2,
        search_steps=500,
        search_rate=0.05,
        feature_weight=0.1,
        false_alarm_rate=0.05,
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
        self.generator_steps = generator_steps
        self.search_steps = search_steps
        self.search_rate = search_rate
        self.feature_weight = feature_weight
        self.make_threshold(false_alarm_rate)
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, base_channels)),
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, base_channels)),
        )
        # Past Keras: another view of weights that it knows already.
        object.__setattr__(self, "features", features_of(self.discriminator))

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players."""
        return {player: pytorch_adam() for player in self.players}

    def draw_latents(self, num, stream, truncation=None):
        """Uniform latents in [-1, 1]; a truncation makes the interval smaller."""
        reach = 1.0 if truncation is None else ops.minimum(truncation, 1.0)
        return reach * stream.uniform((num, self.latent_dim), *self.latent_range)

    def train_step(self, data):
        """An update of the discriminator, then several of the generator."""
        real = self.unpack(data)
        judge = self.in_training("discriminator")

        def discriminator_losses():
            fake = self.generate(real, training=True)
            # Two calls: batch statistics of real and fake must not mix.
            loss = losses.non_saturating.discriminator(
                judge(real, is_real=True), judge(fake)
            )
            return {"discriminator_loss": loss}

        def generator_losses():
            fake = self.generate(real, training=True)
            return {"generator_loss": losses.non_saturating.generator(judge(fake))}

        self.update("discriminator", discriminator_losses)
        for _ in range(self.generator_steps):
            self.update("generator", generator_losses, follow=False)
        self.follow_average()
        return self.logs()

    @property
    def judge(self):
        """See `AnomalyDetector`."""
        return self.discriminator

    @property
    def scoring_options(self):
        """Of a search, and of what it looks for."""
        return {
            "search_steps": self.search_steps,
            "search_rate": self.search_rate,
            "feature_weight": self.feature_weight,
        }

    def findings(self, images, stream, search_steps, search_rate, feature_weight):
        """What is found where the search for each image ends.

        Args:
            images: float32 tensor in [-1, 1].
            stream: A `CounterStream`: every search starts somewhere else.
            search_steps: Steps.
            search_rate: Adam's rate.
            feature_weight: lambda.

        Returns:
            Dict of `score`, its parts `residual` and `features` without their weights,
            `reconstruction`, and `latents`.
        """
        seen = self.features(images, training=False)

        def parts_at(latents):
            made = self.call(latents)
            return made, *self.distances(images, seen, made)

        def objective(latents):
            _, residual, features = parts_at(latents)
            return (1.0 - feature_weight) * residual + feature_weight * features

        start = self.draw_latents(ops.shape(images)[0], stream)
        found = descend(objective, start, search_steps, search_rate, beta_1=0.5)
        made, residual, features = parts_at(found.point)
        return {
            "score": found.value,
            "residual": residual,
            "features": features,
            "reconstruction": made,
            "latents": found.point,
        }

    def distances(self, images, seen, made):
        """sum |x - G(z)| and sum |h(x) - h(G(z))| of each image.

        Args:
            images: x.
            seen: h(x).
            made: G(z).
        """
        again = self.features(made, training=False)
        return _sum_of_distances(images, made), _sum_of_distances(seen, again)


def _sum_of_distances(first, second):
    distances = ops.abs(ops.cast(first, "float32") - ops.cast(second, "float32"))
    return ops.sum(distances, axis=tuple(range(1, len(distances.shape))))


def build_generator(image_shape, latent_dim, base_channels):
    """z -> dense coarse map -> 5x5 transposed convolutions doubling it -> tanh."""
    (height, width), doublings = coarse_size(image_shape)
    channels = base_channels * 2 ** (doublings - 1)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(height * width * channels, name="project", **_weights())(latents)
    x = layers.Reshape((height, width, channels), name="as_map")(x)
    x = layers.ReLU(name="project_relu")(_batch_norm("project_norm")(x))
    for i in range(doublings - 1):
        channels //= 2
        x = _up(channels, f"up_{i}")(x)
        x = layers.ReLU(name=f"up_{i}_relu")(_batch_norm(f"up_{i}_norm")(x))
    x = _up(image_shape[-1], "to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_shape, base_channels):
    """Image -> 5x5 convolutions halving it -> one logit."""
    _, halvings = coarse_size(image_shape)
    images = x = keras.Input(image_shape, name="images")
    for i in range(halvings):
        x = layers.Conv2D(
            base_channels * 2**i, 5, 2, "same", name=f"down_{i}", **_weights(True)
        )(x)
        x = x if i == 0 else _batch_norm(f"down_{i}_norm")(x)
        x = layers.LeakyReLU(0.2, name=f"down_{i}_relu")(x)
    x = layers.Flatten(name="features")(x)
    logits = layers.Dense(1, dtype="float32", name="logits", **_weights())(x)
    return keras.Model(images, logits, name="discriminator")


def _up(channels, name):
    return layers.Conv2DTranspose(channels, 5, 2, "same", name=name, **_weights())


def _weights(truncated=False):
    kinds = {False: initializers.RandomNormal, True: initializers.TruncatedNormal}
    return {"kernel_initializer": kinds[truncated](stddev=0.02)}


def _batch_norm(name):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)
