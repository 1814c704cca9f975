"""SRGAN: four times the resolution, judged by eyes and not by pixels.

Ledig et al. 2016, arXiv 1609.04802; and the networks of the same name in BasicSR
(github.com/xinntao/BasicSR), without normalisation.
"""

import keras
from keras import layers

from keras_gans.core.choices import check_choice
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.layers import (
    BatchNormalization,
    build_srvgg,
    build_vgg_discriminator,
    factors_of,
    from_unit_range,
    shuffled_up,
    small_he,
    to_unit_range,
)
from keras_gans.layers.translation_blocks import free_size
from keras_gans.models.super_resolution import DISTANCES, SuperResolution

ARCHITECTURES = ("srresnet", "srresnet_instance", "msrresnet", "srvgg")
DISCRIMINATORS = ("srgan", "pooled", "msrgan", "kernels_of_4")


@keras.saving.register_keras_serializable("keras_gans")
class SRGAN(SuperResolution):
    """A residual network enlarges, first for pixels alone (SRResNet), then in a game.

    In the pre-training the generator minimises E d(G(l), h), with d the mean square or
    absolute difference. Then the discriminator minimises E sp(-D(h)) + E sp(D(G(l))),
    the generator E content + a E sp(-D(G(l))), sp(t) = log(1 + e^t); the content is
    w |phi(G(l)) - phi(h)|^2 for features phi of a frozen network, d without one. (The
    paper calls these SRGAN-VGG and SRGAN-MSE.)

    Args:
        image_shape: `(height, width, channels)` of the high resolution, in training:
            sides that the discriminator can halve four times; 96 pixels.
        scale: 2, 3, 4, 8 ...; 4.
        architecture: `"srresnet"`, the paper's; `"srresnet_instance"`, with instance
            normalisation and without biases (github.com/twtygqyy/pytorch-SRResNet);
            `"msrresnet"`, BasicSR's, without normalisation, which learns what is to be
            added to the enlarged input; `"srvgg"`, Real-ESRGAN's compact one, all of
            whose convolutions are at low resolution.
        residual_blocks: 16; of `"srvgg"` the number of convolutions.
        base_channels: Channels of all maps; 64.
        use_bias: Whether convolutions before a batch normalisation have a bias.
        discriminator_kind: `"srgan"`, the paper's; `"pooled"`, for images of any size;
            `"msrgan"`, BasicSR's, for sides that can be halved five times;
            `"kernels_of_4"`, the paper's with 4x4 strided convolutions.
        discriminator_channels: Channels of its first map; 64.
        pretrain_steps: Steps of the pre-training; 1,000,000.
        pretrain_cycles: How often its learning rate falls to 0 along a cosine; 0, and
            the rate stays.
        distance: `"l2"` (the paper's, of pixels in [-1, 1]) or `"l1"`.
        pixel_weight: Weight of d once there is a game; `None` for 0 with a perceptual
            network and 1 without.
        perceptual_weight: w; (1 / 12.75)^2, for VGG-19's relu5_4.
        adversarial_weight: a; 0.001.
        perceptual_network: phi: your own `keras.Model` from images in [-1, 1] to a map,
            which is never trained; see `layers.vgg19_features`.
        generator: Your own `keras.Model` from low to high resolution, in [-1, 1].
        discriminator: Your own from images to logits.
        ema_decay: Decay of a moving average of the generator, used to enlarge.
        seed: Integer from which all random numbers follow.
        **kwargs: For `System`: `augmentation`.

    Trains on: `fit(low, high)`, uint8 or floats in [-1, 1]; or `kg.data.CropBatches`.

    Logs: `pixel_loss`, of the pre-training and, times its weight, of the game;
    `discriminator_loss`, `generator_loss` (times a), and with a perceptual network
    `perceptual_loss` (times w), which are 0 before the game.

    Raises:
        ValueError: for an image shape that the networks cannot make, or an unknown
            architecture, discriminator or distance.

    Example:

    >>> pictures = kg.data.load_pictures("super_resolution/t91")
    >>> gan = SRGAN(image_shape=(96, 96, 3), pretrain_steps=20_000)
    >>> gan.compile()
    >>> gan.fit(kg.data.CropBatches(pictures, 16, scale=4, image_size=96), epochs=100)
    >>> large = gan.upscale(small)

    Reference: arXiv 1609.04802, eq. 2 to 6 and figure 4.
    """

    pixel_range = 2.0
    feature_distance = "l2"

    def __init__(
        self,
        image_shape=(96, 96, 3),
        scale=4,
        architecture="srresnet",
        residual_blocks=16,
        base_channels=64,
        use_bias=True,
        discriminator_kind="srgan",
        discriminator_channels=64,
        pretrain_steps=1_000_000,
        pretrain_cycles=0,
        distance="l2",
        pixel_weight=None,
        perceptual_weight=1 / 12.75**2,
        adversarial_weight=1e-3,
        perceptual_network=None,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        check_choice("architecture", architecture, ARCHITECTURES)
        check_choice("discriminator_kind", discriminator_kind, DISCRIMINATORS)
        check_choice("distance", distance, DISTANCES)
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
        self.use_bias = use_bias
        self.discriminator_kind = discriminator_kind
        self.discriminator_channels = discriminator_channels
        self.distance = distance
        self.set_networks(
            perceptual_network,
            discriminator=discriminator or self._paper_discriminator,
            generator=generator or self._paper_generator,
        )

    @property
    def pixel_distance(self):
        """The d of the losses."""
        return self.distance

    def _paper_generator(self):
        size = self.image_shape[-1], self.scale, self.residual_blocks
        width = self.base_channels
        if self.architecture == "msrresnet":
            return build_msrresnet(*size, width)
        if self.architecture == "srvgg":
            return build_srvgg(*size, width)
        norm = "instance" if self.architecture == "srresnet_instance" else "batch"
        return build_srresnet(*size, width, norm, self.use_bias)

    def _paper_discriminator(self):
        width = self.discriminator_channels
        widths = [width * 2**i for i in range(4)]
        options = {"hidden_units": 16 * width, "biases": "all"}
        if self.discriminator_kind == "msrgan":
            widths.append(widths[-1])
            options = {"hidden_units": 100, "biases": "first", "strided_kernel": 4}
        elif self.discriminator_kind == "kernels_of_4":
            options = {**options, "biases": "none", "strided_kernel": 4}
        elif self.discriminator_kind == "pooled":
            options["pooled"] = True
        return build_vgg_discriminator(self.image_shape, widths, **options)

    def default_optimizers(self):
        """Adam 1e-4 for both players; the paper ends the game at 1e-5."""
        return {player: pytorch_adam(1e-4, 0.9) for player in self.players}

    @property
    def content_of_pixels(self):
        """The weight of d in the game."""
        if self.pixel_weight is not None:
            return self.pixel_weight
        return 1.0 if self.perceptual_network is None else 0.0


def build_srresnet(
    channels=3, scale=4, blocks=16, base_channels=64, norm="batch", use_bias=True
):
    """9x9 convolution, residual blocks, pixel shuffles, 9x9 convolution, tanh.

    Args:
        channels: Channels of the images.
        scale: 2, 4, 8 ... in doublings, or 3 at once.
        blocks: Number of residual blocks; 16.
        base_channels: Channels of all maps; 64.
        norm: `"batch"`, with PReLUs of a slope for each channel; or `"instance"`, with
            LeakyReLU(0.2), no biases at all and a linear output.
        use_bias: Whether convolutions before a batch normalisation have a bias.

    Returns:
        A `keras.Model` from images `(batch, h, w, channels)` in [-1, 1] to
        `(batch, scale h, scale w, channels)`; inside, the input is in [0, 1].

    Reference: arXiv 1609.04802, figure 4.
    """
    is_batch = norm == "batch"

    def conv(x, width, size, name, has_norm=False):
        bias = is_batch and (use_bias or not has_norm)
        return layers.Conv2D(width, size, padding="same", use_bias=bias, name=name)(x)

    def normalized(x, name):
        if not is_batch:
            return layers.GroupNormalization(-1, epsilon=1e-5, name=name)(x)
        return BatchNormalization(unbiased=True, momentum=0.9, epsilon=1e-5, name=name)(
            x
        )

    def activated(x, name):
        if not is_batch:
            return layers.LeakyReLU(0.2, name=name)(x)
        return layers.PReLU(
            keras.initializers.Constant(0.25), shared_axes=[1, 2], name=name
        )(x)

    low = free_size(channels, "low")
    x = conv(to_unit_range(low), base_channels, 9, "conv_in")
    x = first = activated(x, "act_in")
    for i in range(blocks):
        y = conv(x, base_channels, 3, f"block_{i}_conv1", has_norm=True)
        y = activated(normalized(y, f"block_{i}_norm1"), f"block_{i}_act")
        y = conv(y, base_channels, 3, f"block_{i}_conv2", has_norm=True)
        x = layers.Add(name=f"block_{i}")([x, normalized(y, f"block_{i}_norm2")])
    y = normalized(conv(x, base_channels, 3, "conv_mid", has_norm=True), "norm_mid")
    x = layers.Add(name="trunk")([first, y])
    for i, factor in enumerate(factors_of(scale), start=1):
        x = shuffled_up(x, base_channels, factor, f"up_{i}", use_bias=is_batch)
        x = activated(x, f"up_{i}_act")
    x = conv(x, channels, 9, "conv_out")
    if not is_batch:
        return keras.Model(low, from_unit_range(x), name="generator")
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(low, images, name="generator")


def build_msrresnet(channels=3, scale=4, blocks=16, base_channels=64):
    """3x3 convolutions, residual blocks without norms, plus the enlarged input.

    Args:
        channels: Channels of the images.
        scale: 2, 4, 8 ... in doublings, or 3 at once.
        blocks: Number of residual blocks; 16.
        base_channels: Channels of all maps; 64.

    Returns:
        A `keras.Model` from images `(batch, h, w, channels)` in [-1, 1] to
        `(batch, scale h, scale w, channels)`, linear.

    Reference: `basicsr/models/archs/srresnet_arch.py` of xinntao/BasicSR.
    """

    def conv(x, width, name):
        return layers.Conv2D(width, 3, padding="same", name=name, **small_he())(x)

    def leaky(x, name):
        return layers.LeakyReLU(0.1, name=f"{name}_act")(x)

    low = free_size(channels, "low")
    start = to_unit_range(low)
    x = leaky(conv(start, base_channels, "conv_first"), "conv_first")
    for i in range(blocks):
        y = layers.ReLU(name=f"body_{i}_act")(conv(x, base_channels, f"body_{i}_conv1"))
        y = conv(y, base_channels, f"body_{i}_conv2")
        x = layers.Add(name=f"body_{i}")([x, y])
    for i, factor in enumerate(factors_of(scale), start=1):
        name = f"upconv{i}"
        x = leaky(shuffled_up(x, base_channels, factor, name, **small_he()), name)
    x = conv(leaky(conv(x, base_channels, "conv_hr"), "conv_hr"), channels, "conv_last")
    enlarged = layers.UpSampling2D(scale, interpolation="bilinear", name="enlarged")
    high = layers.Add(name="high")([x, enlarged(start)])
    return keras.Model(low, from_unit_range(high), name="generator")
