"""The system StackGAN, of two stages."""

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.choices import check_choice
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.pixels import enlarged, shrunk
from keras_gans.core.precision import as_float32
from keras_gans.core.text_conditioned import TextConditioned
from keras_gans.losses.likelihood import divergence_from_normal
from keras_gans.models.stackgan import networks
from keras_gans.models.stackgan.blocks import (
    ACTIVATIONS,
    build_discriminator,
    check_shapes,
    count_doublings,
)

CONDITIONINGS = ("sampled", "mean")


@keras.saving.register_keras_serializable("keras_gans")
class StackGAN(TextConditioned, AdversarialModel):
    """A text becomes a small sketch, and the sketch a larger image of the same text.

    A text vector t becomes a condition c = m(t) + s(t) e, e ~ N(0, 1); each stage has
    an m and an s of its own. Stage-I draws x1 = G1(z, c1), z ~ N(0, 1), of
    `sketch_side` pixels; Stage-II x2 = G2(x1, c2), without another z. With sp(t) =
    log(1 + e^t), D(x, m) of Stage-I minimises

    E sp(-D(x, m)) + (E sp(D(x, m')) + E sp(D(G, m))) / 2,

    where m' is of another image's text, and G minimises

    E sp(-D(G, m)) + lambda mean_d KL(N(m, s^2) || N(0, 1)).

    No gradient of D's reaches m. D of Stage-II has a second head, D(x), which sees no
    text; D then minimises the mean of the two terms of real images and the mean of the
    three others, G the sum of both heads' terms.

    The training has two stages, 1 and 2, of one model. In the second, G1 rests, in
    inference mode, and is the average where averages are kept. During the first,
    `sample` shows sketches, enlarged.

    The releases differ: the PyTorch one, which this is, gives D the mean m and Stage-II
    its second head. Its ReLU on m and log s^2, which keeps s at 1 or more, is left out
    unless asked for. lambda is theirs, as is the mean over d = 1 .. `condition_dim`;
    the paper says 1. Stage-I's real images are means over squares of pixels; theirs are
    bicubic. Wrong texts are those of a neighbour in the batch.

    Args:
        image_shape: `(side, side, channels)` of Stage-II, sides 16, 32, 64 ...
        sketch_side: Side of Stage-I, 4 * 2^n with n >= 1 and less than the image's.
        noise_dim: Length of z; 100.
        text_dim: Length of a text vector; 1024.
        condition_dim: Length of c; 128. Latents are z and both e, side by side:
            `latent_dim` is `noise_dim + 2 * condition_dim`.
        base_channels: Of the generators; 128, for COCO 192.
        discriminator_channels: At half the side; 64, for COCO 96.
        residual_blocks: Of Stage-II; 4, for COCO 2.
        condition_activation: On m and log s^2: `"linear"`; `"relu"`, the PyTorch
            release's; `"leaky_relu"`, the other's.
        conditioning: What is sampled from: `"sampled"`, c; or `"mean"`, m.
        divergence_weight: lambda; 2.
        stage1_steps: Steps of the first stage. 80,000 is about the releases' 600
            epochs over CUB in batches of 64.
        stage1_training: Whether G1 normalises by batches in the second stage, as in the
            PyTorch release; it is then never the average.
        text_encoder: See `TextConditioned`, like the next two.
        captions_per_image: 4 in the release in TensorFlow; 1 is the other's.
        prompts: Texts.
        stage1_generator: Your own `keras.Model` from `[z, e, t]` to `[x1, m, log s^2]`.
        stage1_discriminator: Your own from `[x1, m]` to logits `(batch, 1)`.
        stage2_generator: Your own from `[x1, e, t]` to `[x2, m, log s^2]`.
        stage2_discriminator: Your own from `[x2, m]` to two logits, or to one.
        ema_decay: Decay of moving averages of both generators, used for sampling.
        seed: Integer from which all random numbers follow.
        **kwargs: For `AdversarialModel`: `augmentation`.

    Trains on: `(images, texts)`, images of full size in both stages; see
    `TextConditioned`.

    Logs: `discriminator_loss`, `generator_loss`, `divergence_loss` (times lambda), of
    the stage that is trained.

    Raises:
        ValueError: for an image shape or a sketch that the networks cannot make, or an
            unknown activation or conditioning.

    Example:

    >>> gan = StackGAN(image_shape=(256, 256, 3), text_dim=1024)
    >>> gan.compile()
    >>> gan.fit(images, text_vectors, batch_size=64, epochs=1200)  # both stages
    >>> birds = gan.sample(16, seed=7, labels=other_vectors)

    Reference: arXiv 1612.03242, section 3.
    """

    players = {
        "stage1_discriminator": ("stage1_discriminator",),
        "stage1_generator": ("stage1_generator",),
        "stage2_discriminator": ("stage2_discriminator",),
        "stage2_generator": ("stage2_generator",),
    }
    reports = ("discriminator_loss", "generator_loss", "divergence_loss")
    sampling_networks = ("stage2_generator", "stage1_generator")
    judges = ("stage1_discriminator", "stage2_discriminator")
    stage_counter = "steps"

    def __init__(
        self,
        image_shape=(256, 256, 3),
        sketch_side=64,
        noise_dim=100,
        text_dim=1024,
        condition_dim=128,
        base_channels=128,
        discriminator_channels=64,
        residual_blocks=4,
        condition_activation="linear",
        conditioning="sampled",
        divergence_weight=2.0,
        stage1_steps=80_000,
        stage1_training=False,
        text_encoder=None,
        captions_per_image=1,
        prompts=None,
        stage1_generator=None,
        stage1_discriminator=None,
        stage2_generator=None,
        stage2_discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        check_sides(image_shape, sketch_side)
        check_choice("condition_activation", condition_activation, ACTIVATIONS[:3])
        check_choice("conditioning", conditioning, CONDITIONINGS)
        latent_dim = noise_dim + 2 * condition_dim
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        self.sketch_side = sketch_side
        self.noise_dim = noise_dim
        self.condition_dim = condition_dim
        self.base_channels = base_channels
        self.discriminator_channels = discriminator_channels
        self.residual_blocks = residual_blocks
        self.condition_activation = condition_activation
        self.conditioning = conditioning
        self.divergence_weight = divergence_weight
        self.stage1_steps = stage1_steps
        self.stage1_training = stage1_training
        self.steps = self.counter("steps")
        text = (text_dim, text_encoder, captions_per_image, prompts)
        given = (
            stage1_generator,
            stage1_discriminator,
            stage2_generator,
            stage2_discriminator,
        )
        self._set_given_or_built(text, *given)

    def _set_given_or_built(self, text, generator1, judge1, generator2, judge2):
        shape, side, condition = self.image_shape, self.sketch_side, self.condition_dim
        width, activation = self.base_channels, self.condition_activation
        text_dim, blocks = text[0], self.residual_blocks
        noise = (self.noise_dim, text_dim, condition)
        judge_width = self.discriminator_channels
        sketch = (side, side, shape[-1])

        def judge(number, shape, both):
            name = f"stage{number}_discriminator"
            return build_discriminator(shape, condition, judge_width, both, name=name)

        self.set_text_networks(
            *text,
            stage1_discriminator=judge1 or (lambda: judge(1, sketch, False)),
            stage1_generator=generator1
            or (
                lambda: networks.build_stage1_generator(
                    sketch, *noise, width, activation
                )
            ),
            stage2_discriminator=judge2 or (lambda: judge(2, shape, True)),
            stage2_generator=generator2
            or (
                lambda: networks.build_stage2_generator(
                    shape, side, text_dim, condition, width, blocks, activation
                )
            ),
        )

    def check_network(self, name, network):
        """Checks the shapes of both generators, and of the encoder of texts."""
        sketch = (self.sketch_side, self.sketch_side, self.image_shape[-1])
        condition, text = (self.condition_dim,), (self.text_dim,)
        if name == "text_encoder":
            super().check_network(name, network)
        elif name == "stage1_generator":
            inputs = [(self.noise_dim,), condition, text]
            check_shapes(network, inputs, [sketch, condition, condition])
        elif name == "stage2_generator":
            inputs = [sketch, condition, text]
            check_shapes(network, inputs, [self.image_shape, condition, condition])

    @property
    def served_variables(self):
        """As in `System`, and the count that decides which stage draws."""
        return [*super().served_variables, self.steps]

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for all players.

        The releases halve the rate every 50 epochs, or 100: see
        `keras.optimizers.schedules.ExponentialDecay`.
        """
        return {player: pytorch_adam() for player in self.players}

    def stage_at(self, count):
        """1, then 2."""
        return 1 if count < self.stage1_steps else 2

    def fit_stage2(self, x, y=None, **kwargs):
        """Goes over to the second stage, whenever the sketches are good enough.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            **kwargs: As for `fit`.

        Returns:
            As `fit`.
        """
        self.steps.assign(ops.maximum(self.steps, self.stage1_steps))
        return self.fit(x, y, **kwargs)

    def train_step(self, data):
        """An update of the stage's discriminator, then of its generator."""
        images, texts, classes = self.unpack(data)
        generator = f"stage{self.stage}_generator"
        discriminator = f"stage{self.stage}_discriminator"
        real = self.at_stage(images)
        # Outside of the losses: no gradient reaches the first stage from the second.
        given = self.given(texts)
        self.advance(self.steps)

        def generator_losses():
            fake, mean, log_variance = self.in_training(generator)(given)
            judge = self.in_training(discriminator)
            held, code = ops.stop_gradient(fake), ops.stop_gradient(mean)

            def discriminator_losses():
                # Three calls: their batch statistics must not mix.
                right = judge((real, code), is_real=True)
                *pair, weights = self.mismatched(real, code, classes, swapped="text")
                loss = discriminator_loss(
                    right, judge(pair), judge((held, code)), weights
                )
                return {"discriminator_loss": loss}

            self.update(discriminator, discriminator_losses)
            divergence = ops.mean(divergence_from_normal(mean, log_variance))
            weight = self.divergence_weight / self.condition_dim
            return {
                "generator_loss": generator_loss(judge((fake, code))),
                "divergence_loss": weight * divergence,
            }

        self.update(generator, generator_losses)
        return self.logs()

    def at_stage(self, images):
        """Real images of the stage's size."""
        if self.stage == 2:
            return images
        return shrunk(images, self.image_shape[0] // self.sketch_side)

    def given(self, texts):
        """What the stage's generator makes its fakes from, as it takes it.

        Args:
            texts: Vectors `(batch, text_dim)`.
        """
        latents = self.draw_latents(ops.shape(texts)[0], self.seeds)
        z, first, second = self._parts(latents)
        if self.stage == 1:
            return z, first, texts
        training = self.stage1_training and not self.evaluating
        # Its average, where one is kept, is what its sketches are sampled from.
        own = self.stage1_training or not self.keeps_average
        network = self.stage1_generator if own else self.averaged("stage1_generator")
        sketches = as_float32(network((z, first, texts), training=training)[0])
        return ops.stop_gradient(sketches), second, texts

    def _parts(self, latents):
        ends = [self.noise_dim, self.noise_dim + self.condition_dim]
        return ops.split(latents, ends, axis=-1)

    def call(self, inputs, training=None):
        """Images of both stages; in the first, its sketches, enlarged.

        Args:
            inputs: `(latents, texts)`: z and the noise of both conditions, side by
                side, `(batch, latent_dim)`, and vectors `(batch, text_dim)`.
            training: Whether the networks run in training mode.

        Returns:
            float32 images in [-1, 1].
        """
        latents, texts = map(ops.convert_to_tensor, inputs)
        z, *noises = self._parts(latents)
        if self.conditioning == "mean":
            noises = [ops.zeros_like(noise) for noise in noises]
        options = {"training": bool(training)}
        sketcher = self.averaged("stage1_generator")
        sketches = as_float32(sketcher((z, noises[0], texts), **options)[0])
        factor = self.image_shape[0] // self.sketch_side

        def refined():
            return as_float32(self.sampler((sketches, noises[1], texts), **options)[0])

        in_first = self.steps < self.stage1_steps
        return ops.cond(in_first, lambda: enlarged(sketches, factor), refined)


def discriminator_loss(right, wrong, fake, weights=1.0):
    """E sp(-D) of real images beside their text, and the mean of sp(D) of all else.

    With two heads the first is the mean over both, the second that over wrong pairs
    and both heads' fakes.

    Args:
        right: Logits `(batch, 1)` of real images beside their texts, the conditional
            ones first; one tensor, or a list.
        wrong: Of real images beside other texts; only conditional ones count.
        fake: Of fakes.
        weights: Of the wrong pairs, `(batch,)`.
    """
    real = [losses.non_saturating.generator(x) for x in keras.tree.flatten(right)]
    others = [losses.non_saturating.generator(-x) for x in keras.tree.flatten(fake)]
    wrong = ops.reshape(keras.tree.flatten(wrong)[0], (-1,))
    others.append(ops.mean(weights * ops.softplus(wrong)))
    return sum(real) / len(real) + sum(others) / len(others)


def generator_loss(fake):
    """E sp(-D(G)), summed over heads."""
    return sum(losses.non_saturating.generator(x) for x in keras.tree.flatten(fake))


def check_sides(image_shape, sketch_side):
    """Refuses images that are not made of sketches by doubling their sides.

    Raises:
        ValueError: naming both.
    """
    if len(image_shape) != 3 or image_shape[0] != image_shape[1]:
        raise ValueError(
            "image_shape is (side, side, channels), of squares. Found: "
            f"{tuple(image_shape)}."
        )
    if count_doublings(sketch_side) >= count_doublings(image_shape[0]):
        raise ValueError(
            f"Sketches are smaller than images. Found sketch_side={sketch_side} for "
            f"images of {image_shape[0]} pixels a side."
        )
