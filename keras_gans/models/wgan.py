"""WGAN: the generator minimises an estimated Wasserstein distance to the data.

Arjovsky, Chintala and Bottou 2017, arXiv 1701.07875. Networks are DCGAN's without the
sigmoid, as in the authors' code (github.com/martinarjovsky/WassersteinGAN).
"""

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import build_mlp_critic, build_mlp_generator
from keras_gans.models.dcgan import build_discriminator, build_generator


@keras.saving.register_keras_serializable("keras_gans")
class WGAN(AdversarialModel):
    """A critic with clipped weights, trained several times per generator update.

    The critic minimises E D(G(z)) - E D(x), whose negative estimates the Wasserstein
    distance up to a constant, the generator -E D(G(z)). Every critic weight, batch
    normalisation's included, is clipped to [-clip, clip] before each critic update.

    The authors' code optimises the same with both signs flipped.

    Args:
        image_shape: `(height, width, channels)` as for `DCGAN`; with
            `architecture="mlp"` any shape.
        latent_dim: Length of z ~ N(0, 1); 100.
        architecture: `"dcgan"`, or `"mlp"`: three hidden ReLU layers in each network
            and a linear output (the paper's comparison in section 4.3).
        base_channels: As for `DCGAN`; 64. For an MLP the width of the critic.
        hidden_units: Width of an MLP generator; 512.
        critic_steps: Critic updates per generator update, each on fresh data; 5.
        clip: Largest magnitude of a critic weight; 0.01.
        critic_warm_up: Whether the generator waits for 100 critic updates during its
            first 25 updates and at every 500th, as in the authors' code.
        generator: Your own `keras.Model` from latents to images in [-1, 1].
        critic: Your own from images to scores `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored. A
    data set yields `critic_steps` batches in one; `fit(array, batch_size=64)` sees to
    that.

    Logs: `critic_loss` (minus the estimated distance), `generator_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make, or an unknown
            architecture.

    Example:

    >>> gan = WGAN(image_shape=(32, 32, 1), base_channels=32)
    >>> gan.compile()
    >>> gan.fit(images, batch_size=64, epochs=20)

    Reference: arXiv 1701.07875, algorithm 1.
    """

    players = {"critic": ("critic",), "generator": ("generator",)}
    reports = ("critic_loss", "generator_loss")

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_dim=100,
        architecture="dcgan",
        base_channels=64,
        hidden_units=512,
        critic_steps=5,
        clip=0.01,
        critic_warm_up=False,
        generator=None,
        critic=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        self.architecture = architecture
        self.base_channels = base_channels
        self.hidden_units = hidden_units
        self.critic_steps = critic_steps
        self.clip = clip
        self.critic_warm_up = critic_warm_up
        build = self._paper_networks()
        self.set_networks(
            critic=critic or build["critic"], generator=generator or build["generator"]
        )
        if critic_warm_up:
            self.critic_updates = self.counter("critic_updates")
            self.generator_updates = self.counter("generator_updates")

    def _paper_networks(self):
        shape, latent_dim = self.image_shape, self.latent_dim
        if self.architecture == "mlp":
            return {
                "critic": lambda: build_mlp_critic(shape, self.base_channels),
                "generator": lambda: build_mlp_generator(
                    shape, latent_dim, self.hidden_units
                ),
            }
        if self.architecture != "dcgan":
            raise ValueError(
                f"architecture is 'dcgan' or 'mlp'. Found: {self.architecture!r}."
            )
        return {
            "critic": lambda: build_discriminator(shape, self.base_channels),
            "generator": lambda: build_generator(shape, latent_dim, self.base_channels),
        }

    @property
    def updates_per_batch(self):
        """Equal parts into which a step splits its batch."""
        return self.critic_steps

    def default_optimizers(self):
        """RMSprop 5e-5 for both players (algorithm 1), with the reference's epsilon."""
        # PyTorch adds 1e-8 outside the square root; inside, where Keras adds it, that
        # is 1e-16. A larger one stalls the generator's small gradients.
        return {
            player: keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16)
            for player in self.players
        }

    def train_step(self, data):
        """Several updates of the clipped critic, then one of the generator."""
        for real in self.split(self.unpack(data), self.critic_steps):
            self.clip_critic()
            fake = self.generate(real, training=True)

            def critic_losses(real=real, fake=fake):
                critic = self.in_training("critic")
                loss = losses.wasserstein.critic(
                    critic(real, is_real=True), critic(fake)
                )
                return {"critic_loss": loss}

            self.update("critic", critic_losses)

        def generator_losses():
            fake = self.generate(real, training=True)
            critic = self.in_training("critic")
            return {"generator_loss": losses.wasserstein.generator(critic(fake))}

        self.update("generator", generator_losses, when=self.generators_turn())
        return self.logs()

    def clip_critic(self):
        """Clamps every weight of the critic to [-clip, clip]."""
        if self.evaluating:
            return
        for weight in self.variables_of("critic"):
            weight.assign(ops.clip(weight.value, -self.clip, self.clip))

    def generators_turn(self):
        """Whether the critic is ahead enough; `None` (always) without the warm-up."""
        if not self.critic_warm_up or self.evaluating:
            return None
        played = self.critic_updates + self.critic_steps
        number = self.generator_updates + 0
        # The schedule of the authors' main.py.
        waits = ops.logical_or(number < 25, number % 500 == 0)
        turn = played >= ops.where(waits, 100, self.critic_steps)
        self.critic_updates.assign(ops.where(turn, 0, played))
        self.generator_updates.assign(number + ops.cast(turn, "int32"))
        return turn
