"""Real-ESRGAN: pictures from anywhere, whose flaws nobody knows, made larger.

Wang et al. 2021, arXiv 2107.10833. Networks and training are those of the authors' code
(github.com/xinntao/Real-ESRGAN).
"""

import functools

import keras
import numpy as np
from keras import layers, ops

from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import SNConv2D, build_rrdb, build_srvgg, torch_weights
from keras_gans.layers.rrdb import UNSHUFFLED
from keras_gans.layers.translation_blocks import free_size
from keras_gans.models.super_resolution import SuperResolution

# Of the Gaussian that sharpens: its reach in pixels, and OpenCV's sigma for that.
_REACH, _SIGMA = 25, 8.0


@keras.saving.register_keras_serializable("keras_gans")
class RealESRGAN(SuperResolution):
    """ESRGAN's generator against a U-Net that judges every pixel.

    The low resolution it learns from is spoilt in many ways, one after the other, see
    `kg.data.RealWorld`. In the pre-training the generator minimises E |G(l) - s|, in
    [0, 1], for the sharpened image s of h. Then the discriminator minimises E sp(-D(h))
    + E sp(D(G(l))) over pixels, the generator b E |G(l) - s| + w sum_i w_i E |phi_i(G)
    - phi_i(s)| + a E sp(-D(G(l))), sp(t) = log(1 + e^t), for maps phi_i of a frozen
    network. The discriminator sees h as it is.

    Args:
        image_shape: `(height, width, channels)` of the high resolution, in training:
            sides that the discriminator can halve three times; 256 pixels.
        scale: 4; 2 or 1 are RRDB networks that see squares of pixels as channels.
        architecture: `"rrdb"`, or `"srvgg"`, the compact one (any scale).
        residual_blocks: Of `"rrdb"`, 23 or 6; of `"srvgg"` the number of convolutions,
            32 or 16.
        base_channels: Channels of the generator's maps; 64.
        growth_channels: Channels that a convolution in a dense block adds; 32.
        discriminator_channels: Channels of the discriminator's first map; 64.
        sharpen: Whether pixels and features are compared with the sharpened image;
            sides are then at least 26.
        pretrain_steps: Steps of the pre-training; 1,000,000.
        pretrain_cycles: How often its learning rate falls to 0 along a cosine; 0, and
            the rate stays.
        pixel_weight: b; 1.
        perceptual_weight: w; 1. w_i are 0.1, 0.1, 1, 1, 1, for VGG-19's conv1_2, 2_2,
            3_4, 4_4 and 5_4 before their activations.
        adversarial_weight: a; 0.1.
        perceptual_network: phi: your own `keras.Model` from images in [-1, 1] to up to
            five maps, which is never trained; see `layers.vgg19_features`.
        generator: Your own `keras.Model` from low to high resolution, in [-1, 1].
        discriminator: Your own from images to logits of any shape.
        ema_decay: Decay of a moving average of the generator, used to enlarge; 0.999.
        seed: Integer from which all random numbers follow.
        **kwargs: For `System`: `augmentation`.

    Trains on: `fit(low, high)`, uint8 or floats in [-1, 1]; or `kg.data.CropBatches`
    with `degradation=kg.data.RealWorld(scale)`.

    Logs: `pixel_loss`, of the pre-training and, times b, of the game;
    `discriminator_loss`, `generator_loss` (times a), and with a perceptual network
    `perceptual_loss` (times w), which are 0 before the game.

    Raises:
        ValueError: for an image shape or a scale that the networks cannot make, or an
            unknown architecture.

    Example:

    >>> pictures = kg.data.load_pictures("DIV2K_train_HR")
    >>> spoilt = kg.data.RealWorld(scale=4)
    >>> gan = RealESRGAN(image_shape=(256, 256, 3), pretrain_steps=100_000)
    >>> gan.compile()
    >>> batches = kg.data.CropBatches(pictures, 12, 4, 256, degradation=spoilt)
    >>> gan.fit(batches, epochs=100)
    >>> large = gan.upscale(photographs)

    Reference: arXiv 2107.10833, sections 3 and 4.
    """

    pretraining_rate = 2.0
    feature_weights = (0.1, 0.1, 1.0, 1.0, 1.0)

    def __init__(
        self,
        image_shape=(256, 256, 3),
        scale=4,
        architecture="rrdb",
        residual_blocks=23,
        base_channels=64,
        growth_channels=32,
        discriminator_channels=64,
        sharpen=True,
        pretrain_steps=1_000_000,
        pretrain_cycles=0,
        pixel_weight=1.0,
        perceptual_weight=1.0,
        adversarial_weight=0.1,
        perceptual_network=None,
        generator=None,
        discriminator=None,
        ema_decay=0.999,
        seed=0,
        **kwargs,
    ):
        if architecture not in ("rrdb", "srvgg"):
            raise ValueError(
                f"architecture is 'rrdb' or 'srvgg'. Found: {architecture!r}."
            )
        self.source_multiple = UNSHUFFLED.get(scale, 1) if architecture == "rrdb" else 1
        if any(side % 8 for side in image_shape[:2]):
            raise ValueError(
                "The discriminator halves its images three times: their sides are "
                f"multiples of 8. Found: {tuple(image_shape)}."
            )
        if sharpen and min(image_shape[:2]) <= _REACH:
            raise ValueError(
                f"Images are sharpened by what lies {_REACH} pixels around: their "
                f"sides are at least {_REACH + 1}. Found: {tuple(image_shape)}; or "
                "pass sharpen=False."
            )
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
        self.architecture = architecture
        self.residual_blocks = residual_blocks
        self.base_channels = base_channels
        self.growth_channels = growth_channels
        self.discriminator_channels = discriminator_channels
        self.sharpen = sharpen
        self.set_networks(
            perceptual_network,
            discriminator=discriminator or self._paper_discriminator,
            generator=generator or self._paper_generator,
        )

    def _paper_generator(self):
        size = self.image_shape[-1], self.scale, self.residual_blocks
        if self.architecture == "srvgg":
            return build_srvgg(*size, self.base_channels)
        return build_rrdb(*size, self.base_channels, self.growth_channels)

    def _paper_discriminator(self):
        return build_unet_discriminator(
            self.image_shape[-1], self.discriminator_channels
        )

    def default_optimizers(self):
        """Adam 1e-4 with betas (0.9, 0.99), for both players; 2e-4 before the game."""
        return {player: pytorch_adam(1e-4, 0.9, 0.99) for player in self.players}

    def target_of(self, high):
        """The sharpened image, if it is to be compared with that."""
        return sharpened(high) if self.sharpen else high


