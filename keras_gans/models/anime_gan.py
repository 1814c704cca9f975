"""Characters by their attributes: SRResNet, DRAGAN's penalty and an auxiliary head.

Jin et al. 2017, arXiv 1708.05509. The authors published no training code: networks and
losses are those on which two independent re-implementations agree
(github.com/bhpfelix/PyTorch-Face-Generator-SRResNet-based-ACGAN-DRAGAN and
github.com/CirQ/AnimeNet), the attributes those of the authors' web page.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.random import CounterStream
from keras_gans.layers import BatchNormalization, PixelShuffle

# The authors' first model: 13 hair colours, 5 hair styles, 6 others, 10 eye colours.
CHARACTER_ATTRIBUTES = (
    *("blonde hair", "brown hair", "black hair", "blue hair", "pink hair"),
    *("purple hair", "green hair", "red hair", "silver hair", "white hair"),
    *("orange hair", "aqua hair", "grey hair"),
    *("long hair", "short hair", "twin tail", "drill hair", "ponytail"),
    *("blush", "smile", "open mouth", "hat", "ribbon", "glasses"),
    *("blue eyes", "red eyes", "brown eyes", "green eyes", "purple eyes"),
    *("yellow eyes", "pink eyes", "aqua eyes", "black eyes", "orange eyes"),
)
_HAIR_COLOURS, _EYE_COLOURS = 13, 10
# Of the hair styles and the six others, in their order.
_CHANCES = (*(0.25,) * 5, 0.6, 0.6, 0.25, 0.045, 0.3, 0.054)


@keras.saving.register_keras_serializable("keras_gans")
class AnimeGAN(AdversarialModel):
    """A generator that is told attributes, a discriminator that recognises them.

    The discriminator minimises lambda_adv (E sp(-D(x)) + E sp(D(G(z, a')))) +
    H(x, a) + H(G(z, a'), a') + lambda_gp E (||grad D(x_hat)||_2 - 1)^2; the generator
    lambda_adv E sp(-D(G(z, a'))) + H(G(z, a'), a'). H is the cross-entropy of the
    second head's logits l with the attributes a, E sum_j sp(l_j) - a_j l_j; x_hat =
    x + alpha std(X) U / 2 lies around the data (DRAGAN). a' are attributes drawn for
    the fakes, and sp(t) = log(1 + e^t).

    The paper sums H over the attributes, which is why lambda_adv is their number; the
    re-implementations average it (`attribute_reduction="mean"`) and so weigh it that
    many times less. Differs from the paper: the rate stays at 2e-4, whose decay after
    50,000 iterations it does not quantify; pass a schedule to `compile`.

    Args:
        image_shape: `(height, width, channels)`, a square of 2^n pixels, n >= 3.
        latent_dim: Length of z ~ N(0, 1); 128.
        num_attributes: Length of the vectors of attributes; `None` for 34, unless
            there are classes.
        num_classes: Number of classes, for data with integer labels instead of
            attributes: each class is an attribute, of which an image has one.
        base_channels: Channels of the generator; 64.
        discriminator_channels: Channels of the discriminator at half resolution; they
            double with each halving. 32.
        residual_blocks: Residual blocks of the generator; 16.
        discriminator_blocks: Residual blocks of each of the discriminator's stages; 2.
        upsamplings: Doublings after the residual blocks, which work at the image's
            size divided by 2^upsamplings; 3.
        fake_attributes: Where those of the fakes come from: `"batch"`, the real
            batch, or `"character"`, drawn as the authors' web page does (see
            `draw_attributes`). `None` for `"character"` with 34 attributes, else
            `"batch"`.
        attribute_reduction: `"sum"` over the attributes, or `"mean"`.
        adversarial_weight: lambda_adv; `None` for the number of attributes.
        penalty_weight: lambda_gp; 0.5.
        generator: Your own `keras.Model` from `(latents, attributes)`, with classes
            `(latents, labels)`, to images in [-1, 1].
        discriminator: Your own from images to logits `(batch, 1)` and logits of the
            attributes `(batch, num_attributes)`; without batch normalisation.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, attributes)`; images uint8 or floats in [-1, 1], attributes 0
    or 1 in rows of `num_attributes`. With `num_classes` `(images, labels)`.

    Logs: `discriminator_loss` and `generator_loss` (times lambda_adv),
    `attribute_loss` (of reals and fakes), `generator_attribute_loss`,
    `gradient_penalty` (times its weight).

    Raises:
        ValueError: for an image shape that the networks cannot make, attributes and
            classes at once, or an unknown option.

    Example:

    >>> gan = AnimeGAN(image_shape=(128, 128, 3))
    >>> gan.compile()
    >>> gan.fit(images, attributes, batch_size=64, epochs=100)
    >>> characters = gan.sample(16, labels=attributes[:16])

    Reference: arXiv 1708.05509, section 4; arXiv 1705.07215 (DRAGAN).
    """

    reports = (
        "discriminator_loss",
        "attribute_loss",
        "gradient_penalty",
        "generator_loss",
        "generator_attribute_loss",
    )

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_dim=128,
        num_attributes=None,
        num_classes=None,
        base_channels=64,
        discriminator_channels=32,
        residual_blocks=16,
        discriminator_blocks=2,
        upsamplings=3,
        fake_attributes=None,
        attribute_reduction="sum",
        adversarial_weight=None,
        penalty_weight=0.5,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.num_attributes = num_attributes
        self.base_channels = base_channels
        self.discriminator_channels = discriminator_channels
        self.residual_blocks = residual_blocks
        self.discriminator_blocks = discriminator_blocks
        self.upsamplings = upsamplings
        self.fake_attributes = fake_attributes
        self.attribute_reduction = attribute_reduction
        self.adversarial_weight = adversarial_weight
        self.penalty_weight = penalty_weight
        self.attribute_count = self._count_attributes()
        self.label_width = self.attribute_count if num_classes is None else None
        build = self._paper_networks()
        self.set_networks(
            discriminator=discriminator or build["discriminator"],
            generator=generator or build["generator"],
        )

    def _count_attributes(self):
        if self.num_attributes is not None and self.num_classes is not None:
            raise ValueError("Give num_attributes or num_classes, not both.")
        if self.attribute_reduction not in ("sum", "mean"):
            raise ValueError(
                "attribute_reduction is 'sum' or 'mean'. Found: "
                f"{self.attribute_reduction!r}."
            )
        if self.fake_attributes not in (None, "batch", "character"):
            raise ValueError(
                "fake_attributes is None, 'batch' or 'character'. Found: "
                f"{self.fake_attributes!r}."
            )
        count = self.num_classes or self.num_attributes or len(CHARACTER_ATTRIBUTES)
        of_characters = self.num_classes is None and count == len(CHARACTER_ATTRIBUTES)
        if self.fake_attributes == "character" and not of_characters:
            raise ValueError(
                f"Characters have {len(CHARACTER_ATTRIBUTES)} attributes, no classes: "
                "leave fake_attributes at None."
            )
        self.draws_characters = of_characters and self.fake_attributes != "batch"
        return count

    def _paper_networks(self):
        shape, count = self.image_shape, self.attribute_count
        return {
            "discriminator": lambda: build_discriminator(
                shape, count, self.discriminator_channels, self.discriminator_blocks
            ),
            "generator": lambda: build_generator(
                shape,
                self.latent_dim,
                count,
                self.num_classes is not None,
                self.base_channels,
                self.residual_blocks,
                self.upsamplings,
            ),
        }

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players."""
        return {player: pytorch_adam() for player in self.players}

    def default_labels(self, num_images):
        """The labels of `sample` when none are given.

        Characters are drawn, always the same ones; other attributes, and classes, are
        taken in turn.
        """
        if not self.draws_characters:
            return super().default_labels(num_images)
        return ops.convert_to_numpy(draw_attributes(num_images, CounterStream(0)))

    def labels_of_fakes(self, labels):
        """What the fakes are to show, in the form of the real batch's `labels`."""
        if not self.draws_characters:
            return labels
        return draw_attributes(ops.shape(labels)[0], self.seeds)

    def train_step(self, data):
        """One penalised update of the discriminator, then one of the generator."""
        real, labels = self.unpack(data)
        discriminator = self.in_training("discriminator")
        precise = self.in_training("discriminator", in_float32=True)
        fake, wished = self.generate((real, self.labels_of_fakes(labels)), True)
        around = losses.perturb(real, self.seeds)

        def discriminator_losses():
            real_score, seen_in_real = discriminator(real, is_real=True)
            fake_score, seen_in_fake = discriminator(fake)
            game = losses.non_saturating.discriminator(real_score, fake_score)
            slopes = losses.gradient_penalty(lambda x: precise(x)[0], around)
            return {
                "discriminator_loss": self._adversarial_weight * game,
                "attribute_loss": self._attribute_loss(seen_in_real, labels)
                + self._attribute_loss(seen_in_fake, wished),
                "gradient_penalty": self.penalty_weight * slopes,
            }

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            fake, wished = self.generate((real, self.labels_of_fakes(labels)), True)
            score, seen = discriminator(fake)
            game = losses.non_saturating.generator(score)
            return {
                "generator_loss": self._adversarial_weight * game,
                "generator_attribute_loss": self._attribute_loss(seen, wished),
            }

        self.update("generator", generator_losses)
        return self.logs()

    @property
    def _adversarial_weight(self):
        if self.adversarial_weight is None:
            return self.attribute_count
        return self.adversarial_weight

    def _attribute_loss(self, logits, labels):
        # Cross-entropy of independent attributes: sp(l) - a l.
        if self.num_classes is not None:
            labels = ops.one_hot(labels, self.num_classes)
        entropy = ops.softplus(logits) - labels * logits
        reduced = ops.sum if self.attribute_reduction == "sum" else ops.mean
        return ops.mean(reduced(entropy, axis=-1))


def draw_attributes(num, stream):
    """Attributes of characters, with the chances of the authors' web page.

    One hair colour and one eye colour, each as likely as the others; each hair style
    with a chance of 0.25, blush and smile 0.6, an open mouth 0.25, a hat 0.045, a
    ribbon 0.3, glasses 0.054.

    Args:
        num: Number of characters; integer or scalar tensor.
        stream: A stream with a `uniform(shape)` method, such as `self.seeds`.

    Returns:
        float32 tensor `(num, 34)` of 0 and 1, in the order of `CHARACTER_ATTRIBUTES`.
    """
    unit = stream.uniform((num, 2 + len(_CHANCES)))
    others = unit[:, 2:] < np.array(_CHANCES, "float32")
    hair, eyes = _one_of(_HAIR_COLOURS, unit[:, 0]), _one_of(_EYE_COLOURS, unit[:, 1])
    return ops.concatenate([hair, ops.cast(others, "float32"), eyes], axis=1)


def _one_of(count, unit):
    chosen = ops.minimum(ops.cast(unit * count, "int32"), count - 1)
    return ops.one_hot(chosen, count, dtype="float32")


def build_generator(
    image_shape,
    latent_dim,
    num_attributes,
    has_classes,
    base_channels,
    residual_blocks,
    upsamplings,
):
    """(z, a) -> coarse map -> residual blocks -> sub-pixel convolutions -> image."""
    coarse = _size(image_shape) // 2**upsamplings
    if coarse < 1:
        raise ValueError(f"{image_shape} cannot be halved {upsamplings} times.")
    latents = keras.Input((latent_dim,), name="latents")
    if has_classes:
        labels = keras.Input((), dtype="int32", name="labels")
        attributes = ops.one_hot(labels, num_attributes)
    else:
        labels = attributes = keras.Input((num_attributes,), name="labels")
    x = layers.Concatenate(name="joined")([latents, attributes])
    x = layers.Dense(base_channels * coarse**2, name="project", **_weights())(x)
    x = layers.Reshape((coarse, coarse, base_channels), name="coarse_map")(x)
    x = start = layers.ReLU()(_batch_norm("project_norm")(x))
    for i in range(residual_blocks):
        x = _normalised_residual(x, base_channels, f"block_{i}")
    x = layers.ReLU()(_batch_norm("body_norm")(x))
    x = layers.Add(name="body")([x, start])
    for i in range(upsamplings):
        x = _conv(4 * base_channels, 3, f"up_{i}_conv")(x)
        x = PixelShuffle(2, name=f"up_{i}")(x)
        x = layers.ReLU()(_batch_norm(f"up_{i}_norm")(x))
    x = _conv(image_shape[-1], 9, "to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def build_discriminator(image_shape, num_attributes, base_channels, residual_blocks):
    """Image -> residual stages, halved to 2x2 -> a logit, and one per attribute."""
    stages, channels = int(math.log2(_size(image_shape))) - 2, base_channels
    images = keras.Input(image_shape, name="images")
    x = _activated(_conv(channels, 4, "down_0", strides=2)(images))
    for i in range(stages):
        for j in range(residual_blocks):
            x = _residual(x, channels, f"stage_{i}_block_{j}")
        channels *= 2
        x = _activated(_conv(channels, 4, f"down_{i + 1}", strides=2)(x))
    x = layers.Flatten(name="flat")(x)
    logits = layers.Dense(1, dtype="float32", name="score", **_weights())(x)
    attributes = layers.Dense(
        num_attributes, dtype="float32", name="attributes", **_weights()
    )(x)
    return keras.Model(images, (logits, attributes), name="discriminator")


def _normalised_residual(x, channels, name):
    # Nothing follows the sum, as in SRResNet.
    skip = x
    x = _batch_norm(f"{name}_norm_0")(_conv(channels, 3, f"{name}_conv_0")(x))
    x = _conv(channels, 3, f"{name}_conv_1")(layers.ReLU()(x))
    return layers.Add(name=name)([skip, _batch_norm(f"{name}_norm_1")(x)])


def _residual(x, channels, name):
    skip = x
    x = _activated(_conv(channels, 3, f"{name}_conv_0")(x))
    x = _conv(channels, 3, f"{name}_conv_1")(x)
    return _activated(layers.Add(name=name)([skip, x]))


def _activated(x):
    return layers.LeakyReLU(0.2)(x)


def _conv(channels, kernel, name, strides=1):
    return layers.Conv2D(
        channels, kernel, strides, padding="same", name=name, **_weights()
    )


def _batch_norm(name):
    scale = keras.initializers.RandomNormal(mean=1.0, stddev=0.02)
    return BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=scale, name=name
    )


def _weights():
    return {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.02)}


def _size(image_shape):
    size = image_shape[0]
    if len(image_shape) == 3 and image_shape[1] == size and size in _SIZES:
        return size
    raise ValueError(
        "These networks make square images of 8, 16, 32, 64, 128 ... pixels. Found "
        f"the shape {tuple(image_shape)}: resize the images."
    )


_SIZES = tuple(2**n for n in range(3, 13))
