"""Perceptual GAN: small objects, completed to look as if they were large ones.

Li et al. 2017, arXiv 1706.05274. There is no code of the authors.
"""

import keras
import numpy as np
from keras import ops

from keras_gans.core.choices import check_choice
from keras_gans.core.handed_on import hands_on_arguments
from keras_gans.models.detector import Detector, Features
from keras_gans.models.detector import boxes as box
from keras_gans.models.detector.targets import (
    mean_over_pictures,
    roi_losses,
    rows_of,
)
from keras_gans.models.perceptual_gan import networks

GATES = ("size", "always")


@keras.saving.register_keras_serializable("keras_gans")
@hands_on_arguments
class PerceptualGAN(Detector):
    """A detector, and a generator that adds to the features of small regions.

    F' = F_s + G(f): F_s are the deep features of a small region, f its early ones, of
    higher resolution. The discriminator's adversarial branch D tells F' from the
    features F_l of large objects; its perception branch is the detector's head. D
    minimises -log D(F_l) - log(1 - D(F')) on regions that hold something, the generator
    w1 * -log D(F') on these plus w2 * (the head's losses on F'), on all small regions.

    Training goes through three stages, which are state of the model:

    1. `"plain"`, for `plain_steps`: the detector on everything.
    2. `"perception"`, for `perception_steps`: the head alone, on large regions.
    3. `"adversarial"`: D, then G with everything else at rest; with `fine_tune` then
       the head, on the features that it will be shown.

    The backbone and the region proposal network rest from the second stage on. At the
    start G(f) = 0, so the model is the plain detector bit for bit.

    Differences from the paper: those of `Detector`; LeakyReLU between D's dense layers;
    no ReLU behind G's 1x1 convolution; a region is small by its own area and not by
    that of its object, as it is where nothing is known of objects.

    Args:
        *args: As for `Detector`.
        plain_steps: Batches of the first stage; 10,000.
        perception_steps: Of the second; 2,000.
        small_side: Side in pixels of the square up to whose area a region is small; 32.
            `split_at_median` chooses it by data.
        gate: `"size"`: only small regions pass G; `"always"`: all do, and for large
            ones G learns to add nothing, by the mean of squares of what it adds.
        generator_blocks: Residual blocks of G; 2 (6).
        block_channels: Channels inside them; `None` for those of the deep features.
        discriminator_units: Of D's dense layers; (4096, 1024).
        adversarial_weight: w1; 1.
        perception_weight: w2; 1.
        fine_tune: Whether the head learns in the last stage too.
        generator: Your own `keras.Model` from early features `(2 * roi_size,
            2 * roi_size, channels)` to `(roi_size, roi_size, channels of the deep)`.
        discriminator: Your own from regions to logits `(batch, 1)`.
        **kwargs: As for `Detector`.

    Trains on: as `Detector`.

    Logs: those of `Detector`; `discriminator_loss`, `generator_loss`,
    `small_class_loss` and `small_box_loss`, the head's on F'; and
    `discriminator_accuracy`, on regions that hold something. With `gate="always"` also
    `residual_loss`.

    Raises:
        ValueError: as `Detector`; for an unknown gate, or a generator whose output is
            no region.

    Example:

    >>> gan = PerceptualGAN((128, 128, 1), num_classes=10, small_side=20)
    >>> gan.compile()
    >>> gan.fit(images, objects, batch_size=8, epochs=200)
    >>> found = gan.detect(images)

    Reference: arXiv 1706.05274, section 3.
    """

    players = {
        **Detector.players,
        "discriminator": ("discriminator",),
        "generator": ("generator",),
    }
    # The discriminator sees regions of maps, which no augmentation of pictures suits.
    judges = ()
    reports = (
        *Detector.reports,
        "discriminator_loss",
        "discriminator_accuracy",
        "generator_loss",
        "small_class_loss",
        "small_box_loss",
    )
    figures = ("discriminator_accuracy",)
    sampling_networks = (*Detector.sampling_networks, "generator")
    other_networks = ("discriminator", "generator")
    stage_counter = "steps"

    def __init__(
        self,
        *args,
        plain_steps=10_000,
        perception_steps=2_000,
        small_side=32.0,
        gate="size",
        generator_blocks=2,
        block_channels=None,
        discriminator_units=(4096, 1024),
        adversarial_weight=1.0,
        perception_weight=1.0,
        fine_tune=False,
        **kwargs,
    ):
        check_choice("gate", gate, GATES)
        self.plain_steps, self.perception_steps = plain_steps, perception_steps
        self.small_side = small_side
        self.gate = gate
        self.generator_blocks = generator_blocks
        self.block_channels = block_channels
        self.discriminator_units = tuple(discriminator_units)
        self.adversarial_weight = adversarial_weight
        self.perception_weight = perception_weight
        self.fine_tune = fine_tune
        if gate == "always":
            self.reports = (*self.reports, "residual_loss")
        super().__init__(*args, **kwargs)
        self.steps = self.counter("steps")
        self.small_area = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(float(small_side) ** 2),
            trainable=False,
            aggregation="only_first_replica",
            name="small_area",
        )

    @property
    def served_variables(self):
        """As in `System`, and what decides which regions are refined."""
        return [*super().served_variables, self.steps, self.small_area]

    def builders(self, given):
        """As in `Detector`; and generator and discriminator."""
        paper = {
            "discriminator": lambda: networks.build_discriminator(
                self.roi_shape, self.discriminator_units
            ),
            "generator": lambda: networks.build_generator(
                self.early_shape,
                self.channels["deep"],
                self.generator_blocks,
                self.block_channels,
            ),
        }
        own = {name: given[name] or build for name, build in paper.items()}
        return {**super().builders(given), **own}

    @property
    def early_shape(self):
        """`(rows, columns, channels)` of the early features of a region."""
        return (2 * self.roi_size, 2 * self.roi_size, self.channels["early"])

    def check_network(self, name, network):
        """As in `Detector`; and that a residual has the shape of a region."""
        super().check_network(name, network)
        if name == "generator" and tuple(network.output_shape[1:]) != self.roi_shape:
            raise ValueError(
                f"The generator makes {network.output_shape[1:]}; the deep features of "
                f"a region are {self.roi_shape}."
            )

    def split_at_median(self, objects):
        """Calls half of the objects small: sets the area by data.

        Args:
            objects: Dict of `boxes` and `labels`, as for `fit`.

        Returns:
            The side of the square of this area.
        """
        boxes = ops.convert_to_numpy(
            self._inwards(ops.cast(objects["boxes"], "float32"))
        )
        boxes = boxes[np.asarray(objects["labels"]) >= 0]
        area = float(np.median((boxes[:, 2:] - boxes[:, :2]).prod(-1)))
        self.small_area.assign(area)
        return area**0.5

    def default_optimizers(self):
        """That of `Detector`; for G and D Adam 5e-4 and 1e-4 with beta_1 0.5."""
        return {
            **super().default_optimizers(),
            "discriminator": keras.optimizers.Adam(1e-4, beta_1=0.5),
            "generator": keras.optimizers.Adam(5e-4, beta_1=0.5),
        }

    def stage_at(self, count):
        """`"plain"`, `"perception"` or `"adversarial"`."""
        if count < self.plain_steps:
            return "plain"
        perceives = count < self.plain_steps + self.perception_steps
        return "perception" if perceives else "adversarial"

    def moved_by(self, player):
        """Of the detector but its head, once the backbone rests."""
        if player == "detector" and self.stage != "plain":
            return self.head.trainable_variables
        return super().moved_by(player)

    def train_step(self, data):
        """A step of the stage."""
        images, truth = self.unpack(data)
        if self.stage == "plain":
            self.update("detector", lambda: self.detector_losses(images, truth))
        elif self.stage == "perception":
            features, rois = self._at_rest(images, truth)
            large = rois._replace(weights=rois.weights * (1.0 - self.is_small(rois)))
            pooled = self.pooled(features, rois.boxes)
            self.update("detector", lambda: self.head_losses(pooled, large))
        else:
            features, rois = self._at_rest(images, truth)
            self._play_adversaries(features, rois)
        self.advance(self.steps)
        return self.logs()

    def _at_rest(self, images, truth):
        """Maps and regions, without gradients."""
        features = Features(*self.at_rest("backbone")(images))
        features = Features(*map(ops.stop_gradient, features))
        proposals, _ = self.proposed(features, truth)
        return features, self.sample_rois(features, proposals, truth)

    def is_small(self, rois):
        """1 for regions of at most the small area, else 0; `(batch, num_rois)`."""
        area = ops.prod(box.sides(rois.boxes), axis=-1)
        return ops.cast(area <= self.small_area + 0.0, "float32")

    def refined(self, pooled, features, rois, training):
        """As in `Detector`; with what the generator adds where it detects.

        Args:
            pooled: As there.
            features: As there.
            rois: As there.
            training: As there.
        """
        if training:  # of the first stages
            return pooled
        residual = self.network("generator", training)(self._early(features, rois))
        if self.gate == "size":
            small = ops.reshape(self.is_small(rois), (-1, 1, 1, 1)) > 0
            residual = ops.where(small, residual, 0.0)
        return pooled + residual

    def _early(self, features, rois):
        return self.pooled(features, rois.boxes, "early", 2 * self.roi_size)

    def _play_adversaries(self, features, rois):
        """D, then G against the D that has just learned; then, if at all, the head."""
        small, large = self.both_sizes(rois)
        plain = self.pooled(features, small.boxes)
        early = self._early(features, small)
        real = self.pooled(features, large.boxes)

        def generator_losses():
            generate = self.in_training("generator")
            made = plain + generate(early)
            held = ops.stop_gradient(made)
            self.update(
                "discriminator",
                lambda: self.discriminator_losses(real, held, large, small),
            )
            found = self.generator_losses(made, small)
            if self.gate == "always":
                added = generate(self._early(features, large))
                added = ops.mean(ops.square(added), axis=(1, 2, 3))
                found["residual_loss"] = mean_over_pictures(
                    ops.reshape(added, ops.shape(large.weights)), large.weights
                )
            return found

        self.update("generator", generator_losses)
        if self.fine_tune:
            self._tune(plain, early, real, small, large)

    def both_sizes(self, rois):
        """Half as many regions of each size; those that hold something come first.

        Args:
            rois: `RoIs` with targets.

        Returns:
            `(small, large)`, both `RoIs`.
        """
        count = max(1, rois.labels.shape[1] // 2)
        is_small, found = self.is_small(rois), []
        for of_size in (is_small, 1.0 - is_small):
            rank = rois.weights * of_size * (1.0 + rois.foreground)
            rank, rows = ops.top_k(rank, count)
            weights = ops.cast(rank > 0, "float32")
            found.append(rows_of(rois, rows, weights))
        return found

    def discriminator_losses(self, real, made, large, small):
        """-log D(F_l) - log(1 - D(F')), on regions that hold something.

        Args:
            real: F_l, `(batch * num, roi_size, roi_size, channels)`.
            made: F', without gradients.
            large: `RoIs` of the former.
            small: `RoIs` of the latter.
        """
        judge = self.in_training("discriminator")
        scores = [
            ops.reshape(judge(regions), ops.shape(rois.weights))
            for regions, rois in ((real, large), (made, small))
        ]
        weights = large.foreground, small.foreground
        loss = mean_over_pictures(ops.softplus(-scores[0]), weights[0])
        loss = loss + mean_over_pictures(ops.softplus(scores[1]), weights[1])
        right = [ops.cast(s > 0, "float32") for s in (scores[0], -scores[1])]
        shares = [
            ops.sum(r * w) / ops.maximum(ops.sum(w), 1.0)
            for r, w in zip(right, weights, strict=True)
        ]
        return {
            "discriminator_loss": loss,
            "discriminator_accuracy": 0.5 * (shares[0] + shares[1]),
        }

    def generator_losses(self, made, small):
        """w1 * -log D(F') and w2 * the head's losses on F'.

        Args:
            made: F'.
            small: `RoIs`.
        """
        scores = self.in_training("discriminator")(made)
        scores = ops.reshape(scores, ops.shape(small.weights))
        fooled = mean_over_pictures(ops.softplus(-scores), small.foreground)
        of_class, of_box = roi_losses(*self.at_rest("head")(made), small)
        weight = self.perception_weight
        return {
            "generator_loss": self.adversarial_weight * fooled,
            "small_class_loss": weight * mean_over_pictures(of_class, small.weights),
            "small_box_loss": weight * mean_over_pictures(of_box, small.weights),
        }

    def _tune(self, plain, early, real, small, large):
        """The head, on F_l and on F' as the generator now makes it."""
        made = ops.stop_gradient(plain + self.at_rest("generator")(early))

        def head_losses():
            parts = [
                self.head_losses(regions, rois)
                for regions, rois in ((real, large), (made, small))
            ]
            return {name: 0.5 * (parts[0][name] + parts[1][name]) for name in parts[0]}

        self.update("detector", head_losses)