def sharpened(images):
    """Unsharp masking where an image differs from its surroundings by 10 grey levels.

    With a Gaussian blur B of 51 pixels, r = x - B x, m = B [|r| > 10 / 255]:
    m clip(x + r / 2) + (1 - m) x, in [0, 1].

    Args:
        images: float32 `(batch, height, width, channels)` in [-1, 1], both sides more
            than 25.

    Returns:
        The same shape and range.

    Reference: `USMSharp` of xinntao/Real-ESRGAN.
    """
    x = (images + 1.0) / 2.0
    residue = x - _blurred(x)
    soft = _blurred(ops.cast(255.0 * ops.abs(residue) > 10.0, "float32"))
    sharp = ops.clip(x + 0.5 * residue, 0.0, 1.0)
    return 2.0 * (soft * sharp + (1.0 - soft) * x) - 1.0


def _blurred(x):
    rows, columns = (ops.cast(_blur(side), x.dtype) for side in x.shape[1:3])
    x = ops.einsum("ij,bjwc->biwc", rows, x)
    return ops.einsum("ij,bhjc->bhic", columns, x)


@functools.lru_cache(maxsize=8)
def _blur(side):
    """The matrix that blurs an axis, mirrored at its outermost pixels."""
    offsets = np.arange(-_REACH, _REACH + 1)
    taps = np.exp(-0.5 * (offsets / _SIGMA) ** 2)
    places = np.abs(np.arange(side)[:, None] + offsets)
    places = np.minimum(places, 2 * (side - 1) - places)
    matrix = np.zeros((side, side))
    np.add.at(matrix, (np.arange(side)[:, None], places), taps / taps.sum())
    return matrix.astype("float32")


def build_unet_discriminator(channels=3, base_channels=64):
    """Three halvings, three bilinear doublings with what was before them added.

    All convolutions but the first and the last have a spectrally normalised kernel and
    no bias; each but the last is followed by LeakyReLU(0.2).

    Args:
        channels: Channels of the images, whose sides are multiples of 8.
        base_channels: Channels of the first map; 64.

    Returns:
        A `keras.Model` from images `(batch, h, w, channels)` to float32 logits
        `(batch, h, w, 1)`.

    Reference: arXiv 2107.10833, figure 6; `discriminator_arch.py` of
    xinntao/Real-ESRGAN.
    """

    def conv(x, width, size, name):
        stride = 2 if size == 4 else 1
        start = torch_weights(size**2 * x.shape[-1])["kernel_initializer"]
        x = SNConv2D(
            width,
            size,
            strides=stride,
            use_bias=False,
            kernel_initializer=start,
            stored=True,
            name=name,
        )(x)
        return leaky(x, name)

    def plain(x, width, name, **kwargs):
        kwargs = {**torch_weights(9 * x.shape[-1]), **kwargs}
        return layers.Conv2D(width, 3, padding="same", name=name, **kwargs)(x)

    def leaky(x, name):
        return layers.LeakyReLU(0.2, name=f"{name}_act")(x)

    def doubled(x, width, skip, name):
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(x)
        return layers.Add(name=f"{name}_sum")([conv(x, width, 3, name), skip])

    images = free_size(channels, "images")
    x0 = leaky(plain(images, base_channels, "conv0"), "conv0")
    x1 = conv(x0, 2 * base_channels, 4, "conv1")
    x2 = conv(x1, 4 * base_channels, 4, "conv2")
    x = conv(x2, 8 * base_channels, 4, "conv3")
    x = doubled(x, 4 * base_channels, x2, "conv4")
    x = doubled(x, 2 * base_channels, x1, "conv5")
    x = doubled(x, base_channels, x0, "conv6")
    x = conv(x, base_channels, 3, "conv7")
    x = conv(x, base_channels, 3, "conv8")
    logits = plain(x, 1, "conv9", dtype="float32")
    return keras.Model(images, logits, name="discriminator")
