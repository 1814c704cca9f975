"""ProGAN: both networks grow from 4x4 pixels, one resolution at a time.

Karras et al. 2017, arXiv 1710.10196. Networks and training are those of the authors
(github.com/tkarras/progressive_growing_of_gans) or of the reimplementation whose
weights are published (github.com/facebookresearch/pytorch_GAN_zoo).
"""

import functools

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.layers import EqualizedConv2D, EqualizedDense, PixelNormalization
from keras_gans.models.growing import (
    GAIN,
    Growing,
    channels_at,
    discriminator_layers,
    leaky_relu,
    sides_up_to,
    to_images,
    wire,
)


@keras.saving.register_keras_serializable("keras_gans")
class ProGAN(Growing):
    """A Wasserstein GAN whose networks double their resolution again and again.

    The discriminator minimises E D(G(z)) - E D(x) + lambda E (||grad D(x_hat)||_2 -
    1)^2 + epsilon E D(x)^2, the generator -E D(G(z)); with classes both also minimise
    the cross-entropy of the class that D reads off its images, as in AC-GAN. Weights
    are equalised: drawn from N(0, 1) and scaled when they are used.

    A resolution is trained for `stabilise_images`, then its doubling is faded in over
    `fade_images`: alpha, the weight of the new blocks, rises from 0 to 1, real images
    lose the same share of their details, and the optimizers start afresh. The
    generator always makes images of full size; what has not been trained yet is
    enlarged. Its output is linear, and clipped to [-1, 1] when sampled.

    Args:
        image_shape: `(side, side, channels)`, the side 4, 8, 16 ...; 1024.
        latent_dim: Length of z ~ N(0, 1); 512.
        num_classes: Number of classes, or `None`.
        channel_base: Channels of a map times its side; 16384.
        max_channels: Largest number of channels; 512.
        start_resolution: Side of the first stage; 4. That of `image_shape` for
            networks that do not grow.
        stabilise_images: Images shown to the discriminator at a resolution before the
            next one is faded in; 600,000.
        fade_images: Images shown while it is; 600,000.
        penalty_weight: lambda; 10.
        drift_weight: epsilon; 0.001.
        variant: `"tensorflow"`, the authors', or `"gan_zoo"`, the reimplementation:
            biases are scaled like their kernels, by the gain sqrt(2) in every layer;
            deviations are unbiased, over consecutive samples; the discriminator makes
            maps smaller after their activation and never fades 8x8 in; real images
            are not blended; the losses are sums over the batch.
        generator: Your own `keras.Model` from latents, or `(latents, labels)`, to
            images; to grow, with layers called as here.
        discriminator: Your own from images to scores `(batch, 1)`, with classes also
            logits `(batch, num_classes)`; to grow, with layers called as here.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.
        **kwargs: For `AdversarialModel`: `augmentation`.

    Trains on: images of full size, uint8 or floats in [-1, 1]; with classes
    `(images, labels)`.

    Logs: `wasserstein` (minus the estimated distance), `gradient_penalty` and `drift`
    (times their weights), `generator_loss`; with classes `real_class_loss`,
    `fake_class_loss` and, of the generator, `class_loss`.

    Raises:
        ValueError: for an image shape, schedule or variant that does not exist.

    Example:

    >>> gan = ProGAN(image_shape=(64, 64, 3))
    >>> gan.compile()
    >>> gan.fit(images, batch_size=16, epochs=100)

    Reference: arXiv 1710.10196, sections 2 to 4 and appendix A.
    """

    reports = ("wasserstein", "gradient_penalty", "drift", "generator_loss")

    def __init__(
        self,
        image_shape=(1024, 1024, 3),
        latent_dim=512,
        num_classes=None,
        channel_base=16_384,
        max_channels=512,
        start_resolution=4,
        stabilise_images=600_000,
        fade_images=600_000,
        penalty_weight=10.0,
        drift_weight=0.001,
        variant="tensorflow",
        generator=None,
        discriminator=None,
        ema_decay=0.999,
        seed=0,
        **kwargs,
    ):
        if variant not in ("tensorflow", "gan_zoo"):
            raise ValueError(
                f"variant is 'tensorflow' or 'gan_zoo'. Found: {variant!r}."
            )
        if num_classes is not None:
            self.reports += ("real_class_loss", "fake_class_loss", "class_loss")
        super().__init__(
            image_shape,
            latent_dim,
            num_classes,
            start_resolution,
            stabilise_images,
            fade_images,
            ema_decay,
            seed,
            **kwargs,
        )
        self.channel_base = channel_base
        self.max_channels = max_channels
        self.penalty_weight = penalty_weight
        self.drift_weight = drift_weight
        self.variant = variant
        self.blends_reals = variant == "tensorflow"
        size = (channel_base, max_channels, start_resolution, variant)
        self.set_networks(
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, num_classes, *size)),
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, num_classes, *size)),
        )

    def default_optimizers(self):
        """Adam 1e-3 with betas (0, 0.99); more from 128x128 on, see `rate_factors`."""
        return {
            player: keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
            for player in self.players
        }

    def train_step(self, data):
        """A penalised update of the discriminator, then one of the generator."""
        self.begin_stage()
        real = self.at_stage(self.unpack(data))
        fake = self.generate(real, training=True)
        blend = self._between(self._images(real), self._images(fake))

        def discriminator_losses():
            score_real, class_real = self._judged(real, is_real=True)
            score_fake, class_fake = self._judged(fake)
            judge = self.in_training("discriminator", in_float32=True)
            slope = losses.gradient_penalty(lambda x: self._score(judge(x)), blend)
            terms = {
                "wasserstein": losses.wasserstein.discriminator(score_real, score_fake),
                "gradient_penalty": self.penalty_weight * slope,
                "drift": self.drift_weight * ops.mean(ops.square(score_real)),
            }
            if self.is_conditional:
                terms["real_class_loss"] = class_real
                terms["fake_class_loss"] = class_fake
            return self._over_batch(terms, real)

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            score, class_loss = self._judged(self.generate(real, training=True))
            terms = {"generator_loss": losses.wasserstein.generator(score)}
            if self.is_conditional:
                terms["class_loss"] = class_loss
            return self._over_batch(terms, real)

        self.update("generator", generator_losses)
        self.end_step(self._images(real))
        return self.logs()

    def _images(self, batch):
        return batch[0] if self.is_conditional else batch

    def _score(self, judged):
        return judged[0] if self.is_conditional else judged

    def _judged(self, batch, is_real=False):
        """The scores of a batch and the cross-entropy of its classes, or `None`."""
        judge = self.in_training("discriminator")
        if not self.is_conditional:
            return judge(batch, is_real=is_real), None
        images, labels = batch
        scores, logits = judge(images, is_real=is_real)
        entropy = keras.losses.sparse_categorical_crossentropy(
            labels, logits, from_logits=True
        )
        return scores, ops.mean(entropy)

    def _between(self, real, fake):
        # pytorch_GAN_zoo's coefficient is that of the real image.
        ends = (fake, real) if self.variant == "gan_zoo" else (real, fake)
        return losses.interpolate(*ends, seed=self.seeds)

    def _over_batch(self, terms, real):
        # pytorch_GAN_zoo adds up what all others average.
        if self.variant == "tensorflow":
            return terms
        count = ops.cast(self.images_in(self._images(real)), "float32")
        return {name: count * term for name, term in terms.items()}

    def _fades(self, side):
        fades = super()._fades(side)
        # pytorch_GAN_zoo's discriminator does not blend when it has two scales.
        fixed = self.variant == "gan_zoo" and side == 8
        theirs = self.discriminator.get_layer("fade_8") if fixed else None
        return [fade for fade in fades if fade is not theirs]


