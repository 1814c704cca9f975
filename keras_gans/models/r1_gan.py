"""R1: the discriminator's slope at the data is held at zero, and training converges.

Mescheder, Geiger and Nowozin 2018, arXiv 1801.04406. Networks and training step are
those of the authors' code (github.com/LMescheder/GAN_stability).
"""

import math

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import PaddedAveragePooling2D, Rescaling, torch_weights

_PENALISED = {"real": (True, False), "fake": (False, True), "real_fake": (True, True)}


@keras.saving.register_keras_serializable("keras_gans")
class R1GAN(AdversarialModel):
    """Residual networks without any normalisation, and a zero-centred penalty.

    The discriminator minimises E sp(-D(x)) + E sp(D(G(z))) + lambda E ||grad D(x)||^2,
    the generator E sp(-D(G(z))), with sp(t) = log(1 + e^t). At the equilibrium, where
    the fakes are the data, a discriminator that is flat there no longer pushes the
    generator away: without the penalty the two circle each other.

    The paper writes the penalty as gamma / 2 E ||grad D||^2 with gamma = 10. The
    authors' code, which this follows, multiplies the squared norm by 10 without the
    half: gamma = 20. For the paper's formula to the letter set `penalty_weight=5`.

    Args:
        image_shape: `(height, width, channels)`: a square of 4 * 2^n pixels with
            n >= 1, for `"resnet2"` a multiple of 32.
        latent_dim: Length of z ~ N(0, 1); 256.
        num_classes: Number of classes; `None` for images without labels.
        architecture: `"resnet"`, one block at each resolution down to 4x4, or
            `"resnet2"` (ImageNet), two at each of six resolutions.
        base_channels: Channels at full resolution; they double with each halving. 64.
        max_channels: Most channels of `"resnet"`; 1024. Those of `"resnet2"` end at 16
            times `base_channels`.
        embedding_dim: Length of the direction that a class has; `None` for 256 with
            classes and 1 without.
        penalty: Where the slope is penalised: at `"real"` images (R1), at `"fake"` ones
            (R2), or the sum of both, `"real_fake"`.
        penalty_weight: lambda; 10.
        generator: Your own `keras.Model` from latents, or `(latents, labels)`, to
            images in [-1, 1].
        discriminator: Your own from images, or `(images, labels)`, to logits
            `(batch, 1)`; without batch normalisation, which would couple the slopes.
        ema_decay: Decay of the moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; with `num_classes` `(images,
    labels)`, labels integers or one-hot rows. Fakes take their classes from the batch.

    Logs: `discriminator_loss`, `gradient_penalty` (times its weight),
    `generator_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make, an unknown
            architecture or an unknown penalty.

    Example:

    >>> gan = R1GAN(image_shape=(32, 32, 1), base_channels=32, max_channels=128)
    >>> gan.compile()
    >>> gan.fit(images, batch_size=64, epochs=20)

    Reference: arXiv 1801.04406, eq. 9 (R1), eq. 10 (R2) and section 5.
    """

    reports = ("discriminator_loss", "gradient_penalty", "generator_loss")

    def __init__(
        self,
        image_shape=(256, 256, 3),
        latent_dim=256,
        num_classes=None,
        architecture="resnet",
        base_channels=64,
        max_channels=1024,
        embedding_dim=None,
        penalty="real",
        penalty_weight=10.0,
        generator=None,
        discriminator=None,
        ema_decay=0.999,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        if penalty not in _PENALISED:
            raise ValueError(
                f"penalty is 'real', 'fake' or 'real_fake'. Found: {penalty!r}."
            )
        self.architecture = architecture
        self.base_channels = base_channels
        self.max_channels = max_channels
        self.embedding_dim = embedding_dim
        self.penalty = penalty
        self.penalty_weight = penalty_weight
        shape = (architecture, base_channels, max_channels)
        if embedding_dim is None:
            embedding_dim = 1 if num_classes is None else 256
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, num_classes, *shape)),
            generator=generator
            or (
                lambda: build_generator(
                    image_shape, latent_dim, num_classes, embedding_dim, *shape
                )
            ),
        )

    def default_optimizers(self):
        """RMSprop 1e-4 for both players, as the authors set PyTorch's."""
        # PyTorch adds its epsilon of 1e-8 to the root, Keras the square under it.
        return {
            player: keras.optimizers.RMSprop(1e-4, rho=0.99, epsilon=1e-16)
            for player in self.players
        }

    def train_step(self, data):
        """One penalised update of the discriminator, then one of the generator."""
        real = self.unpack(data)
        fake = self.generate(real, training=True)
        penalises_real, penalises_fake = _PENALISED[self.penalty]

        def discriminator_losses():
            discriminator = self.in_training("discriminator")
            game = losses.non_saturating.discriminator(
                discriminator(real, is_real=True), discriminator(fake)
            )
            slopes = 0.0
            if penalises_real:
                slopes += self._squared_slope(real)
            if penalises_fake:
                slopes += self._squared_slope(fake)
            return {
                "discriminator_loss": game,
                "gradient_penalty": self.penalty_weight * slopes,
            }

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            fake = self.generate(real, training=True)
            score = self.in_training("discriminator")(fake)
            return {"generator_loss": losses.non_saturating.generator(score)}

        self.update("generator", generator_losses)
        return self.logs()

    def _squared_slope(self, batch):
        discriminator = self.in_training("discriminator", in_float32=True)
        if not self.is_conditional:
            return losses.zero_centered_penalty(discriminator, batch)
        images, labels = batch

        def score(images):
            return discriminator((images, labels))

        return losses.zero_centered_penalty(score, images)


