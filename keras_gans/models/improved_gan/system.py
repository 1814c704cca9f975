"""Improved GAN: a discriminator that names classes, and a generator that matches it.

Salimans et al. 2016, arXiv 1606.03498. Networks, losses and optimizers are those of the
authors' semi-supervised experiments (github.com/openai/improved-gan,
mnist_svhn_cifar10). The paper's other techniques are components of this library:
`layers.MinibatchDiscrimination`, `layers.VirtualBatchNormalization`,
`losses.HistoricalAverage` and `losses.label_smoothed`.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_gans import losses
from keras_gans.core import checks, moving_average
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream, seeded
from keras_gans.data.order import epoch_order
from keras_gans.layers import initialize_from_data
from keras_gans.models.improved_gan import networks
from keras_gans.models.improved_gan.optimizers import AdamEpsilonInside, LateLinearDecay

# Images on which `adapt` normalises the networks.
_ADAPT_ON = 500


@keras.saving.register_keras_serializable("keras_gans")
class ImprovedGAN(AdversarialModel):
    """A classifier learns from a few labels, and from telling real from generated.

    The discriminator puts out K class logits l_k; "generated" is a further class whose
    logit is held at 0. With Z(x) = log sum_k exp l_k(x), so that P(real) = sigma(Z),
    it minimises E [-l_y(x) + Z(x)] over labelled images plus
    (E sp(-Z(x)) + E sp(Z(G(z)))) / 2 over unlabelled ones, sp(t) = log(1 + e^t). The
    generator minimises the distance of the mean features of real images, E f(x), and of
    its own, E f(G(z)): f are the activations of the discriminator's last hidden layer.
    Images drawn so classify well and look poor; for better looks at some cost in
    accuracy, `minibatch_discrimination` gives the generator -E sp(Z(G(z))) to minimise,
    in three updates for one of a discriminator that sees how close samples are.

    `classify` uses an average of the discriminator's weights over its updates. It
    starts at the first weights; the authors' starts at zero, which is the same but for
    a factor that long trainings forget.

    The MNIST networks work on pixels of [0, 1], inside the library's [-1, 1].

    Args:
        image_shape: Shape of one image; for `"conv"` a square of 4 * 2^n or 7 * 2^n
            pixels with n >= 2.
        latent_dim: Length of z ~ U(0, 1); 100.
        num_labels: Number K of classes.
        architecture: `"mlp"` (MNIST) or `"conv"` (CIFAR-10 and SVHN).
        generator_units: Widths of the hidden layers of the `"mlp"` generator.
        discriminator_units: Those of its discriminator.
        base_channels: Channels of the `"conv"` generator at half resolution; 128.
        discriminator_channels: First channels of its discriminator, whose later layers
            have twice as many; 96.
        minibatch_discrimination: Whether to play the second game, above.
        averaging_rate: Share of the current weights in their average, per update.
        generator: Your own `keras.Model` from latents to images in [-1, 1].
        discriminator: Your own from images to `(logits, features, class logits)`, with
            the logits Z `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: `fit(images, labels)`, uint8 or floats in [-1, 1], and integers in
    [0, num_labels), or -1 where the label is unknown. Labelled images count as
    unlabelled ones too; they are repeated to come as often. A data set yields
    `((labelled, labels), (unlabelled, more unlabelled))`. Call `adapt(images)` first to
    start from normalised activations, as the authors do.

    Logs: `labelled_loss`, `unlabelled_loss`, `generator_loss`.

    Raises:
        ValueError: for an unknown architecture, or a shape that it cannot make.

    Example:

    >>> labels = kg.data.hide_labels(labels, keep_per_class=10, seed=0)
    >>> gan = ImprovedGAN(image_shape=(28, 28, 1))
    >>> gan.adapt(images)
    >>> gan.compile()
    >>> gan.fit(images, labels, batch_size=100, epochs=300)
    >>> gan.accuracy(test_images, test_labels)

    Reference: arXiv 1606.03498, sections 3.1, 3.2 and 5.
    """

    reports = ("labelled_loss", "unlabelled_loss", "generator_loss")
    takes_unlabelled = True

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        num_labels=10,
        architecture="mlp",
        generator_units=(500, 500),
        discriminator_units=(1000, 500, 250, 250, 250),
        base_channels=128,
        discriminator_channels=96,
        minibatch_discrimination=False,
        averaging_rate=1e-4,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        if architecture not in ("mlp", "conv"):
            raise ValueError(
                f"architecture is 'mlp' or 'conv'. Found: {architecture!r}."
            )
        self.num_labels = num_labels
        self.architecture = architecture
        self.generator_units = tuple(generator_units)
        self.discriminator_units = tuple(discriminator_units)
        self.base_channels = base_channels
        self.discriminator_channels = discriminator_channels
        self.minibatch_discrimination = minibatch_discrimination
        self.averaging_rate = averaging_rate
        self.set_networks(
            discriminator=discriminator or self._paper_discriminator,
            generator=generator or self._paper_generator,
        )
        with seeded(f"{seed}/averaged_discriminator"):
            self.averaged_discriminator = moving_average.twin_of(self.discriminator)
        self.discriminator_updates = self.counter("discriminator_updates")

    def _paper_generator(self):
        shape, latent_dim = self.image_shape, self.latent_dim
        if self.architecture == "mlp":
            return networks.build_mlp_generator(shape, latent_dim, self.generator_units)
        return networks.build_conv_generator(shape, latent_dim, self.base_channels)

    def _paper_discriminator(self):
        options = (self.num_labels, self.minibatch_discrimination)
        if self.architecture == "mlp":
            return networks.build_mlp_discriminator(
                self.image_shape, self.discriminator_units, *options
            )
        return networks.build_conv_discriminator(
            self.image_shape, self.discriminator_channels, *options
        )

    def default_optimizers(self):
        """Adam with beta_1 0.5: 3e-3; for `"conv"` 3e-4, falling to 0 at the end."""
        conv = self.architecture == "conv"
        return {
            player: AdamEpsilonInside(LateLinearDecay() if conv else 3e-3)
            for player in self.players
        }

    def draw_latents(self, num, stream, truncation=None):
        """Latents of U(0, 1).

        Raises:
            ValueError: for a truncation, since a uniform prior has no tail.
        """
        if truncation is not None:
            raise ValueError("Uniform latents have no tail to truncate.")
        return stream.uniform((num, self.latent_dim))

    def check_batch(self, x, y):
        """Checks arrays, or the first batch of a data set; see `Trains on`.

        Args:
            x: Images; of a data set, `(labelled, labels)`.
            y: Labels; of a data set, two batches of images.

        Raises:
            ValueError: naming what was found and the fix.
        """
        if isinstance(x, (tuple, list)):
            x, labels = x
            for images in y:
                checks.check_images(images, self.image_shape)
        else:
            labels = y
        checks.check_images(x, self.image_shape)
        if labels is None:
            raise ValueError(
                "ImprovedGAN learns classes: call fit(images, labels), with the label "
                "-1 where it is unknown."
            )
        if len(labels) != len(x):
            raise ValueError(f"There are {len(x)} images and {len(labels)} labels.")
        labels = ops.convert_to_numpy(labels)
        if labels.ndim != 1 or not (labels >= 0).any():
            raise ValueError(
                "Labels are integers, one for each image, of which at least one is not "
                f"-1. Found: {labels.shape[0]} labels of shape {labels.shape[1:]}."
            )
        checks.check_labels(np.where(labels == -1, 0, labels), self.num_labels)

    def arrays_of(self, x, y):
        """All images twice, in different orders, and labelled ones as often.

        Args:
            x: Images.
            y: Labels; -1 where there is none.
        """
        self.check_batch(x, y)
        x, y = np.asarray(x), np.asarray(y)
        labelled = np.flatnonzero(y >= 0)
        rows = labelled[np.arange(len(x)) % len(labelled)]
        return (x[rows], y[rows]), (x, x[epoch_order(len(x), self.seed, 0)])

    def unpack(self, data):
        """The real batches, ready for the networks.

        Returns:
            `((images, labels), (images, images))`: float32 and int32.
        """
        labelled, unlabelled, _ = keras.utils.unpack_x_y_sample_weight(data)
        labelled, labels = labelled
        pair = scaled(labelled), ops.cast(labels, "int32")
        return pair, tuple(scaled(images) for images in unlabelled)

    def train_step(self, data):
        """One update of the discriminator, then one or three of the generator."""
        (labelled, labels), (real, other) = self.unpack(data)
        judge = self.in_training("discriminator")
        fake = self.generate(real, training=True)

        def discriminator_losses():
            _, _, known = judge(labelled)
            _, _, seen_real = judge(real, is_real=True)
            _, _, seen_fake = judge(fake)
            return {
                "labelled_loss": losses.semi_supervised.labelled(known, labels),
                "unlabelled_loss": losses.semi_supervised.unlabelled(
                    seen_real, seen_fake
                ),
            }

        def generator_losses():
            fake_logit, fake_features, _ = judge(self.generate(other, training=True))
            if self.minibatch_discrimination:
                return {"generator_loss": losses.minimax.generator(fake_logit)}
            _, real_features, _ = judge(other)
            loss = losses.semi_supervised.feature_matching(
                real_features, fake_features, absolute=self.architecture == "conv"
            )
            return {"generator_loss": loss}

        self.average_discriminator()
        self.update("discriminator", discriminator_losses)
        for _ in range(3 if self.minibatch_discrimination else 1):
            self.update("generator", generator_losses)
        return self.logs()

    def average_discriminator(self):
        """Moves the average by one step, before the update as in the reference."""
        if self.evaluating:
            return
        # The average of all weights so far at first, and in the end that of a decay.
        t = ops.cast(self.discriminator_updates, "float32") + 1.0
        total = -ops.expm1(t * math.log1p(-self.averaging_rate))
        moving_average.follow(
            self.averaged_discriminator,
            self.discriminator,
            1.0 - self.averaging_rate / total,
        )
        self.advance(self.discriminator_updates)

    def copy_state_to(self, other):
        """Gives `other`, built from the same configuration, this model's state."""
        super().copy_state_to(other)
        moving_average.copy_weights(
            self.averaged_discriminator, other.averaged_discriminator
        )

    @property
    def adaptable(self):
        """Whether a network has weights that `adapt` sets."""
        both = (*self.discriminator.layers, *self.generator.layers)
        return any(hasattr(layer, "initialize") for layer in both)

    def adapt(self, images):
        """Starts both networks from normalised activations (data-dependent init).

        Args:
            images: The training images, uint8 or floats in [-1, 1]; 500 are used.

        Raises:
            ValueError: for images that do not suit.
        """
        checks.check_images(images, self.image_shape)
        rows = epoch_order(len(images), self.seed, 0)[:_ADAPT_ON]
        chosen = scaled(ops.convert_to_tensor(np.asarray(images)[rows]))
        initialize_from_data(self.discriminator, chosen)
        latents = self.draw_latents(_ADAPT_ON, CounterStream(self.seed))
        initialize_from_data(self.generator, latents)
        moving_average.copy_weights(self.discriminator, self.averaged_discriminator)
        if self.keeps_average:
            moving_average.copy_weights(self.generator, self.sampler)

    def classify(self, images, batch_size=256):
        """The class of each image, by the averaged discriminator.

        Args:
            images: uint8, or floats in [-1, 1].
            batch_size: Images looked at together.

        Returns:
            numpy int32 array `(num_images,)`.

        Raises:
            ValueError: for images that do not suit.
        """
        checks.check_images(images, self.image_shape)
        found = []
        for start in range(0, len(images), batch_size):
            batch = scaled(ops.convert_to_tensor(images[start : start + batch_size]))
            _, _, class_logits = self.averaged_discriminator(batch, training=False)
            found.append(ops.convert_to_numpy(ops.argmax(class_logits, axis=-1)))
        return np.concatenate(found).astype("int32")

    def accuracy(self, images, labels):
        """Share of images whose class is recognised, in [0, 1].

        Args:
            images: As for `classify`.
            labels: Integers `(num_images,)`.
        """
        return float(np.mean(self.classify(images) == np.asarray(labels)))
