"""WGAN-GP: a penalty on the critic's slope in place of clipped weights.

Gulrajani et al. 2017, arXiv 1704.00028. Networks are those of the authors' MNIST and
CIFAR-10 experiments (github.com/igul222/improved_wgan_training).
"""

import math

import keras
from keras import initializers, layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import (
    BatchNormalization,
    Rescaling,
    build_mlp_critic,
    build_mlp_generator,
)


@keras.saving.register_keras_serializable("keras_gans")
class WGANGP(AdversarialModel):
    """A critic held to unit slope between real and generated samples.

    The critic minimises E D(G(z)) - E D(x) + lambda E (||grad D(x_hat)||_2 - 1)^2 with
    x_hat = x + alpha (G(z) - x) and one alpha ~ U[0, 1] per sample; the generator
    minimises -E D(G(z)). No batch normalisation in the critic: it would couple the
    samples' slopes.

    The 28-pixel network works on pixels of [0, 1], as the authors' does, inside
    the library's [-1, 1]; slopes are taken per unit of the paper's pixels. The ResNet
    is trained on images without the reference's dequantisation noise.

    Args:
        image_shape: `(height, width, channels)`: 28x28, or a square of 4 * 2^n pixels
            with n >= 2; with `architecture="mlp"` any shape, `(2,)` for points.
        latent_dim: Length of z ~ N(0, 1); 128.
        architecture: `"conv"` (the MNIST network at 28x28, the CIFAR-10 DCGAN
            elsewhere), `"resnet"` (the CIFAR-10 ResNet) or `"mlp"`.
        base_channels: Channels at half resolution of `"conv"` (64 for MNIST, 128 for
            CIFAR-10 in the paper), or of every block of `"resnet"` (128); the width of
            an `"mlp"` (512). `None` for 64, 128 and 512.
        critic_steps: Critic updates per generator update, each on fresh data; 5.
        penalty_weight: lambda; 10.
        generator: Your own `keras.Model` from latents to images in [-1, 1].
        critic: Your own from images to scores `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored. A
    data set yields `critic_steps` batches in one; `fit(array, batch_size=64)` sees to
    that.

    Logs: `wasserstein` (minus the estimated distance), `gradient_penalty` (times its
    weight), `generator_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make, or an unknown
            architecture.

    Example:

    >>> gan = WGANGP(image_shape=(32, 32, 1))
    >>> gan.compile()
    >>> gan.fit(images, batch_size=64, epochs=20)

    Reference: arXiv 1704.00028, algorithm 1 and appendix F.
    """

    players = {"critic": ("critic",), "generator": ("generator",)}
    reports = ("wasserstein", "gradient_penalty", "generator_loss")

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=128,
        architecture="conv",
        base_channels=None,
        critic_steps=5,
        penalty_weight=10.0,
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
        self.critic_steps = critic_steps
        self.penalty_weight = penalty_weight
        build = _paper_networks(image_shape, latent_dim, architecture, base_channels)
        self.set_networks(
            critic=critic or build["critic"], generator=generator or build["generator"]
        )
        unit_pixels = architecture == "conv" and _is_mnist_size(image_shape)
        self.slope_scale = 2.0 if unit_pixels and critic is None else 1.0

    @property
    def updates_per_batch(self):
        """Equal parts into which a step splits its batch."""
        return self.critic_steps

    def default_optimizers(self):
        """Adam as the authors set it for each architecture.

        1e-4 with betas (0.5, 0.9); for the ResNet 2e-4 with (0, 0.9), falling linearly
        to zero over 100,000 generator updates.
        """
        rates, beta_1 = {"critic": 1e-4, "generator": 1e-4}, 0.5
        if self.architecture == "resnet":
            decay = keras.optimizers.schedules.PolynomialDecay
            updates = {"critic": 100_000 * self.critic_steps, "generator": 100_000}
            rates = {
                p: decay(2e-4, n, end_learning_rate=0.0) for p, n in updates.items()
            }
            beta_1 = 0.0
        return {
            player: keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=0.9, epsilon=1e-8)
            for player, rate in rates.items()
        }

    def train_step(self, data):
        """Several penalised updates of the critic, then one of the generator."""
        for real in self.split(self.unpack(data), self.critic_steps):
            fake = self.generate(real, training=True)
            blend = losses.interpolate(real, fake, seed=self.seeds)

            def critic_losses(real=real, fake=fake, blend=blend):
                critic = self.in_training("critic")
                slope_loss = losses.gradient_penalty(
                    self.in_training("critic", in_float32=True), blend, self.slope_scale
                )
                return {
                    "wasserstein": losses.wasserstein.critic(
                        critic(real, is_real=True), critic(fake)
                    ),
                    "gradient_penalty": self.penalty_weight * slope_loss,
                }

            self.update("critic", critic_losses)

        def generator_losses():
            # The reference's ResNet generator sees twice the batch (gan_cifar_resnet).
            doubled = self.architecture == "resnet"
            like = ops.repeat(real, 2, axis=0) if doubled else real
            fake = self.generate(like, training=True)
            critic = self.in_training("critic")
            return {"generator_loss": losses.wasserstein.generator(critic(fake))}

        self.update("generator", generator_losses)
        return self.logs()