def build_generator(
    image_shape,
    latent_dim,
    num_classes,
    channel_base,
    max_channels,
    start_resolution,
    variant,
):
    """(z, y) of unit length -> 4x4 map -> blocks of two convolutions -> image.

    Args:
        image_shape: `(side, side, channels)`.
        latent_dim: Length of a latent vector.
        num_classes: Number of classes, or `None`.
        channel_base: Channels of a map times its side.
        max_channels: Largest number of channels.
        start_resolution: Side of the images of the first stage.
        variant: `"tensorflow"` or `"gan_zoo"`.

    Returns:
        A `keras.Model` from `(batch, latent_dim)`, or `(latents, labels)`, to images.
    """
    zoo = variant == "gan_zoo"

    def conv_block(x, side, name):
        channels = channels_at(side, channel_base, max_channels)
        conv = EqualizedConv2D(channels, 3, gain=GAIN, scale_bias=zoo, name=name)
        return _activated(conv(x), name)

    def to_rgb(name):
        gain = GAIN if zoo else 1.0
        return EqualizedConv2D(
            image_shape[-1], 1, gain, scale_bias=zoo, dtype="float32", name=name
        )

    latents = keras.Input((latent_dim,), name="latents")
    inputs, x = latents, latents
    if num_classes is not None:
        labels = keras.Input((), dtype="int32", name="labels")
        inputs = (latents, labels)
        one_hot = ops.one_hot(labels, num_classes)
        x = layers.Concatenate(name="latents_and_class")([latents, one_hot])
    x = PixelNormalization(name="latents_norm")(x)
    x = _first_map(x, channels_at(4, channel_base, max_channels), zoo)
    x_at = {4: conv_block(x, 4, "block_4_conv_1")}
    for side in sides_up_to(image_shape[0]):
        x = layers.UpSampling2D(name=f"block_{side}_up")(x_at[side // 2])
        x = conv_block(x, side, f"block_{side}_conv_0")
        x_at[side] = conv_block(x, side, f"block_{side}_conv_1")
    images = to_images(x_at, to_rgb, start_resolution)
    return keras.Model(inputs, images, name="generator")


def build_discriminator(
    image_shape, num_classes, channel_base, max_channels, start_resolution, variant
):
    """Image -> blocks of two convolutions -> 4x4 map -> score and class.

    Args:
        image_shape: `(side, side, channels)`.
        num_classes: Number of classes, or `None`.
        channel_base: Channels of a map times its side.
        max_channels: Largest number of channels.
        start_resolution: Side of the images of the first stage.
        variant: `"tensorflow"` or `"gan_zoo"`.

    Returns:
        A `keras.Model` from images to scores `(batch, 1)`, with classes to
        `(scores, logits)`.
    """
    zoo = variant == "gan_zoo"
    groups = discriminator_layers(
        image_shape,
        functools.partial(
            channels_at, channel_base=channel_base, max_channels=max_channels
        ),
        start_resolution,
        functools.partial(EqualizedConv2D, gain=GAIN, scale_bias=zoo),
        functools.partial(EqualizedDense, gain=GAIN, scale_bias=zoo),
        zoo=zoo,
    )
    images = keras.Input(image_shape, name="images")
    features = wire(groups, images)

    def linear(units, name):
        gain = GAIN if zoo else 1.0
        dense = EqualizedDense(units, gain, scale_bias=zoo, dtype="float32", name=name)
        return dense(features)

    outputs = linear(1, "score")
    if num_classes is not None:
        outputs = (outputs, linear(num_classes, "class_logits"))
    return keras.Model(images, outputs, name="discriminator")


@keras.saving.register_keras_serializable("keras_gans")
class ChannelBias(keras.layers.Layer):
    """x + b: one trained summand per channel, first 0."""

    def build(self, input_shape):
        """Makes the bias `(channels,)`."""
        self.bias = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", name="bias"
        )

    def call(self, inputs):
        """Any shape to the same shape."""
        return inputs + self.bias

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape


def _first_map(x, channels, zoo):
    if zoo:
        dense = EqualizedDense(16 * channels, GAIN, scale_bias=True, name="block_4_map")
        x = layers.Reshape((4, 4, channels), name="block_4_reshape")(dense(x))
        return _activated(x, "block_4_map")
    # The authors' "overridden gain", and a bias per channel instead of per value.
    dense = EqualizedDense(16 * channels, GAIN / 4, use_bias=False, name="block_4_map")
    x = layers.Reshape((4, 4, channels), name="block_4_reshape")(dense(x))
    return _activated(ChannelBias(name="block_4_bias")(x), "block_4_map")


def _activated(x, name):
    return PixelNormalization(name=f"{name}_norm")(leaky_relu(name)(x))
