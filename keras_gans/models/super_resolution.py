"""What the systems of super-resolution share: a pre-training, then a game.

A generator that starts a game from nothing paints artefacts. All these papers first let
it minimise a distance of pixels, which gives the highest PSNR and soft pictures, and
then play with weights that decide how much of the one is given for the other.
"""

import math

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core import precision
from keras_gans.core.image_upscaler import ImageUpscaler
from keras_gans.core.moving_average import copy_weights
from keras_gans.core.optimizers import scaled_rate

PRETRAINING, ADVERSARIAL = STAGES = ("pretraining", "adversarial")
DISTANCES = {"l1": ops.abs, "l2": ops.square}


class SuperResolution(ImageUpscaler):
    """A generator that first learns pixels, then plays against a discriminator.

    A sub-class says which networks play, which game (`game_losses`) and with which
    weights. Both players move on one pass, both gradients before either moves.

    Args:
        image_shape: `(height, width, channels)` of the high resolution, in training.
        scale: How many times higher and wider it is than the low one.
        pretrain_steps: Steps of the pre-training.
        pretrain_cycles: How often in the pre-training the learning rate falls to 0
            along a cosine, to start over again; 0 for a constant rate.
        pixel_weight: Weight of the distance of pixels, once there is a game.
        perceptual_weight: Weight of the distance of features.
        adversarial_weight: Weight of the game.
        perceptual_network: `keras.Model` from images in [-1, 1] to one or several maps,
            which is never trained; or `None`.
        ema_decay: As for `System`, like what follows.
        seed: Integer.
        **kwargs: `augmentation`.

    Attributes:
        pretraining_rate: Factor of the generator's learning rate in the pre-training.
        pixel_distance: `"l1"` or `"l2"`, a mean over pixels.
        pixel_range: Length of the range in which pixels are compared: 2 as they are,
            1 for papers that work in [0, 1].
        feature_distance: `"l1"` or `"l2"`, a mean over a map.
        feature_weights: Those of the maps, in order.

    Raises:
        ValueError: for a number of steps or cycles below 0, or a perceptual network of
            more maps than there are weights.
    """

    stage_counter = "steps"
    reports = ("pixel_loss", "discriminator_loss", "generator_loss")
    pretraining_rate = 1.0
    pixel_distance = "l1"
    pixel_range = 1.0
    feature_distance = "l1"
    feature_weights = (1.0,)

    def __init__(
        self,
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
    ):
        if min(pretrain_steps, pretrain_cycles) < 0:
            raise ValueError(
                "pretrain_steps and pretrain_cycles are not negative. Found: "
                f"{pretrain_steps} and {pretrain_cycles}."
            )
        if perceptual_network is not None:
            self.reports = (*type(self).reports, "perceptual_loss")
        super().__init__(image_shape, scale, ema_decay, seed, **kwargs)
        self.pretrain_steps = pretrain_steps
        self.pretrain_cycles = pretrain_cycles
        self.pixel_weight = pixel_weight
        self.perceptual_weight = perceptual_weight
        self.adversarial_weight = adversarial_weight
        self.perceptual_network = None
        self.steps = self.counter("steps")
        self.moments_of = self.counter("moments_of")

    def set_networks(self, perceptual_network=None, **networks):
        """As in `System`; a perceptual network is taken as it is and rests."""
        if perceptual_network is not None:
            count = len(keras.tree.flatten(perceptual_network.outputs))
            if count > len(self.feature_weights):
                raise ValueError(
                    f"A perceptual_network of {type(self).__name__} makes at most "
                    f"{len(self.feature_weights)} maps. Found: {count}."
                )
            perceptual_network.trainable = False
            networks["perceptual_network"] = perceptual_network
        super().set_networks(**networks)

    def stage_at(self, count):
        """`"pretraining"` or `"adversarial"` after `count` steps."""
        return STAGES[count >= self.pretrain_steps]

    def train_step(self, data):
        """A step of the pre-training, or one of the game by both players."""
        low, high = self.unpack(data)
        if self.stage == PRETRAINING:
            self.update("generator", lambda: self._pretraining_losses(low, high))
        else:
            if self.pretrain_steps and not self.evaluating:
                self.forget_moments(self.moments_of, 1, self.players)
            self.update_together(lambda: self.both_losses(low, high))
        self.advance(self.steps)
        return self.logs()

    def update(self, player, losses, when=None, follow=True):
        """As in `System`, in the pre-training at its learning rate."""
        if self.evaluating or self.stage != PRETRAINING:
            return super().update(player, losses, when, follow)
        with scaled_rate(getattr(self, f"{player}_optimizer"), self._rate_factor()):
            return super().update(player, losses, when, follow)

    def _rate_factor(self):
        """What the pre-training's learning rate is multiplied by in this step."""
        if not self.pretrain_cycles:
            return self.pretraining_rate
        period = self.pretrain_steps / self.pretrain_cycles
        turn = ops.cast(self.steps, "float32") / period
        wave = ops.cos(math.pi * (turn - ops.floor(turn)))
        return self.pretraining_rate * 0.5 * (1.0 + wave)

    def _pretraining_losses(self, low, high):
        made = self.in_training("generator")(low)
        return {"pixel_loss": self.pixels_apart(made, self.target_of(high))}

    def both_losses(self, low, high):
        """The terms of both players in the game, from one pass.

        Args:
            low: float32 images in low resolution.
            high: What they are to become.

        Returns:
            Dict of player to its dict of terms.
        """
        made, target = self.in_training("generator")(low), self.target_of(high)
        judge = self.in_training("discriminator")
        of_real, of_fake = judge(high, is_real=True), judge(made)
        told, taken = self.game_losses(of_real, of_fake)
        apart = self.pixels_apart(made, target)
        content = {"pixel_loss": self.content_of_pixels * apart}
        if self.perceptual_network is not None:
            apart = self.features_apart(made, target)
            content["perceptual_loss"] = self.perceptual_weight * apart
        game = {"generator_loss": self.adversarial_weight * taken}
        return {
            "discriminator": {"discriminator_loss": told},
            "generator": {**content, **game},
        }

    @property
    def content_of_pixels(self):
        """The weight of the distance of pixels in the game."""
        return self.pixel_weight

    def game_losses(self, of_real, of_fake):
        """The discriminator's and the generator's loss of the game.

        Here cross-entropies, of the generator the non-saturating one.

        Args:
            of_real: Logits of real images.
            of_fake: Those of what the generator made.
        """
        game = losses.non_saturating
        return game.discriminator(of_real, of_fake), game.generator(of_fake)

    def target_of(self, high):
        """What pixels and features are compared with; what the game sees is `high`."""
        return high

    def pixels_apart(self, made, target):
        """The mean distance of pixels.

        Args:
            made: Images in [-1, 1].
            target: Others.
        """
        apart = (made - target) * (self.pixel_range / 2.0)
        return ops.mean(DISTANCES[self.pixel_distance](apart))

    def features_apart(self, made, target):
        """The distance of what the perceptual network sees, summed over its maps.

        Args:
            made: Images in [-1, 1].
            target: Others.
        """
        seen, aims = (
            keras.tree.flatten(
                precision.as_float32(self.perceptual_network(images, training=False))
            )
            for images in (made, target)
        )
        weights = self.feature_weights[-len(seen) :]
        distance = DISTANCES[self.feature_distance]
        return sum(
            weight * ops.mean(distance(one - ops.stop_gradient(aim)))
            for weight, one, aim in zip(weights, seen, aims, strict=True)
        )

    def check_network(self, name, network):
        """Checks the channels of the generator."""
        if name in self.sampling_networks:
            super().check_network(name, network)

    def interpolate_weights(self, other, share):
        """Moves this generator towards another, weight by weight.

        Between a generator of the pre-training and one of the game lie pictures between
        soft and sharp.

        Args:
            other: A system, or a generator, of the same networks.
            share: 0 leaves this generator as it is, 1 makes it the other.

        Raises:
            ValueError: for networks that are not alike.

        Reference: arXiv 1809.00219, section 3.4.
        """
        theirs = other.sampler if isinstance(other, ImageUpscaler) else other
        mine = self.sampler
        shapes = [[tuple(w.shape) for w in n.weights] for n in (mine, theirs)]
        if shapes[0] != shapes[1]:
            raise ValueError("Only generators of the same architecture interpolate.")
        for ours, aim in zip(mine.weights, theirs.weights, strict=True):
            ours.assign((1.0 - share) * ours + share * ops.convert_to_tensor(aim))
        if self.keeps_average:
            copy_weights(mine, self.generator)
