"""f-AnoGAN: a trained encoder finds in one pass what AnoGAN searches for.

Schlegl et al. 2019, Medical Image Analysis 54, doi 10.1016/j.media.2019.01.010.
Networks are those of the authors (github.com/tSchlegl/f-AnoGAN), WGAN-GP's, or those of
a public implementation.
"""

import keras
from keras import ops

from keras_gans.core.anomaly_detector import AnomalyDetector
from keras_gans.core.encoder_stage import EncoderStage
from keras_gans.core.network_parts import features_of
from keras_gans.models.f_anogan import networks, public_networks
from keras_gans.models.wgan_gp import WGANGP, build_conv_critic

_REPORTS = {
    "izi_f": ("image_loss", "feature_loss"),
    "izi": ("image_loss",),
    "ziz": ("latent_loss",),
}


@keras.saving.register_keras_serializable("keras_gans")
class FAnoGAN(EncoderStage, AnomalyDetector, WGANGP):
    """A WGAN-GP of normal images, then an encoder into its latent space.

    The training has two stages, of one model. `"gan"`: the critic and the generator
    play as in `WGANGP`. `"encoder"`: both rest, in inference mode, and the encoder
    minimises

    * `"izi_f"`: E ||x - G(E(x))||^2 / n + kappa E ||f(x) - f(G(E(x)))||^2 / n_f, with
      f what the critic's last layer takes and n, n_f the numbers of values;
    * `"izi"`: the first of these terms;
    * `"ziz"`: E ||z - E(G(z))||^2 / d.

    The anomaly score of x is that of `"izi_f"` for x alone. The moving averages, where
    they are kept, are what the encoder learns to invert, and what scores.

    In the second stage a step reads as many images as in the first, and makes an update
    of the encoder with each part of them.

    Args:
        image_shape: `(height, width, channels)`. `"resnet"`: sides 4 * 2^n or 7 * 2^n
            with n >= 1; `"conv"` as in `WGANGP`; `"mvtec"`: multiples of 16.
        latent_dim: Length of z ~ N(0, 1); 128.
        architecture: `"resnet"`, the authors'; `"conv"`, those of `WGANGP`, which are
            much cheaper; `"mvtec"` or `"mnist"`, convolutions and perceptrons of the
            public implementation.
        base_channels: Channels of the widest map of `"resnet"` (64) and `"conv"`, of
            the coarsest of `"mvtec"` (128), units of the first perceptron (128);
            `None` for these.
        critic_steps: Critic updates per generator update, and encoder updates per
            step, each on fresh data; 5.
        penalty_weight: lambda of the gradient penalty; 10.
        gan_steps: Steps of the first stage. 20,000 is ours; the paper gives the
            encoder 50,000 updates.
        encoder_loss: `"izi_f"`, `"izi"` or `"ziz"`.
        feature_weight: kappa, in the loss and in the score; 1.
        bounded_encoder: Whether a tanh ends the encoder, as in the public
            implementation. Half of the normal latents then lie out of its reach in
            some coordinate.
        false_alarm_rate: Share of normal images that may be called anomalous, for
            `calibrate`.
        generator: Your own `keras.Model` from latents to images in [-1, 1].
        critic: Your own from images to scores `(batch, 1)`, functional.
        encoder: Your own from images to latents.
        ema_decay: Decay of moving averages of generator and encoder.
        seed: Integer from which all random numbers follow.

    Trains on: normal images, uint8 or floats in [-1, 1]; labels in the data are
    ignored. A data set yields `critic_steps` batches in one.

    Logs: `wasserstein`, `gradient_penalty`, `generator_loss` in the first stage; in
    the second `image_loss`, `feature_loss` (times its weight), or `latent_loss`; those
    of the other stage are 0.

    Raises:
        ValueError: for an image shape that the networks cannot make, an unknown
            architecture or loss; when asked for scores before the encoder's stage.

    Example:

    >>> gan = FAnoGAN(image_shape=(64, 64, 1), gan_steps=20_000)
    >>> gan.compile()
    >>> gan.fit(healthy, batch_size=64, epochs=100)  # both stages
    >>> gan.calibrate(other_healthy, false_alarm_rate=0.05)
    >>> gan.score(scans), gan.heatmap(scans)

    Reference: doi 10.1016/j.media.2019.01.010, eq. 4 to 7.
    """

    players = {**WGANGP.players, "encoder": ("encoder",)}
    reports = (*WGANGP.reports, *_REPORTS["izi_f"])
    sampling_networks = ("generator", "encoder")

    def __init__(
        self,
        image_shape=(64, 64, 1),
        latent_dim=128,
        architecture="resnet",
        base_channels=None,
        critic_steps=5,
        penalty_weight=10.0,
        gan_steps=20_000,
        encoder_loss="izi_f",
        feature_weight=1.0,
        bounded_encoder=False,
        false_alarm_rate=0.05,
        generator=None,
        critic=None,
        encoder=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        build = _paper_networks(image_shape, latent_dim, architecture, base_channels)
        if encoder_loss not in _REPORTS:
            raise ValueError(
                f"encoder_loss is 'izi_f', 'izi' or 'ziz'. Found: {encoder_loss!r}."
            )
        self.reports = (*WGANGP.reports, *_REPORTS[encoder_loss])
        self.bounded_encoder = bounded_encoder
        self._build_encoder = encoder or build["encoder"]
        super().__init__(
            image_shape,
            latent_dim,
            "conv",
            base_channels,
            critic_steps,
            penalty_weight,
            generator=generator or build["generator"],
            critic=critic or build["critic"],
            ema_decay=ema_decay,
            seed=seed,
            **kwargs,
        )
        self.architecture = architecture
        self.gan_steps = gan_steps
        self.encoder_loss = encoder_loss
        self.feature_weight = feature_weight
        self.steps = self.counter("steps")
        self.make_threshold(false_alarm_rate)
        # Past Keras: another view of weights that it knows already.
        object.__setattr__(self, "features", features_of(self.critic))

    def set_networks(self, critic, generator):
        """As in `WGANGP`, and the encoder."""
        encoder = self._build_encoder
        if not isinstance(encoder, keras.layers.Layer) and self.bounded_encoder:
            encoder = _bounded(encoder)
        super().set_networks(critic=critic, generator=generator, encoder=encoder)

    def default_optimizers(self):
        """Adam 1e-4 with betas (0, 0.9) for the GAN, RMSprop 5e-5 for the encoder."""
        adam = {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-8}
        rmsprop = keras.optimizers.RMSprop(5e-5, rho=0.9, epsilon=1e-10)
        return {
            "critic": keras.optimizers.Adam(1e-4, **adam),
            "generator": keras.optimizers.Adam(1e-4, **adam),
            "encoder": rmsprop,
        }

    def stage_at(self, count):
        """`"gan"`, then `"encoder"`."""
        return "gan" if count < self.gan_steps else "encoder"

    def train_step(self, data):
        """WGAN-GP's step; in the second stage several updates of the encoder."""
        if self.stage == "gan":
            self.advance(self.steps)
            return super().train_step(data)
        parts = self.split(self.unpack(data), self.critic_steps)
        for images in parts:

            def encoder_losses(images=images):
                return self.encoder_losses(images)

            self.update("encoder", encoder_losses, follow=False)
        self.follow_average(["encoder"])
        return self.logs()

    def encoder_losses(self, images):
        """What the encoder minimises.

        Args:
            images: float32 batch in [-1, 1].
        """
        encode = self.in_training("encoder")
        if self.encoder_loss == "ziz":
            latents = self.draw_latents(ops.shape(images)[0], self.seeds)
            again = encode(self.call(latents))
            return {"latent_loss": ops.mean(ops.square(latents - again))}
        made = self.call(encode(images))
        found = {"image_loss": ops.mean(ops.square(images - made))}
        if self.encoder_loss == "izi_f":
            difference = self._seen(images) - self._seen(made)
            loss = self.feature_weight * ops.mean(ops.square(difference))
            found["feature_loss"] = loss
        return found

    def _seen(self, images):
        return ops.cast(self.features(images, training=False), "float32")

    @property
    def judge(self):
        """See `AnomalyDetector`."""
        return self.critic

    @property
    def scoring_options(self):
        """How much the critic's features count."""
        return {"feature_weight": self.feature_weight}

    def check_scorable(self, images, options=()):
        """As in `AnomalyDetector`; and that the encoder is being trained at all."""
        super().check_scorable(images, options)
        self.check_encoder_stage()

    def findings(self, images, stream, feature_weight):
        """What the encoder's reconstruction lacks.

        Args:
            images: float32 tensor in [-1, 1].
            stream: Not needed.
            feature_weight: kappa.

        Returns:
            Dict of `score`, its parts `residual` and `features` without their weights,
            `latent_distance` = ||E(x) - E(G(E(x)))||^2 / d, `reconstruction`, and
            `latents`.
        """
        latents = self._encoded(images)
        made = self.call(latents)
        residual = _mean_square(images - made)
        features = _mean_square(self._seen(images) - self._seen(made))
        return {
            "score": residual + feature_weight * features,
            "residual": residual,
            "features": features,
            "latent_distance": _mean_square(latents - self._encoded(made)),
            "reconstruction": made,
            "latents": latents,
        }

    def _encoded(self, images):
        latents = self.averaged("encoder")(images, training=False)
        return ops.cast(latents, "float32")


def _mean_square(difference):
    axes = tuple(range(1, len(difference.shape)))
    return ops.mean(ops.square(difference), axis=axes)


def _bounded(build):
    def bounded():
        encoder = build()
        latents = keras.layers.Activation("tanh", dtype="float32", name="bounded")
        return keras.Model(encoder.input, latents(encoder.output), name="encoder")

    return bounded


def _paper_networks(image_shape, latent_dim, architecture, base_channels):
    """Name of each network to a function that builds it; `None` for `WGANGP`'s own."""
    if architecture == "conv":
        width = base_channels or 64
        return {"generator": None, "critic": None} | {
            "encoder": lambda: build_conv_critic(
                image_shape, width, latent_dim, batch_norm=True
            )
        }
    families = {
        "resnet": (networks, "build_{}", 64),
        "mvtec": (public_networks, "build_mvtec_{}", 128),
        "mnist": (public_networks, "build_mnist_{}", 128),
    }
    if architecture not in families:
        raise ValueError(
            f"architecture is 'conv', {', '.join(map(repr, families))}. Found: "
            f"{architecture!r}."
        )
    module, name, usual = families[architecture]
    width = base_channels or usual

    def built(role, *shapes):
        return lambda: getattr(module, name.format(role))(*shapes, width)

    return {
        "generator": built("generator", image_shape, latent_dim),
        "critic": built("critic", image_shape),
        "encoder": built("encoder", image_shape, latent_dim),
    }
