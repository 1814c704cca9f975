"""CycleGAN: translation learnt from two heaps of pictures, without a single pair.

Zhu, Park, Isola and Efros 2017, arXiv 1703.10593. Networks and training step are those
of the authors' PyTorch code (github.com/junyanz/pytorch-CycleGAN-and-pix2pix).
"""

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core import gradients
from keras_gans.core.image_translator import ImageTranslator
from keras_gans.core.moving_average import copy_weights
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import (
    ImagePool,
    build_patch_discriminator,
    build_residual_translator,
    build_unet,
)


@keras.saving.register_keras_serializable("keras_gans")
class CycleGAN(ImageTranslator):
    """Two generators that undo each other, each with a discriminator of its domain.

    G translates a to b, F b to a. Each discriminator minimises
    (E (D(x) - 1)^2 + E D(pool(fake))^2) / 2, where the pool keeps earlier fakes; both
    generators together minimise E (D_b(G(a)) - 1)^2 + E (D_a(F(b)) - 1)^2
    + lambda (E |F(G(a)) - a| + E |G(F(b)) - b|)
    + lambda mu (E |F(a) - a| + E |G(b) - b|). Discriminators are updated on the fakes
    that the generators made before their own update.

    Args:
        image_shape: `(height, width, channels)` of both domains; sides that are
            multiples of 4, or of 2^halvings of a U-Net.
        architecture: `"resnet"`, or `"unet"`.
        residual_blocks: Of the ResNet; 9 for 256 pixels, the paper's 6 for 128.
        halvings: Of the U-Net; 8.
        base_channels: Channels of a generator's first map; 64.
        dropout_rate: Of the generators; 0, the reference's default.
        discriminator_halvings: 3, for patches of 70 pixels.
        discriminator_channels: Channels of a discriminator's first map; 64.
        normalization: `"instance"` or `"batch"`.
        cycle_weight: lambda; 10.
        identity_weight: mu; 0.5, the reference's default. The paper has it for
            paintings only; it keeps colours from being swapped. 0 leaves it out.
        pool_size: Fakes kept of each domain; 50.
        generator_ab: Your own `keras.Model` from images of a to images of b in [-1, 1].
        generator_ba: Your own back.
        discriminator_a: Your own from images of a to logits of any shape.
        discriminator_b: Your own of b.
        ema_decay: Decay of moving averages of the generators, used for translating.
        seed: Integer from which all random numbers follow.

    Trains on: `fit(a, b)`, images of two domains, uint8 or floats in [-1, 1], in any
    number and order; of the smaller set, images come several times in an epoch. A data
    set yields `(a, b)` batches, such as `kg.data.UnpairedBatches`.

    Logs: `generator_ab_loss`, `generator_ba_loss`, `cycle_a_loss`, `cycle_b_loss`,
    `identity_a_loss`, `identity_b_loss` (times their weights, unless they are 0),
    `discriminator_a_loss`, `discriminator_b_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make, or an unknown
            architecture or normalization.

    Example:

    >>> a, b = kg.data.load_unpaired("cycle_gan/horse2zebra", image_size=256)
    >>> gan = CycleGAN(image_shape=(256, 256, 3))
    >>> gan.compile()
    >>> gan.fit(a, b, batch_size=1, epochs=200)
    >>> zebras = gan.translate(a[:4], direction="ab")

    Reference: arXiv 1703.10593, section 3 and appendix 7.
    """

    players = {
        "generator": ("generator_ab", "generator_ba"),
        "discriminator": ("discriminator_a", "discriminator_b"),
    }
    reports = (
        "generator_ab_loss",
        "generator_ba_loss",
        "cycle_a_loss",
        "cycle_b_loss",
        "identity_a_loss",
        "identity_b_loss",
        "discriminator_a_loss",
        "discriminator_b_loss",
    )
    sampling_networks = ("generator_ab", "generator_ba")
    judges = ("discriminator_a", "discriminator_b")
    training_state = ("pool_a", "pool_b")
    learns = "domains"
    directions = {
        "translate_ab": {"direction": "ab"},
        "translate_ba": {"direction": "ba"},
    }

    def __init__(
        self,
        image_shape=(256, 256, 3),
        architecture="resnet",
        residual_blocks=9,
        halvings=8,
        base_channels=64,
        dropout_rate=0.0,
        discriminator_halvings=3,
        discriminator_channels=64,
        normalization="instance",
        cycle_weight=10.0,
        identity_weight=0.5,
        pool_size=50,
        generator_ab=None,
        generator_ba=None,
        discriminator_a=None,
        discriminator_b=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        if not identity_weight:
            self.reports = tuple(r for r in self.reports if "identity" not in r)
        super().__init__(image_shape, None, ema_decay, seed, **kwargs)
        if architecture not in ("resnet", "unet"):
            raise ValueError(
                f"architecture is 'resnet' or 'unet'. Found: {architecture!r}."
            )
        self.architecture = architecture
        self.residual_blocks = residual_blocks
        self.halvings = halvings
        self.base_channels = base_channels
        self.dropout_rate = dropout_rate
        self.discriminator_halvings = discriminator_halvings
        self.discriminator_channels = discriminator_channels
        self.normalization = normalization
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.pool_size = pool_size
        self.pool_a = self.pool_b = None
        self.set_networks(
            generator_ab=generator_ab or self._paper_generator,
            generator_ba=generator_ba or self._paper_generator,
            discriminator_a=discriminator_a or self._paper_discriminator,
            discriminator_b=discriminator_b or self._paper_discriminator,
        )

    @property
    def size_multiple(self):
        """4 for the ResNet's two halvings, 2^halvings for the U-Net."""
        return 4 if self.architecture == "resnet" else 2**self.halvings

    def _paper_generator(self):
        channels = self.image_shape[-1]
        size = self.base_channels, self.normalization, self.dropout_rate
        if self.architecture == "resnet":
            return build_residual_translator(
                channels, channels, self.residual_blocks, *size
            )
        return build_unet(channels, channels, self.halvings, *size)

    def _paper_discriminator(self):
        return build_patch_discriminator(
            self.image_shape[-1],
            self.discriminator_halvings,
            self.discriminator_channels,
            self.normalization,
        )

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players.

        The reference's rate falls to 0 over the second half of 200 epochs: see
        `kg.callbacks.ConstantThenLinear`.
        """
        return {player: pytorch_adam() for player in self.players}

    def compile(self, **arguments):
        """As in `System`; the pools of earlier fakes that training needs are made."""
        if self.pool_a is None:
            with gradients.scope_of(self):
                self.pool_a = ImagePool(self.pool_size, self.image_shape, name="pool_a")
                self.pool_b = ImagePool(self.pool_size, self.image_shape, name="pool_b")
        super().compile(**arguments)

    def train_step(self, data):
        """One update of the generators and of the discriminators, on the same fakes."""
        a, b = self.unpack(data)
        names = (*self.sampling_networks, *self.judges)
        to_b, to_a, judge_a, judge_b = (self.in_training(name) for name in names)
        game = losses.least_squares

        def both_losses():
            fake_b, fake_a = to_b(a), to_a(b)
            generator = {
                "generator_ab_loss": game.generator(judge_b(fake_b)),
                "generator_ba_loss": game.generator(judge_a(fake_a)),
                "cycle_a_loss": self.cycle_weight * _distance(to_a(fake_b), a),
                "cycle_b_loss": self.cycle_weight * _distance(to_b(fake_a), b),
            }
            if self.identity_weight:
                weight = self.cycle_weight * self.identity_weight
                generator["identity_a_loss"] = weight * _distance(to_a(a), a)
                generator["identity_b_loss"] = weight * _distance(to_b(b), b)
            discriminator = {
                f"discriminator_{name}_loss": game.discriminator(
                    judge(real, is_real=True), judge(old)
                )
                for name, judge, real, old in (
                    ("a", judge_a, a, self._pooled(self.pool_a, fake_a)),
                    ("b", judge_b, b, self._pooled(self.pool_b, fake_b)),
                )
            }
            return {"generator": generator, "discriminator": discriminator}

        # Each player's losses hold the other's weights of before the step, so that
        # taking both gradients first equals the reference's one step after the other.
        self.update_together(both_losses)
        return self.logs()

    def _pooled(self, pool, fake):
        fake = ops.stop_gradient(fake)
        return fake if self.evaluating else pool(fake, seeds=self.seeds)

    def translated(self, images, stream, direction="ab"):
        """As in `ImageTranslator`.

        Args:
            images: float32 tensor in [-1, 1].
            stream: Not used: there is no noise.
            direction: `"ab"` or `"ba"`.
        """
        if direction not in ("ab", "ba"):
            raise ValueError(f"direction is 'ab' or 'ba'. Found: {direction!r}.")
        network = self.averaged(f"generator_{direction}")
        return ops.cast(network(images, training=False), "float32")

    def channels_taken(self, direction="ab"):
        """Channels of an image, in both directions."""
        return self.image_shape[-1]

    def copy_state_to(self, other):
        """Gives `other` this model's state, the pools where it has them."""
        super().copy_state_to(other)
        for name in self.training_state:
            if getattr(other, name) is not None:
                copy_weights(getattr(self, name), getattr(other, name))


def _distance(image, other):
    return ops.mean(ops.abs(image - other))