def _paper_networks(image_shape, latent_dim, architecture, base_channels):
    if architecture == "mlp":
        width = base_channels or 512
        return {
            "critic": lambda: build_mlp_critic(image_shape, width),
            "generator": lambda: build_mlp_generator(image_shape, latent_dim, width),
        }
    if architecture == "conv":
        width = base_channels or 64
        return {
            "critic": lambda: build_conv_critic(image_shape, width),
            "generator": lambda: build_conv_generator(image_shape, latent_dim, width),
        }
    if architecture == "resnet":
        width = base_channels or 128
        return {
            "critic": lambda: build_resnet_critic(image_shape, width),
            "generator": lambda: build_resnet_generator(image_shape, latent_dim, width),
        }
    raise ValueError(
        f"architecture is 'conv', 'resnet' or 'mlp'. Found: {architecture!r}."
    )


def build_conv_generator(image_shape, latent_dim, base_channels):
    """z -> 4x4 map -> 5x5 transposed convolutions doubling it -> image.

    At 28x28 the MNIST network: no normalisation, a crop from 8x8 to 7x7, sigmoid.
    Elsewhere the CIFAR-10 network: batch normalisation, tanh.
    """
    mnist, doublings = _is_mnist_size(image_shape), _doublings(image_shape)
    channels = base_channels * 2 ** (doublings - 1)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(16 * channels, name="input")(latents)
    x = x if mnist else _batch_norm("input_norm")(x)
    x = layers.Reshape((4, 4, channels))(layers.ReLU()(x))
    for i in range(doublings - 1):
        x = _deconv(channels, channels // 2, f"deconv_{i}")(x)
        x = x if mnist else _batch_norm(f"deconv_{i}_norm")(x)
        x = layers.ReLU()(x)
        channels //= 2
        if mnist and i == 0:
            x = layers.Cropping2D(((0, 1), (0, 1)), name="crop_to_7")(x)
    x = _deconv(channels, image_shape[-1], "to_image")(x)
    if mnist:
        x = layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
        images = Rescaling(2.0, -1.0, dtype="float32", name="images")(x)
    else:
        images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_conv_critic(image_shape, base_channels, outputs=1, batch_norm=False):
    """Image -> 5x5 convolutions halving it, without normalisation -> one score.

    Args:
        image_shape: `(side, side, channels)`.
        base_channels: Channels of the first convolution.
        outputs: Number of scores.
        batch_norm: Whether there is batch normalisation after all, in networks on
            which no slope is penalised.
    """
    images = keras.Input(image_shape, name="images")
    x, channels = images, image_shape[-1]
    if _is_mnist_size(image_shape):
        x = Rescaling(0.5, 0.5, name="to_unit_range")(x)
    for i in range(_doublings(image_shape)):
        x = conv(channels, base_channels * 2**i, f"conv_{i}", kernel=5, stride=2)(x)
        x = _batch_norm(f"conv_{i}_norm")(x) if batch_norm else x
        x = layers.LeakyReLU(0.2)(x)
        channels = base_channels * 2**i
    scores = layers.Dense(outputs, dtype="float32", name="score")(layers.Flatten()(x))
    return keras.Model(images, scores, name="critic")


def build_resnet_generator(image_shape, latent_dim, base_channels):
    """z -> 4x4 map -> residual blocks doubling it -> tanh image, all of one width."""
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(16 * base_channels, name="input")(latents)
    x = layers.Reshape((4, 4, base_channels))(x)
    for i in range(_doublings(image_shape)):
        x = _residual_up(x, base_channels, f"up_{i}")
    x = layers.ReLU()(_batch_norm("output_norm")(x))
    x = conv(base_channels, image_shape[-1], "to_image", he=False)(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_resnet_critic(image_shape, base_channels):
    """Image -> residual blocks, the last two at full depth -> mean -> one score."""
    images = keras.Input(image_shape, name="images")
    x = _first_down(images, image_shape[-1], base_channels)
    for i in range(1, _doublings(image_shape) - 1):
        x = _residual(x, base_channels, f"down_{i}", down=True)
    for i in range(2):
        x = _residual(x, base_channels, f"same_{i}", down=False)
    x = layers.GlobalAveragePooling2D(name="mean")(layers.ReLU()(x))
    scores = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model(images, scores, name="critic")


def _residual_up(x, channels, name):
    skip = layers.UpSampling2D(name=f"{name}_skip_up")(x)
    skip = conv(channels, channels, f"{name}_skip", kernel=1, he=False)(skip)
    x = layers.ReLU()(_batch_norm(f"{name}_norm_0")(x))
    x = conv(channels, channels, f"{name}_conv_0")(layers.UpSampling2D()(x))
    x = layers.ReLU()(_batch_norm(f"{name}_norm_1")(x))
    x = conv(channels, channels, f"{name}_conv_1")(x)
    return layers.Add(name=name)([skip, x])


def _first_down(images, image_channels, channels):
    # Starts with a convolution, not an activation: the input is the image itself.
    skip = layers.AveragePooling2D(2)(images)
    skip = conv(image_channels, channels, "down_0_skip", kernel=1, he=False)(skip)
    x = conv(image_channels, channels, "down_0_conv_0")(images)
    x = conv(channels, channels, "down_0_conv_1")(layers.ReLU()(x))
    return layers.Add(name="down_0")([skip, layers.AveragePooling2D(2)(x)])


def _residual(x, channels, name, down):
    skip = x
    if down:
        skip = layers.AveragePooling2D(2)(x)
        skip = conv(channels, channels, f"{name}_skip", kernel=1, he=False)(skip)
    x = conv(channels, channels, f"{name}_conv_0")(layers.ReLU()(x))
    x = conv(channels, channels, f"{name}_conv_1")(layers.ReLU()(x))
    if down:
        x = layers.AveragePooling2D(2)(x)
    return layers.Add(name=name)([skip, x])


def conv(inputs, outputs, name, kernel=3, stride=1, he=True, use_bias=True):
    """A convolution that starts as the authors' do (`tflib.ops.conv2d`).

    Args:
        inputs: Channels it takes.
        outputs: Channels it makes.
        name: Its name.
        kernel: Side of its kernel.
        stride: Its stride.
        he: Whether its variance is that of He, else that of Glorot.
        use_bias: Whether it adds a bias.
    """
    return layers.Conv2D(
        outputs,
        kernel,
        strides=stride,
        padding="same",
        kernel_initializer=_initializer(
            inputs * kernel**2, outputs * kernel**2 / stride**2, he
        ),
        use_bias=use_bias,
        name=name,
    )


def _deconv(inputs, outputs, name):
    return layers.Conv2DTranspose(
        outputs,
        5,
        strides=2,
        padding="same",
        kernel_initializer=_initializer(inputs * 25 / 4, outputs * 25, he=True),
        name=name,
    )


def _initializer(fan_in, fan_out, he):
    # tflib.ops: uniform of variance 4 / (fan_in + fan_out), or 2 / (...) without "he",
    # where a stride divides the fan on the side that it thins out.
    variance = (4.0 if he else 2.0) / (fan_in + fan_out)
    reach = math.sqrt(3.0 * variance)
    return initializers.RandomUniform(-reach, reach)


def _batch_norm(name):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)


def _is_mnist_size(image_shape):
    return tuple(image_shape[:2]) == (28, 28)


def _doublings(image_shape):
    if len(image_shape) == 3 and image_shape[0] == image_shape[1]:
        if _is_mnist_size(image_shape):
            return 3
        doublings = int(math.log2(max(image_shape[0], 1) / 4))
        if doublings >= 2 and 4 * 2**doublings == image_shape[0]:
            return doublings
    raise ValueError(
        "These networks make images of 28x28, 16x16, 32x32, 64x64, 128x128 ... pixels. "
        f"Found the shape {tuple(image_shape)}: resize, or use architecture='mlp'."
    )
