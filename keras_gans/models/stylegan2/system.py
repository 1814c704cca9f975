"""StyleGAN2: styles scale the weights of convolutions, and paths are kept even.

Karras et al. 2019, arXiv 1912.04958. Networks and training are those of the authors'
second code (github.com/NVlabs/stylegan2-ada-pytorch), whose configurations these are.
"""

import math

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core import gradients, precision
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.models.style_based import StyleBased, check_parts
from keras_gans.models.stylegan2.configurations import defaults_of
from keras_gans.models.stylegan2.networks import (
    build_discriminator,
    build_generator,
    side_of,
)


@keras.saving.register_keras_serializable("keras_gans")
class StyleGAN2(StyleBased, AdversarialModel):
    """A mapping to styles, a synthesis that they modulate, and lazy regularisers.

    The generator minimises E sp(-D(G(z))), the discriminator E sp(-D(x)) +
    E sp(D(G(z))). Every fourth step the generator also minimises the spread of path
    lengths, 4 * w * E (|J^T y| - a)^2, where J is the Jacobian of the image with
    respect to the styles, y a random image and a the moving mean of the lengths; every
    sixteenth step the discriminator minimises R1, 16 * gamma / 2 * E ||grad D(x)||^2.
    These are updates of their own, by the same optimizers, whose rates and betas allow
    for them. With classes both networks are conditional, as in StyleGAN2-ADA.

    Gradients that are not finite are not replaced by numbers, as the reference does.

    Args:
        image_shape: `(side, side, channels)`, the side 8, 16, 32 ...; 1024.
        latent_dim: Length of z ~ N(0, 1); 512.
        num_classes: Number of classes, or `None`.
        config: What the arguments that are `None` become: `"stylegan2"` (the paper's
            configuration F), `"paper256"`, `"paper512"`, `"paper1024"`, `"cifar"`, or
            `"auto"`, which derives them from side and batch.
        style_dim: Length of w; 512.
        channel_base: Channels of a map times its side; 32768, or 16384.
        max_channels: Largest number of channels; 512.
        mapping_layers: Layers of the generator's mapping; 8, or 2.
        discriminator_architecture: `"resnet"`, or `"orig"` without shortcuts.
        group_size: Samples in a group of the minibatch standard deviation.
        learning_rate: Of Adam, before the correction for lazy updates.
        r1_weight: gamma; in `"auto"` 0.0002 * side^2 / batch.
        path_length_weight: w; 0 leaves the regulariser out.
        style_mixing: Probability that a batch of fakes mixes two styles.
        half_life: Images after which the moving average has forgotten half.
        ramp_up: The half-life is at most this share of the images seen; `None` for no
            such limit.
        generator_interval: Steps between path-length updates; 4.
        discriminator_interval: Steps between R1 updates; 16.
        path_length_decay: Weight of a batch in a; 0.01.
        path_length_batch_shrink: Path lengths are taken of a batch this many times
            smaller; 2.
        noise_mode_in_training: `"random"`, or `"const"` for the noise of inference.
        generator: Your own `keras.Model` with layers `mapping`, `styles` and
            `synthesis`, from latents, or `(latents, labels)`, to images.
        discriminator: Your own from images, or `(images, labels)`, to scores
            `(batch, 1)`.
        ema_decay: Fixed decay of the moving average that is used for sampling; `None`
            for the half-life's.
        seed: Integer from which all random numbers follow.
        **kwargs: For `AdversarialModel`: `augmentation`.

    Trains on: images, uint8 or floats in [-1, 1]; with classes `(images, labels)`.
    Fakes take their classes from the batch.

    Logs: `generator_loss`, `path_length_penalty`, `discriminator_loss`, `r1_penalty`;
    the penalties as they are minimised, in the steps where they are due.

    Raises:
        ValueError: for an image shape or configuration that does not exist.

    Example:

    >>> gan = StyleGAN2((32, 32, 1), 128, config="auto", style_dim=128,
    ...                 channel_base=1024, max_channels=128)
    >>> gan.compile()
    >>> gan.fit(images, batch_size=32, epochs=20)
    >>> typical = gan.sample(16, seed=1, truncation=0.7)

    Reference: arXiv 1912.04958, sections 2.2, 3.1 and 3.2, appendix B.
    """

    reports = (
        "generator_loss",
        "path_length_penalty",
        "discriminator_loss",
        "r1_penalty",
    )
    stage_counter = "iterations"

    def __init__(
        self,
        image_shape=(1024, 1024, 3),
        latent_dim=512,
        num_classes=None,
        config="stylegan2",
        style_dim=512,
        channel_base=None,
        max_channels=512,
        mapping_layers=None,
        discriminator_architecture=None,
        group_size=None,
        learning_rate=None,
        r1_weight=None,
        path_length_weight=None,
        style_mixing=None,
        half_life=None,
        ramp_up=None,
        generator_interval=4,
        discriminator_interval=16,
        path_length_decay=0.01,
        path_length_batch_shrink=2,
        noise_mode_in_training="random",
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.config = config
        given = {
            "channel_base": channel_base,
            "mapping_layers": mapping_layers,
            "discriminator_architecture": discriminator_architecture,
            "group_size": group_size,
            "learning_rate": learning_rate,
            "r1_weight": r1_weight,
            "path_length_weight": path_length_weight,
            "style_mixing": style_mixing,
            "half_life": half_life,
            "ramp_up": ramp_up,
        }
        for name, default in defaults_of(config, side_of(image_shape)).items():
            setattr(self, name, default if given[name] is None else given[name])
        self.style_dim = style_dim
        self.max_channels = max_channels
        self.generator_interval = generator_interval
        self.discriminator_interval = discriminator_interval
        self.path_length_decay = path_length_decay
        self.path_length_batch_shrink = path_length_batch_shrink
        self.noise_mode_in_training = noise_mode_in_training
        self.set_networks(
            discriminator=discriminator or self._build_discriminator,
            generator=generator or self._build_generator,
        )
        check_parts(self.generator)
        self.iterations = self.counter("iterations")
        self.path_length = self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name="path_length",
        )

    def _build_generator(self):
        return build_generator(
            self.image_shape,
            self.latent_dim,
            self.style_dim,
            self.num_classes,
            self.mapping_layers,
            self.channel_base,
            self.max_channels,
            self.noise_mode_in_training,
        )

    def _build_discriminator(self):
        return build_discriminator(
            self.image_shape,
            self.num_classes,
            self.channel_base,
            self.max_channels,
            self.discriminator_architecture,
            self.group_size,
        )

    def default_optimizers(self):
        """Adam with betas (0, 0.99), corrected for k main updates per lazy one.

        With c = k / (k + 1) the rate is multiplied by c and the betas are raised to
        its power, so that both updates together move as one would (appendix B).
        """
        intervals = {
            "discriminator": self.discriminator_interval,
            "generator": self.generator_interval,
        }
        return {
            player: _lazy_adam(self.learning_rate, interval / (interval + 1))
            for player, interval in intervals.items()
        }

    def stage_at(self, count):
        """Whether path lengths and R1 are due in step `count`."""
        paths_due = self.path_length_weight and count % self.generator_interval == 0
        slopes_due = self.r1_weight != 0 and count % self.discriminator_interval == 0
        return bool(paths_due), bool(slopes_due)

    def train_step(self, data):
        """Generator, its regulariser, discriminator, its regulariser, average.

        First the latents of all four updates are drawn, in that order and whether or
        not they are due, then what each update draws for itself.
        """
        real, *labels = keras.tree.flatten(self.unpack(data))
        paths_due, slopes_due = self.stage
        count = ops.shape(real)[0]
        latents = [self.draw_latents(count, self.seeds) for _ in range(4)]
        self.note_batch(real)
        game, judge = losses.non_saturating, self.in_training("discriminator")

        def generator_losses():
            fake = self.fakes_of(latents[0], labels)
            return {"generator_loss": game.generator(judge(_joined(fake, labels)))}

        self.update("generator", generator_losses, follow=False)
        if paths_due:
            self.update(
                "generator", lambda: self.path_losses(latents[1], labels), follow=False
            )
        fake = self.fakes_of(latents[2], labels)

        def discriminator_losses():
            fake_scores = judge(_joined(fake, labels))
            real_scores = judge(_joined(real, labels), is_real=True)
            loss = game.discriminator(real_scores, fake_scores)
            return {"discriminator_loss": loss}

        self.update("discriminator", discriminator_losses)
        if slopes_due:
            self.update("discriminator", lambda: self.slope_losses(real, labels))
        self.follow_average()
        self.advance(self.iterations)
        return self.logs()

    def call(self, inputs, training=None):
        """As in `AdversarialModel`; linear outputs are clipped to [-1, 1]."""
        return ops.clip(super().call(inputs, training), -1.0, 1.0)

    def fakes_of(self, latents, labels):
        """Images of the generator in training, with mixed styles."""
        styles = self.styles_in_training(_joined(latents, labels))
        return self.synthesize_in_training(styles)

    def path_losses(self, latents, labels):
        """E (|J^T y| - a)^2, weighted, with a moved before it is used (eq. 4).

        y ~ N(0, 1) / side, so that lengths do not depend on the size of the image.
        """
        # Rounded up, so that one sample remains of one.
        count = -(-ops.shape(latents)[0] // self.path_length_batch_shrink)
        styles = self.styles_in_training(
            _joined(latents[:count], [label[:count] for label in labels])
        )
        noise = self.seeds.normal((count, *self.image_shape))
        noise = noise / math.sqrt(math.prod(self.image_shape[:2]))

        def projection(styles):
            return ops.sum(self.synthesize_in_training(styles) * noise, axis=(1, 2, 3))

        with precision.in_float32(self.generator):
            slopes = gradients.input_gradient(projection, styles)
        squares = ops.mean(ops.sum(ops.square(slopes), axis=2), axis=1)
        # The square root has no finite gradient where a path does not move at all.
        lengths = ops.sqrt(squares + 1e-12)
        mean = gradients.mean_over_replicas(ops.mean(lengths))
        target = self.path_length + self.path_length_decay * (mean - self.path_length)
        if not self.evaluating:
            self.path_length.assign(ops.stop_gradient(target))
        penalty = ops.mean(ops.square(lengths - target))
        weight = self.path_length_weight * self.generator_interval
        return {"path_length_penalty": weight * penalty}

    def slope_losses(self, real, labels):
        """R1 at real images before their augmentation, weighted."""
        judge = self.in_training("discriminator", in_float32=True)
        slopes = losses.zero_centered_penalty(
            lambda images: judge(_joined(images, labels), is_real=True), real
        )
        weight = self.r1_weight
        if weight is None:
            images = ops.cast(self._images_in_step, "float32")
            weight = 0.0002 * self.image_shape[0] ** 2 / images
        return {"r1_penalty": self.discriminator_interval * weight / 2 * slopes}


def _lazy_adam(rate, ratio):
    beta_2 = 0.99**ratio
    # PyTorch's 1e-8, which it adds to the corrected second moment.
    epsilon = 1e-8 * math.sqrt(1.0 - beta_2)
    return keras.optimizers.Adam(rate * ratio, 0.0, beta_2, epsilon=epsilon)


def _joined(values, labels):
    # A network with one input takes a tensor, one with two takes a tuple.
    return (values, *labels) if labels else values
