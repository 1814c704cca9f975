"""pix2pix: any paired translation of images, by one loss that nobody had to design.

Isola, Zhu, Zhou and Efros 2016, arXiv 1611.07004. Networks and training step are those
of the authors' PyTorch code (github.com/junyanz/pytorch-CycleGAN-and-pix2pix).
"""

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core.choices import check_choice
from keras_gans.core.image_translator import ImageTranslator
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import (
    MaskedComposite,
    as_in_training,
    build_patch_discriminator,
    build_residual_translator,
    build_unet,
)

# The game, and what makes the discriminator's loss the mean of its two terms.
GAMES = {
    "non_saturating": (losses.non_saturating, 0.5),
    "least_squares": (losses.least_squares, 1.0),
    "wasserstein": (losses.wasserstein, 0.5),
}


@keras.saving.register_keras_serializable("keras_gans")
class Pix2Pix(ImageTranslator):
    """A U-Net translates, a PatchGAN judges pairs of source and image.

    The discriminator minimises (E sp(-D(x, y)) + E sp(D(x, G(x)))) / 2 over pairs and
    patches, the generator E sp(-D(x, G(x))) + lambda E |y - G(x)|, with
    sp(t) = log(1 + e^t). Both see the same translation: the generator is scored by the
    discriminator that has just been updated on it. The only noise is dropout.

    The reference translates as it trains, with dropout on and every image normalised
    by its own statistics (its batch is one image). So does `translate` by default
    (`test_mode="train"`): the same image and seed give the same translation. With
    `"eval"` there is no dropout, and the moving statistics of training are taken; they
    are of use only after batches of several images.

    Args:
        image_shape: `(height, width, channels)`; both sides multiples of 2^halvings.
        source_channels: Channels of the source images; `None` for as many.
        architecture: `"unet"`, or `"resnet"`, CycleGAN's generator.
        halvings: Of the U-Net: 5 or more; `None` for as many as the sides allow, at
            most 8 (the paper's, for 256 pixels).
        residual_blocks: Of the ResNet; 9.
        base_channels: Channels of the generator's first map; 64.
        dropout_rate: 0.5; the ResNet's blocks have a dropout too, unless it is 0.
        discriminator_halvings: 3 for patches of 70 pixels; 1, 2, 4, 5 for 16, 34, 142,
            286, and 0 for single pixels.
        discriminator_channels: Channels of its first map; 64.
        normalization: `"batch"` or `"instance"`, of all networks.
        game: `"non_saturating"`, `"least_squares"` or `"wasserstein"` (with a gradient
            penalty of weight 10, between the pairs).
        reconstruction_weight: lambda; 100.
        composite: Whether the last channel of the source is a mask, 1 where the image
            is to be restored and -1 where it is known and stays as it is (inpainting,
            mosaics: see `kg.data.DegradedBatches`).
        test_mode: `"train"` or `"eval"`, what `translate` does unless told otherwise.
        generator: Your own `keras.Model` from sources to images in [-1, 1].
        discriminator: Your own from a source and an image, joined at their channels,
            to logits of any shape.
        ema_decay: Decay of a moving average of the generator, used for translating.
        seed: Integer from which all random numbers follow.

    Trains on: `fit(source, target)`, pairs, uint8 or floats in [-1, 1].

    Logs: `discriminator_loss`, `generator_loss`, `reconstruction_loss` (times lambda);
    with `"wasserstein"` also `gradient_penalty`.

    Raises:
        ValueError: for an image shape that the networks cannot make, or an unknown
            architecture, normalization, game or mode.

    Example:

    >>> source, target = kg.data.load_pairs("facades", direction="ba")
    >>> gan = Pix2Pix(image_shape=(256, 256, 3))
    >>> gan.compile()
    >>> gan.fit(source, target, batch_size=1, epochs=200)
    >>> photographs = gan.translate(source[:4])

    Reference: arXiv 1611.07004, section 3 and appendix 6.
    """

    reports = ("discriminator_loss", "generator_loss", "reconstruction_loss")

    def __init__(
        self,
        image_shape=(256, 256, 3),
        source_channels=None,
        architecture="unet",
        halvings=None,
        residual_blocks=9,
        base_channels=64,
        dropout_rate=0.5,
        discriminator_halvings=3,
        discriminator_channels=64,
        normalization="batch",
        game="non_saturating",
        reconstruction_weight=100.0,
        composite=False,
        test_mode="train",
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        check_choice("architecture", architecture, ("unet", "resnet"))
        check_choice("game", game, GAMES)
        check_choice("test_mode", test_mode, ("train", "eval"))
        if game == "wasserstein":
            self.reports = (*type(self).reports, "gradient_penalty")
        super().__init__(image_shape, source_channels, ema_decay, seed, **kwargs)
        self.architecture = architecture
        self.halvings = halvings
        self.residual_blocks = residual_blocks
        self.base_channels = base_channels
        self.dropout_rate = dropout_rate
        self.discriminator_halvings = discriminator_halvings
        self.discriminator_channels = discriminator_channels
        self.normalization = normalization
        self.game = game
        self.reconstruction_weight = reconstruction_weight
        self.composite = composite
        self.test_mode = test_mode
        self.set_networks(
            discriminator=discriminator or self._paper_discriminator,
            generator=generator or self._paper_generator,
        )

    @property
    def size_multiple(self):
        """2^halvings of the generator; 4 for the ResNet's two."""
        return 4 if self.architecture == "resnet" else 2**self._halvings

    @property
    def _halvings(self):
        if self.halvings is not None:
            return self.halvings
        sides = self.image_shape[:2]
        return max(5, min(8, *((side & -side).bit_length() - 1 for side in sides)))

    def _paper_generator(self):
        channels = self.source_shape[-1], self.image_shape[-1]
        size = self.base_channels, self.normalization, self.dropout_rate
        if self.architecture == "resnet":
            network = build_residual_translator(*channels, self.residual_blocks, *size)
        else:
            network = build_unet(*channels, self._halvings, *size)
        if not self.composite:
            return network
        if channels[0] != channels[1] + 1:
            raise ValueError(
                "A composite's source has a channel more than the image, the mask. "
                f"Found source_channels={channels[0]} for {channels[1]}."
            )
        whole = MaskedComposite(dtype="float32", name="composite")
        images = whole([network.input, network.output])
        return keras.Model(network.input, images, name="generator")

    def _paper_discriminator(self):
        return build_patch_discriminator(
            self.source_shape[-1] + self.image_shape[-1],
            self.discriminator_halvings,
            self.discriminator_channels,
            self.normalization,
        )

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players."""
        return {player: pytorch_adam() for player in self.players}

    def train_step(self, data):
        """An update of the discriminator, then of the generator, on one translation."""
        source, target = self.unpack(data)
        (game, share), judge = GAMES[self.game], self.in_training("discriminator")

        def generator_losses():
            image = self.in_training("generator")(source)
            held = ops.stop_gradient(image)

            def discriminator_losses():
                of_fake = judge(_pair(source, held))
                of_real = judge(_pair(source, target), is_real=True)
                loss = share * game.discriminator(of_real, of_fake)
                return {
                    "discriminator_loss": loss,
                    **self._penalty(source, target, held),
                }

            self.update("discriminator", discriminator_losses)
            distance = ops.mean(ops.abs(image - target))
            return {
                "generator_loss": game.generator(judge(_pair(source, image))),
                "reconstruction_loss": self.reconstruction_weight * distance,
            }

        self.update("generator", generator_losses)
        return self.logs()

    def _penalty(self, source, target, held):
        if self.game != "wasserstein":
            return {}
        precise = self.in_training("discriminator", in_float32=True)
        between = losses.interpolate(
            _pair(source, target), _pair(source, held), self.seeds
        )
        # Every patch has a score of its own: the slope is that of their mean.
        slopes = losses.gradient_penalty(
            lambda x: ops.mean(precise(x), axis=(1, 2, 3)), between
        )
        return {"gradient_penalty": 10.0 * slopes}

    def translated(self, images, stream, mode=None):
        """As in `ImageTranslator`.

        Args:
            images: float32 tensor in [-1, 1].
            stream: A `CounterStream`, of the dropout.
            mode: `"train"` or `"eval"`; `None` for `test_mode`.
        """
        mode = self.test_mode if mode is None else mode
        check_choice("mode", mode, ("train", "eval"))
        if mode == "eval":
            return self.call(images, training=False)
        with as_in_training(self.sampler, stream):
            return self.call(images, training=False)

    def channels_taken(self, mode=None):
        """Channels of a source, whatever the mode."""
        return self.source_shape[-1]


def _pair(source, image):
    return ops.concatenate([source, image], axis=-1)
