"""The systems StackGAN-v2: images of all scales at once, of texts or of none."""

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.choices import check_choice
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.pixels import shrunk
from keras_gans.core.precision import as_float32
from keras_gans.core.text_conditioned import TextConditioned
from keras_gans.losses.likelihood import divergence_from_normal
from keras_gans.models.stackgan.blocks import check_shapes
from keras_gans.models.stackgan.system import CONDITIONINGS
from keras_gans.models.stackgan.tree_networks import (
    build_tree_discriminator,
    build_tree_generator,
    sides_of,
)


class Tree(AdversarialModel):
    """What both StackGAN-v2 share: images of several scales, and who judges them.

    The largest images are those of `sample`, and real ones are made smaller by means
    over squares of pixels.
    """

    reports = ("discriminator_loss", "generator_loss")

    def _keep(
        self,
        image_shape,
        scales,
        noise_dim,
        base_channels,
        discriminator_channels,
        residual_blocks,
    ):
        if len(image_shape) != 3 or image_shape[0] != image_shape[1]:
            raise ValueError(
                "image_shape is (side, side, channels), of squares. Found: "
                f"{tuple(image_shape)}."
            )
        self.sides = tuple(sides_of(image_shape, scales))
        self.scales = scales
        self.noise_dim = noise_dim
        self.base_channels = base_channels
        self.discriminator_channels = discriminator_channels
        self.residual_blocks = residual_blocks

    def _generator_of(self, text_dim, condition_dim):
        return build_tree_generator(
            self.image_shape,
            self.scales,
            self.noise_dim,
            text_dim,
            condition_dim,
            self.base_channels,
            self.residual_blocks,
        )

    def _discriminator_of(self, condition_dim):
        return build_tree_discriminator(
            self.image_shape, self.scales, condition_dim, self.discriminator_channels
        )

    @property
    def image_shapes(self):
        """Shapes of the images of all scales."""
        return [(side, side, self.image_shape[-1]) for side in self.sides]

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players."""
        return {player: pytorch_adam() for player in self.players}

    def pyramid(self, images):
        """Real images at all scales, rising."""
        return [shrunk(images, self.image_shape[0] // side) for side in self.sides]

    def _augmented(self, inputs):
        images, others = inputs[: self.scales], inputs[self.scales :]
        return (*(self.augmentation(x, seeds=self.seeds) for x in images), *others)


@keras.saving.register_keras_serializable("keras_gans")
class StackGANv2(TextConditioned, Tree):
    """A text becomes images of several scales, each judged by a network of its own.

    The generator is a tree: from the map behind the images of one scale that of twice
    the side is made, together with the text's condition c = m + s e, e ~ N(0, 1). Each
    scale's discriminator says D(x, m), whether an image is real and of a text, and
    D(x), whether it is real at all. With sp(t) = log(1 + e^t), m' of another image's
    text, and sums over scales, the discriminators minimise

    E sp(-D(x, m)) + E sp(D(x, m')) + E sp(D(G, m))
    + mu (E sp(-D(x)) + E sp(-D(x)) + E sp(D(G))),

    for images beside a wrong text are real images, and the generator

    E sp(-D(G, m)) + mu E sp(-D(G)) + lambda mean_d KL(N(m, s^2) || N(0, 1)).

    No gradient of the discriminators' reaches m. All of them are one player, which
    moves them as each optimizer of its own would.

    Args:
        image_shape: `(side, side, channels)` of the largest images, sides 8, 16, 32 ...
        scales: Number of scales, each of twice the side of the one before; 3.
        noise_dim: Length of z ~ N(0, 1); 100.
        text_dim: Length of a text vector; 1024.
        condition_dim: Length of c; 128. Latents are z and e, side by side:
            `latent_dim` is `noise_dim + condition_dim`.
        base_channels: Of the generator's map at the smallest scale; 64.
        discriminator_channels: At half the side; 64.
        residual_blocks: Before each scale but the first; 2.
        conditioning: What is sampled from: `"sampled"`, c; or `"mean"`, m.
        divergence_weight: lambda; 2.
        unconditional_weight: mu; 1.
        text_encoder: See `TextConditioned`, like the next two.
        captions_per_image: 1.
        prompts: Texts.
        generator: Your own `keras.Model` from `[z, e, t]` to the images of all scales,
            rising, then m and log s^2.
        discriminator: Your own from the images of all scales and m to logits
            `(batch, 1)`: with and without m of the first scale, then of the next.
        ema_decay: Decay of a moving average of the generator, used for sampling; 0.999.
        seed: Integer from which all random numbers follow.
        **kwargs: For `AdversarialModel`: `augmentation`.

    Trains on: `(images, texts)`, images of the largest scale; see `TextConditioned`.

    Logs: `discriminator_loss`, `generator_loss`, sums over scales, and
    `divergence_loss` (times lambda).

    Raises:
        ValueError: for an image shape or scales that the networks cannot make, or an
            unknown conditioning.

    Example:

    >>> gan = StackGANv2(image_shape=(256, 256, 3), text_dim=1024)
    >>> gan.compile()
    >>> gan.fit(images, text_vectors, batch_size=24, epochs=600)
    >>> birds = gan.sample(16, seed=7, labels=other_vectors)

    Reference: arXiv 1710.10916, section 4.
    """

    reports = (*Tree.reports, "divergence_loss")

    def __init__(
        self,
        image_shape=(256, 256, 3),
        scales=3,
        noise_dim=100,
        text_dim=1024,
        condition_dim=128,
        base_channels=64,
        discriminator_channels=64,
        residual_blocks=2,
        conditioning="sampled",
        divergence_weight=2.0,
        unconditional_weight=1.0,
        text_encoder=None,
        captions_per_image=1,
        prompts=None,
        generator=None,
        discriminator=None,
        ema_decay=0.999,
        seed=0,
        **kwargs,
    ):
        check_choice("conditioning", conditioning, CONDITIONINGS)
        latent_dim = noise_dim + condition_dim
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        widths = (base_channels, discriminator_channels, residual_blocks)
        self._keep(image_shape, scales, noise_dim, *widths)
        self.condition_dim = condition_dim
        self.conditioning = conditioning
        self.divergence_weight = divergence_weight
        self.unconditional_weight = unconditional_weight
        self.set_text_networks(
            text_dim,
            text_encoder,
            captions_per_image,
            prompts,
            discriminator=discriminator
            or (lambda: self._discriminator_of(condition_dim)),
            generator=generator
            or (lambda: self._generator_of(text_dim, condition_dim)),
        )

    def check_network(self, name, network):
        """Checks the shapes of the generator, and of the encoder of texts."""
        if name == "text_encoder":
            super().check_network(name, network)
        elif name == "generator":
            condition = (self.condition_dim,)
            inputs = [(self.noise_dim,), condition, (self.text_dim,)]
            made = [*self.image_shapes, condition, condition]
            check_shapes(network, inputs, made)

    def train_step(self, data):
        """One update of all discriminators, then one of the generator."""
        images, texts, classes = self.unpack(data)
        real = self.pyramid(images)
        latents = self.draw_latents(ops.shape(texts)[0], self.seeds)

        def generator_losses():
            given = (*self._parts(latents), texts)
            *fakes, mean, log_variance = self.in_training("generator")(given)
            judge = self.in_training("discriminator")
            held = [ops.stop_gradient(fake) for fake in fakes]
            code = ops.stop_gradient(mean)

            def discriminator_losses():
                # Three calls: their batch statistics must not mix.
                right = judge((*real, code), is_real=True)
                _, other, weights = self.mismatched(images, code, classes, "text")
                wrong = judge((*real, other))
                scores = (right, wrong, judge((*held, code)))
                loss = discriminator_loss(*scores, self.unconditional_weight, weights)
                return {"discriminator_loss": loss}

            self.update("discriminator", discriminator_losses)
            divergence = ops.mean(divergence_from_normal(mean, log_variance))
            weight = self.divergence_weight / self.condition_dim
            scores = judge((*fakes, code))
            return {
                "generator_loss": generator_loss(scores, self.unconditional_weight),
                "divergence_loss": weight * divergence,
            }

        self.update("generator", generator_losses)
        return self.logs()

    def _parts(self, latents):
        return ops.split(latents, [self.noise_dim], axis=-1)

    def call(self, inputs, training=None):
        """The largest images; see `images_at_all_scales`."""
        return self.images_at_all_scales(inputs, training)[-1]

    def images_at_all_scales(self, inputs, training=None):
        """Images of all scales, rising.

        Args:
            inputs: `(latents, texts)`: z and e side by side, `(batch, latent_dim)`, and
                vectors `(batch, text_dim)`.
            training: Whether the network runs in training mode.

        Returns:
            List of float32 tensors in [-1, 1].
        """
        latents, texts = map(ops.convert_to_tensor, inputs)
        z, noise = self._parts(latents)
        if self.conditioning == "mean":
            noise = ops.zeros_like(noise)
        made = self.sampler((z, noise, texts), training=bool(training))
        return as_float32(made[: self.scales])


@keras.saving.register_keras_serializable("keras_gans")
class StackGANv2Unconditional(Tree):
    """Images of several scales of one latent, kept alike in their colors.

    The generator is the tree of `StackGANv2`, with z in the place of the text's
    condition. With sp(t) = log(1 + e^t) and sums over scales i, the discriminators
    minimise E sp(-D_i(x_i)) + E sp(D_i(G_i)), the generator

    E sp(-D_i(G_i)) + alpha (E |mean G_i - mean G_{i-1}|^2 / 3
    + 5 E |cov G_i - cov G_{i-1}|^2 / 9),

    with the means and covariances of an image's colors; no gradient goes to the smaller
    image there.

    Args:
        image_shape: `(side, side, channels)` of the largest images, sides 8, 16, 32 ...
        scales: Number of scales, each of twice the side of the one before; 3.
        latent_dim: Length of z ~ N(0, 1); 100.
        base_channels: Of the generator's map at the smallest scale; 64.
        discriminator_channels: At half the side; 64.
        residual_blocks: Before each scale but the first; 2.
        color_weight: alpha; 50.
        generator: Your own `keras.Model` from z to the list of images of all scales,
            rising.
        discriminator: Your own from these images to one tensor of logits `(batch, 1)`
            for each.
        ema_decay: Decay of a moving average of the generator, used for sampling; 0.999.
        seed: Integer from which all random numbers follow.
        **kwargs: For `AdversarialModel`: `augmentation`.

    Trains on: images of the largest scale, uint8 or floats in [-1, 1]; labels in the
    data are ignored.

    Logs: `discriminator_loss`, `generator_loss`, sums over scales, and `color_loss`
    (times alpha).

    Raises:
        ValueError: for an image shape or scales that the networks cannot make.

    Example:

    >>> gan = StackGANv2Unconditional(image_shape=(256, 256, 3))
    >>> gan.compile()
    >>> gan.fit(images, batch_size=24, epochs=600)

    Reference: arXiv 1710.10916, section 4.3.
    """

    reports = (*Tree.reports, "color_loss")

    def __init__(
        self,
        image_shape=(256, 256, 3),
        scales=3,
        latent_dim=100,
        base_channels=64,
        discriminator_channels=64,
        residual_blocks=2,
        color_weight=50.0,
        generator=None,
        discriminator=None,
        ema_decay=0.999,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        widths = (base_channels, discriminator_channels, residual_blocks)
        self._keep(image_shape, scales, latent_dim, *widths)
        self.color_weight = color_weight
        self.set_networks(
            discriminator=discriminator or (lambda: self._discriminator_of(None)),
            generator=generator or (lambda: self._generator_of(None, None)),
        )

    def check_network(self, name, network):
        """Checks the shapes of the generator."""
        if name == "generator":
            check_shapes(network, [(self.latent_dim,)], self.image_shapes)

    def train_step(self, data):
        """One update of all discriminators, then one of the generator."""
        images = self.unpack(data)
        real = self.pyramid(images)
        latents = self.draw_latents(ops.shape(images)[0], self.seeds)

        def generator_losses():
            fakes = keras.tree.flatten(self.in_training("generator")(latents))
            judge = self.in_training("discriminator")
            held = [ops.stop_gradient(fake) for fake in fakes]

            def discriminator_losses():
                # Two calls: batch statistics of real and fake must not mix.
                scores = judge(real, is_real=True), judge(held)
                pairs = zip(*map(keras.tree.flatten, scores), strict=True)
                game = losses.non_saturating.discriminator
                return {"discriminator_loss": sum(game(*pair) for pair in pairs)}

            self.update("discriminator", discriminator_losses)
            scores = keras.tree.flatten(judge(fakes))
            distances = map(losses.color_consistency, fakes[1:], fakes)
            return {
                "generator_loss": sum(map(losses.non_saturating.generator, scores)),
                "color_loss": self.color_weight * sum(distances, ops.zeros(())),
            }

        self.update("generator", generator_losses)
        return self.logs()

    def call(self, inputs, training=None):
        """The largest images; see `images_at_all_scales`."""
        return self.images_at_all_scales(inputs, training)[-1]

    def images_at_all_scales(self, inputs, training=None):
        """Images of all scales, rising.

        Args:
            inputs: Latents `(batch, latent_dim)`.
            training: Whether the network runs in training mode.

        Returns:
            List of float32 tensors in [-1, 1].
        """
        made = self.sampler(inputs, training=bool(training))
        return as_float32(keras.tree.flatten(made))


def discriminator_loss(right, wrong, fake, unconditional_weight=1.0, weights=1.0):
    """What the discriminators of `StackGANv2` minimise, summed over scales.

    Args:
        right: Logits of real images beside their texts: of each scale the conditional
            ones and the unconditional ones, `(batch, 1)` each.
        wrong: Of real images beside other texts.
        fake: Of fakes.
        unconditional_weight: mu.
        weights: Of the wrong pairs, `(batch,)`.
    """
    says_real = losses.non_saturating.generator
    total = 0.0
    for real, other, made in zip(right[::2], wrong[::2], fake[::2], strict=True):
        mismatch = weights * ops.softplus(ops.reshape(other, (-1,)))
        total += says_real(real) + ops.mean(mismatch) + says_real(-made)
    for real, other, made in zip(right[1::2], wrong[1::2], fake[1::2], strict=True):
        alone = says_real(real) + says_real(other) + says_real(-made)
        total += unconditional_weight * alone
    return total


def generator_loss(fake, unconditional_weight=1.0):
    """E sp(-D(G, m)) + mu E sp(-D(G)), summed over scales."""
    says_real = losses.non_saturating.generator
    alone = sum(says_real(scores) for scores in fake[1::2])
    return sum(says_real(scores) for scores in fake[::2]) + unconditional_weight * alone
