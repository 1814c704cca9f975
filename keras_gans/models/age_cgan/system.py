"""Age-cGAN: a face is found in a conditional GAN, and drawn again at another age.

Antipov, Baccouche and Dugelay 2017, arXiv 1702.01983. Networks are those of a public
implementation; see `networks`.
"""

import keras
import numpy as np
from keras import ops

from keras_gans import losses
from keras_gans.core import checks
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.choices import check_choice
from keras_gans.core.encoder_stage import EncoderStage
from keras_gans.core.gradients import scope_of
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.models.age_cgan import networks
from keras_gans.models.age_cgan.recogniser import build_recogniser, train_recogniser
from keras_gans.models.age_cgan.searching import Searching

# Upper limits of the paper's six classes, in years: up to 18, 19 to 29, and so on.
YEARS = (19, 30, 40, 50, 60)


@keras.saving.register_keras_serializable("keras_gans")
class AgeCGAN(EncoderStage, Searching, AdversarialModel):
    """Draws a face again at another age: conditional GAN, encoder, search for identity.

    The training has two stages. `"gan"`: the discriminator minimises
    E sp(-D(x, y)) + E sp(D(G(z, y), y)), the generator E sp(-D(G(z, y), y)), with sp(t)
    = log(1 + e^t) and y the age class. `"encoder"`: G rests, in inference mode, and the
    encoder minimises E ||z - E(G(z, y))||^2 over z ~ N(0, 1) and y uniform.

    For a photograph x of a person of class y, z0 = E(x); then z* is searched from
    there, at which ||FR(x) - FR(G(z, y))||^2 is least, with FR a recogniser of faces.
    G(z*, y') is the person in class y'.

    FR is not the paper's FaceNet: bring that, or another one, as `recogniser`; without
    it a small network is trained by `pretrain` to tell photographs apart.

    Args:
        image_shape: `(height, width, channels)`, sides multiples of 8; for `"dcgan"`
            also 4 * 2^n or the like.
        latent_dim: Length of z ~ N(0, 1); 100.
        num_classes: Number of age classes, in the order of age; 6. `classes_of` gives
            the paper's.
        architecture: Generator: `"reference"`, the public implementation's, or
            `"dcgan"`, transposed convolutions as in the paper, which are cheaper.
        base_channels: Channels of the discriminator at half resolution, from which
            all other widths follow; 64.
        real_target: One-sided label smoothing; 1 is none. The public implementation
            has 0.9.
        matching_aware: Whether the discriminator also sees real images with a wrong
            class, which count as half of the fakes.
        gan_steps: Steps of the first stage; 170,000 are the paper's 100 epochs over
            110,000 faces, in batches of 64.
        amortized: Whether a third stage follows, as in the public implementation: E and
            G both minimise ||FR(x) - FR(G(E(x), y))||^2, and no search is needed.
        encoder_steps: Steps of the second stage, where a third one follows; 10,000.
        generator: Your own `keras.Model` from `(latents, labels)` to images in
            [-1, 1].
        discriminator: Your own from `(images, labels)` to logits `(batch, 1)`.
        encoder: Your own from images to latents.
        recogniser: Your own from images in [-1, 1], of any size, to embeddings.
        ema_decay: Decay of moving averages of generator and encoder, used for sampling
            and ageing.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, labels)`; images uint8 or floats in [-1, 1], labels integers in
    [0, num_classes) or one-hot rows.

    Logs: `discriminator_loss`, `generator_loss` in the first stage; in the second
    `encoder_loss`, which is `latent_dim` for an encoder that knows nothing; in the
    third `identity_loss`. Those of other stages are 0.

    Raises:
        ValueError: for an image shape that the networks cannot make, an unknown
            architecture; when asked for faces before the encoder's stage.

    Example:

    >>> gan = AgeCGAN(image_shape=(64, 64, 3), num_classes=6)
    >>> gan.pretrain(images, epochs=10)
    >>> gan.compile()
    >>> gan.fit(images, gan.classes_of(years), batch_size=64, epochs=150)
    >>> older = gan.age(photographs, from_class=1, to_class=5)

    Reference: arXiv 1702.01983.
    """

    players = {**AdversarialModel.players, "encoder": ("encoder",)}
    reports = ("discriminator_loss", "generator_loss", "encoder_loss")
    sampling_networks = ("generator", "encoder")

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_dim=100,
        num_classes=6,
        architecture="reference",
        base_channels=64,
        real_target=1.0,
        matching_aware=False,
        gan_steps=170_000,
        amortized=False,
        encoder_steps=10_000,
        generator=None,
        discriminator=None,
        encoder=None,
        recogniser=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        check_choice("architecture", architecture, ("reference", "dcgan"))
        if amortized:
            both = ("encoder", "generator")
            self.players = {**type(self).players, "identity": both}
            self.reports = (*type(self).reports, "identity_loss")
        super().__init__(
            image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.architecture = architecture
        self.base_channels = base_channels
        self.real_target = real_target
        self.matching_aware = matching_aware
        self.gan_steps = gan_steps
        self.amortized = amortized
        self.encoder_steps = encoder_steps
        self.steps = self.counter("steps")
        self.pretrainings = self.counter("pretrainings")
        self._game = losses.label_smoothed(real_target)
        given = (generator, discriminator, encoder, recogniser)
        self._set_given_or_built(*given)

    def _set_given_or_built(self, generator, discriminator, encoder, recogniser):
        shape, width, classes = self.image_shape, self.base_channels, self.num_classes
        build = networks.build_generator
        if self.architecture == "dcgan":
            build = networks.build_dcgan_generator
        latent_dim = self.latent_dim
        self.set_networks(
            discriminator=discriminator
            or (lambda: networks.build_discriminator(shape, classes, width)),
            generator=generator or (lambda: build(shape, latent_dim, classes, width)),
            encoder=encoder
            or (lambda: networks.build_encoder(shape, latent_dim, width)),
            recogniser=recogniser or (lambda: build_recogniser(shape)),
        )
        self.recogniser.trainable = False

    @staticmethod
    def classes_of(years):
        """The paper's age classes: 0-18, 19-29, 30-39, 40-49, 50-59, 60 and more.

        Args:
            years: Ages, an array of integers.

        Returns:
            int32 array of the same shape, in [0, 6).

        Raises:
            ValueError: for ages outside of 0 to 100 years, which are mistakes in the
                usual data: leave those faces out, and their labels.
        """
        years = np.asarray(years)
        if years.size and not (years.min() >= 0 and years.max() <= 100):
            raise ValueError(
                f"Ages lie in 0 to 100 years. Found: {years.min()} to {years.max()}."
            )
        return np.digitize(years, YEARS).astype("int32")

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for all players (the paper's, for the GAN)."""
        return {player: pytorch_adam() for player in self.players}

    def pretrain(self, images, labels=None, batch_size=128, epochs=10, **kwargs):
        """Trains the recogniser, for which every photograph is a person of its own.

        Args:
            images: uint8 or floats in [-1, 1], `(num_images, *image_shape)`.
            labels: Not needed.
            batch_size: Photographs per update, which are told apart.
            epochs: Passes over them.
            **kwargs: The other arguments of `keras.Model.fit`.

        Returns:
            The `History`, with `loss`.

        Raises:
            ValueError: for images that do not fit.
        """
        checks.check_images(images, self.image_shape)
        self.recogniser.trainable = True
        with scope_of(self):
            history = train_recogniser(
                self.recogniser, images, batch_size, epochs, self.seed, **kwargs
            )
        self.recogniser.trainable = False
        self.pretrainings.assign(self.pretrainings + 1)
        return history

    def stage_at(self, count):
        """`"gan"`, then `"encoder"`, then `"identity"` if that is wanted."""
        if count < self.gan_steps:
            return "gan"
        ends = self.gan_steps + self.encoder_steps
        return "identity" if self.amortized and count >= ends else "encoder"

    def train_step(self, data):
        """The step of the stage."""
        real = self.unpack(data)
        self.advance(self.steps)
        if self.stage == "gan":
            self._play_game(real)
        elif self.stage == "encoder":
            self.update("encoder", lambda: self._encoder_losses(real))
        else:
            self.update("identity", lambda: self._identity_losses(*real))
        return self.logs()

    def _play_game(self, real):
        images, labels = real
        judge = self.in_training("discriminator")

        def generator_losses():
            fake, _ = self.generate(real, training=True)

            def discriminator_losses():
                # Apart: batch statistics of real and fake must not mix.
                of_real = judge((images, labels), is_real=True)
                of_fake = judge((ops.stop_gradient(fake), labels))
                loss = self._game.discriminator(of_real, of_fake)
                if self.matching_aware:
                    of_wrong = judge((images, self._others(labels)))
                    mean = 0.5 * ops.mean(ops.softplus(of_wrong))
                    loss += mean - 0.5 * ops.mean(ops.softplus(of_fake))
                return {"discriminator_loss": loss}

            self.update("discriminator", discriminator_losses)
            loss = self._game.generator(judge((fake, labels)))
            return {"generator_loss": loss}

        self.update("generator", generator_losses)

    def _others(self, labels):
        """For each image one of the classes that it does not have."""
        others = self.num_classes - 1
        steps = self.seeds.uniform((ops.shape(labels)[0],), 0.0, float(others))
        # The largest float below the end may be rounded up to it.
        steps = ops.minimum(ops.cast(steps, "int32"), others - 1)
        return (labels + 1 + steps) % self.num_classes

    def _encoder_losses(self, real):
        count = ops.shape(real[1])[0]
        latents = self.draw_latents(count, self.seeds)
        # Uniform over classes, whatever the data hold.
        labels = self.seeds.uniform((count,), 0.0, float(self.num_classes))
        labels = ops.minimum(ops.cast(labels, "int32"), self.num_classes - 1)
        found = self.in_training("encoder")(self.call((latents, labels)))
        distances = ops.sum(ops.square(latents - found), axis=1)
        return {"encoder_loss": ops.mean(distances)}

    def _identity_losses(self, images, labels):
        # Statistics of whole batches would hide a person in its neighbours.
        latents = ops.cast(self.encoder(images, training=False), "float32")
        made = ops.cast(self.generator((latents, labels), training=False), "float32")
        return {"identity_loss": ops.mean(self.distances(images, made))}