@keras.saving.register_keras_serializable("keras_gans")
class UnitEmbedding(keras.layers.Embedding):
    """y -> e_y / ||e_y||_2: a trained direction for each class.

    Only the direction matters, so e_y starts at N(0, 1), PyTorch's default.

    Args:
        input_dim: Number of classes.
        output_dim: Length of the direction.
        **kwargs: For `keras.layers.Embedding`.
    """

    def __init__(self, input_dim, output_dim, embeddings_initializer=None, **kwargs):
        if embeddings_initializer is None:
            embeddings_initializer = keras.initializers.RandomNormal(stddev=1.0)
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            **kwargs,
        )

    def call(self, labels):
        """`(batch,)` integers to `(batch, output_dim)`."""
        # A product, not a look-up: its gradient is an ordinary tensor, as loss scaling
        # on several replicas needs it.
        rows = ops.matmul(ops.one_hot(labels, self.input_dim), self.embeddings)
        return rows / ops.sqrt(ops.sum(ops.square(rows), axis=-1, keepdims=True))


def build_generator(
    image_shape,
    latent_dim,
    num_classes,
    embedding_dim,
    architecture,
    base_channels,
    max_channels,
):
    """(z, direction of y) -> coarse map -> residual blocks, doubled -> tanh image."""
    size = _size(image_shape, architecture)
    stages = _generator_stages(architecture, size, base_channels, max_channels)
    coarse, channels = size // 2 ** (len(stages) - 1), stages[0][0][0]
    latents = keras.Input((latent_dim,), name="latents")
    inputs, labels = latents, ops.zeros_like(latents[:, 0], dtype="int32")
    if num_classes is not None:
        labels = keras.Input((), dtype="int32", name="labels")
        inputs = (latents, labels)
    direction = UnitEmbedding(
        num_classes or 1, embedding_dim, dtype="float32", name="embedding"
    )(labels)
    x = layers.Concatenate(name="joined")([latents, direction])
    x = _dense(latent_dim + embedding_dim, channels * coarse**2, "fc")(x)
    x = layers.Reshape((coarse, coarse, channels), name="coarse_map")(x)
    for i, stage in enumerate(stages):
        x = layers.UpSampling2D(name=f"up_{i}")(x) if i else x
        for j, (narrow, wide) in enumerate(stage):
            x = _residual(x, narrow, wide, f"block_{i}_{j}")
    x = _conv(stages[-1][-1][1], image_shape[-1], "conv_img")(_activated(x))
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name="generator")


