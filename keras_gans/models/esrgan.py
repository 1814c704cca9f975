"""ESRGAN: SRGAN without normalisation, deeper, and a discriminator that compares.

Wang et al. 2018, arXiv 1809.00219. Networks and training are those of the authors' code
(github.com/xinntao/ESRGAN, github.com/xinntao/BasicSR).
"""

import keras

from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import build_rrdb, build_vgg_discriminator
from keras_gans.losses import relativistic
from keras_gans.models.super_resolution import SuperResolution


@keras.saving.register_keras_serializable("keras_gans")
class ESRGAN(SuperResolution):
    """Residual-in-residual dense blocks; is a real image more real than fakes are?

    In the pre-training the generator minimises E |G(l) - h|, in [0, 1]. Then, with
    D(r, f) = C(r) - E C(f) of logits C, the discriminator minimises
    (E sp(-D(h, G)) + E sp(D(G, h))) / 2, the generator w E |phi(G) - phi(h)| + a (E
    sp(D(h, G)) + E sp(-D(G, h))) / 2 + b E |G - h|, sp(t) = log(1 + e^t), for features
    phi of a frozen network. `interpolate_weights` moves a generator of the game
    towards that of the pre-training.

    Args:
        image_shape: `(height, width, channels)` of the high resolution, in training:
            sides that the discriminator can halve; 128 pixels.
        scale: 4, or 2.
        residual_blocks: Residual-in-residual dense blocks; 23.
        base_channels: Channels of the maps between them; 64.
        growth_channels: Channels that a convolution in them adds; 32.
        discriminator_channels: Channels of the discriminator's first map; 64.
        discriminator_halvings: How often it halves its images; 5.
        pretrain_steps: Steps of the pre-training; 1,000,000.
        pretrain_cycles: How often its learning rate falls to 0 along a cosine; 4.
        pixel_weight: b; 0.01.
        perceptual_weight: w; 1, for VGG-19's conv5_4 before its activation, with
            torchvision's weights.
        adversarial_weight: a; 0.005.
        perceptual_network: phi: your own `keras.Model` from images in [-1, 1] to a map,
            which is never trained; see `layers.vgg19_features`.
        generator: Your own `keras.Model` from low to high resolution, in [-1, 1].
        discriminator: Your own from images to logits.
        ema_decay: Decay of a moving average of the generator, used to enlarge.
        seed: Integer from which all random numbers follow.
        **kwargs: For `System`: `augmentation`.

    Trains on: `fit(low, high)`, uint8 or floats in [-1, 1]; or `kg.data.CropBatches`.

    Logs: `pixel_loss`, of the pre-training and, times b, of the game;
    `discriminator_loss`, `generator_loss` (times a), and with a perceptual network
    `perceptual_loss` (times w), which are 0 before the game.

    Raises:
        ValueError: for an image shape or a scale that the networks cannot make.

    Example:

    >>> pictures = kg.data.load_pictures("DIV2K_train_HR")
    >>> gan = ESRGAN(image_shape=(128, 128, 3), pretrain_steps=100_000)
    >>> gan.compile()
    >>> gan.fit(kg.data.CropBatches(pictures, 16, scale=4, image_size=128), epochs=100)
    >>> large = gan.upscale(small)

    Reference: arXiv 1809.00219, eq. 1 to 3 and section 3.
    """

    pretraining_rate = 2.0

    def __init__(
        self,
        image_shape=(128, 128, 3),
        scale=4,
        residual_blocks=23,
        base_channels=64,
        growth_channels=32,
        discriminator_channels=64,
        discriminator_halvings=5,
        pretrain_steps=1_000_000,
        pretrain_cycles=4,
        pixel_weight=1e-2,
        perceptual_weight=1.0,
        adversarial_weight=5e-3,
        perceptual_network=None,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            scale,
            pretrain_steps,
            pretrain_cycles,
            pixel_weight,
            perceptual_weight,
            adversarial_weight,
            perceptual_network,
            ema_decay,
            seed,
            **kwargs,
        )
        self.residual_blocks = residual_blocks
        self.base_channels = base_channels
        self.growth_channels = growth_channels
        self.discriminator_channels = discriminator_channels
        self.discriminator_halvings = discriminator_halvings
        self.set_networks(
            perceptual_network,
            discriminator=discriminator or self._paper_discriminator,
            generator=generator or self._paper_generator,
        )

    def _paper_generator(self):
        return build_rrdb(
            self.image_shape[-1],
            self.scale,
            self.residual_blocks,
            self.base_channels,
            self.growth_channels,
            unshuffles=False,
        )

    def _paper_discriminator(self):
        levels = range(self.discriminator_halvings)
        widths = [self.discriminator_channels * 2 ** min(i, 3) for i in levels]
        return build_vgg_discriminator(self.image_shape, widths, 100, 4, "first")

    def default_optimizers(self):
        """Adam 1e-4 with betas (0.9, 0.99), for both players; 2e-4 before the game.

        The code halves the rate of the game after 50, 100, 200 and 300 thousand steps.
        """
        return {player: pytorch_adam(1e-4, 0.9, 0.99) for player in self.players}

    def game_losses(self, of_real, of_fake):
        """The relativistic average game."""
        return (
            relativistic.discriminator(of_real, of_fake),
            relativistic.generator(of_real, of_fake),
        )