def build_discriminator(
    image_shape, num_classes, architecture, base_channels, max_channels
):
    """Image -> residual blocks, halved -> a logit for each class, of which y's."""
    size = _size(image_shape, architecture)
    stages = _discriminator_stages(architecture, size, base_channels, max_channels)
    images = keras.Input(image_shape, name="images")
    x = _conv(image_shape[-1], base_channels, "conv_img")(images)
    for i, stage in enumerate(stages):
        x = PaddedAveragePooling2D(name=f"down_{i}")(x) if i else x
        for j, (narrow, wide) in enumerate(stage):
            x = _residual(x, narrow, wide, f"block_{i}_{j}")
    x = _activated(layers.Flatten(name="flat")(x))
    logits = _dense(x.shape[-1], num_classes or 1, "fc", dtype="float32")(x)
    if num_classes is None:
        return keras.Model(images, logits, name="discriminator")
    labels = keras.Input((), dtype="int32", name="labels")
    chosen = ops.one_hot(labels, num_classes)
    logit = layers.Dot(axes=1, dtype="float32", name="logit_of_class")([logits, chosen])
    return keras.Model((images, labels), logit, name="discriminator")


def _generator_stages(architecture, size, base_channels, max_channels):
    # For each resolution, coarse to fine, the channels (before, after) of its blocks.
    if architecture == "resnet2":
        widths = [base_channels * k for k in (16, 16, 16, 8, 4, 2, 1)]
        return [[(a, b), (b, b)] for a, b in zip(widths[:-1], widths[1:], strict=True)]
    widths = _resnet_widths(size, base_channels, max_channels)[::-1]
    widths.append(base_channels)
    return [[pair] for pair in zip(widths[:-1], widths[1:], strict=True)]


def _discriminator_stages(architecture, size, base_channels, max_channels):
    if architecture == "resnet2":
        widths = [base_channels * k for k in (1, 2, 4, 8, 16, 16, 16)]
        return [[(a, a), (a, b)] for a, b in zip(widths[:-1], widths[1:], strict=True)]
    widths = [base_channels, *_resnet_widths(size, base_channels, max_channels)]
    return [[pair] for pair in zip(widths[:-1], widths[1:], strict=True)]


def _resnet_widths(size, base_channels, max_channels):
    halvings = int(math.log2(size // 4))
    return [min(base_channels * 2**i, max_channels) for i in range(halvings + 1)]


def _residual(x, inputs, outputs, name):
    hidden = min(inputs, outputs)
    skip = x
    if inputs != outputs:
        skip = _conv(inputs, outputs, f"{name}_skip", kernel=1, use_bias=False)(x)
    x = _conv(inputs, hidden, f"{name}_conv_0")(_activated(x))
    x = _conv(hidden, outputs, f"{name}_conv_1")(_activated(x))
    # A tenth of the branch: without normalisation a deep sum would grow.
    x = Rescaling(0.1, name=f"{name}_tenth")(x)
    return layers.Add(name=name)([skip, x])


def _activated(x):
    return layers.LeakyReLU(0.2)(x)


def _conv(inputs, outputs, name, kernel=3, **kwargs):
    return layers.Conv2D(
        outputs,
        kernel,
        padding="same",
        name=name,
        **torch_weights(inputs * kernel**2),
        **kwargs,
    )


def _dense(inputs, outputs, name, **kwargs):
    return layers.Dense(outputs, name=name, **torch_weights(inputs), **kwargs)


def _size(image_shape, architecture):
    if architecture not in ("resnet", "resnet2"):
        raise ValueError(
            f"architecture is 'resnet' or 'resnet2'. Found: {architecture!r}."
        )
    size = image_shape[0]
    is_square = len(image_shape) == 3 and image_shape[1] == size
    if architecture == "resnet2" and is_square and size >= 32 and size % 32 == 0:
        return size
    if architecture == "resnet" and is_square and size in [2**n for n in range(3, 13)]:
        return size
    raise ValueError(
        "These networks make square images of 8, 16, 32, 64 ... pixels, 'resnet2' of a "
        f"multiple of 32. Found the shape {tuple(image_shape)}: resize the images."
    )
