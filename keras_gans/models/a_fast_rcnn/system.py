"""A-Fast-RCNN: a detector whose adversary hides and turns what it is to recognise.

Wang, Shrivastava and Gupta 2017, arXiv 1704.03414. The numbers of the occlusion are
those of the authors' release (github.com/xiaolonw/adversarial-frcnn), which has no
rotation: that is the paper's.
"""

import math

import keras
from keras import ops

from keras_gans.core.choices import check_choice
from keras_gans.core.handed_on import hands_on_arguments
from keras_gans.models.a_fast_rcnn import occlusion, rotation
from keras_gans.models.a_fast_rcnn.positives import Positives
from keras_gans.models.detector import Detector, Features
from keras_gans.models.detector.targets import mean_over_pictures, roi_losses

ADVERSARIES = {
    "asdn": ("masker",),
    "astn": ("rotator",),
    "both": ("masker", "rotator"),
}
_REPORTS = {
    "masker": ("mask_loss", "hard_masks"),
    "rotator": ("rotation_loss",),
}


@keras.saving.register_keras_serializable("keras_gans")
@hands_on_arguments
class AFastRCNN(Detector):
    """A detector that learns from regions made hard by two networks.

    Regions with something in them pass the adversary before the head sees them. Its
    mask network M (ASDN) gives a logit for each cell; `hidden_cells` at random out of
    the `candidate_cells` of the highest are set to 0. Its rotation network (ASTN) turns
    blocks of channels, each by 10 degrees * tanh(R(x)). Without them the detector is
    the plain one, so nothing changes where it detects.

    Training goes through three stages, which are state of the model:

    1. `"plain"`, for `plain_steps`: the detector alone.
    2. `"pretraining"`, for `pretraining_steps` (none without masks): only M moves. Of
       all 2x2 windows, at steps of 2, it learns the one without which the head
       gives the true class the least probability: the mean over cells of the
       cross-entropy of t = 1 in the window, t = 0 elsewhere, the cells of t = 0 kept
       with probability `keep_zeros`.
    3. `"joint"`: the detector minimises its losses on what the adversary leaves, R at
       the same time their negative, which is what a reversal of the gradient between
       them does. Where a mask lowered the probability of the true class by more than
       `margin`, M minimises `mask_weight` times the cross-entropy with that very mask.
       The first of every two pictures is left as it is, as in the release.

    Differences: those of `Detector`; rotations too leave every other picture alone, or
    the head would know what holds something by its being turned, and take all that it
    meets later for background; the release trains M on batches with 75 % of foreground,
    here they are the detector's own; `mask_weight` scales a loss, which Adam would not
    notice, so that M is moved by SGD.

    Args:
        *args: As for `Detector`.
        adversary: `"asdn"` (masks, which the release has), `"astn"` (rotations), or
            `"both"`, masks first.
        plain_steps: Batches of the first stage; 10,000.
        pretraining_steps: Of the second; 25,000 (12,000 in the paper).
        mask_channels: Of the mask network; 256.
        window: Cells along a side of what the search hides; 2.
        window_stride: Cells from one window to the next; 2.
        keep_zeros: Probability; 0.4.
        candidate_cells: Cells of the highest logits; 20 of 49.
        hidden_cells: Those of them that are hidden; 15.
        margin: 0.1.
        mask_weight: 0.0025.
        largest_angle: Degrees; 10.
        rotation_blocks: Blocks of channels; 4.
        mask_network: Your own `keras.Model` from regions to logits
            `(batch, roi_size, roi_size)`.
        rotation_network: Your own from regions to `(batch, rotation_blocks)`.
        **kwargs: As for `Detector`.

    Trains on: as `Detector`.

    Logs: those of `Detector`; `mask_loss` and `hard_masks`, the share of masked regions
    whose masks were hard enough; `rotation_loss`.

    Raises:
        ValueError: as `Detector`; for an unknown adversary, more hidden cells than
            candidates or more of those than there are, or channels that are no multiple
            of the blocks.

    Example:

    >>> plain = Detector((128, 128, 3), num_classes=10)
    >>> plain.compile()
    >>> plain.fit(images, objects, epochs=20)
    >>> hard = AFastRCNN((128, 128, 3), num_classes=10, plain_steps=0)
    >>> hard.take_detector(plain)
    >>> hard.compile()
    >>> hard.fit(images, objects, epochs=20)

    Reference: arXiv 1704.03414, section 4.
    """

    players = {
        **Detector.players,
        "masker": ("mask_network",),
        "rotator": ("rotation_network",),
    }
    reports = (*Detector.reports, *_REPORTS["masker"], *_REPORTS["rotator"])
    figures = ("hard_masks",)
    other_networks = ("mask_network", "rotation_network")
    stage_counter = "steps"

    def __init__(
        self,
        *args,
        adversary="both",
        plain_steps=10_000,
        pretraining_steps=25_000,
        mask_channels=256,
        window=2,
        window_stride=2,
        keep_zeros=0.4,
        candidate_cells=20,
        hidden_cells=15,
        margin=0.1,
        mask_weight=0.0025,
        largest_angle=10.0,
        rotation_blocks=4,
        **kwargs,
    ):
        check_choice("adversary", adversary, ADVERSARIES)
        self.adversary = adversary
        self.plain_steps, self.pretraining_steps = plain_steps, pretraining_steps
        self.mask_channels = mask_channels
        self.window, self.window_stride = window, window_stride
        self.keep_zeros = keep_zeros
        self.candidate_cells, self.hidden_cells = candidate_cells, hidden_cells
        self.margin, self.mask_weight = margin, mask_weight
        self.largest_angle = largest_angle
        self.rotation_blocks = rotation_blocks
        for player in set(_REPORTS) - set(ADVERSARIES[adversary]):
            self._leave_out(player)
        super().__init__(*args, **kwargs)
        self.steps = self.counter("steps")

    def _leave_out(self, player):
        self.players = {k: v for k, v in self.players.items() if k != player}
        unlogged = _REPORTS[player]
        self.reports = tuple(n for n in self.reports if n not in unlogged)
        self.figures = tuple(n for n in self.figures if n not in unlogged)

    @property
    def masks(self):
        """Whether the adversary hides cells."""
        return "masker" in self.players

    @property
    def rotates(self):
        """Whether the adversary turns channels."""
        return "rotator" in self.players

    def builders(self, given):
        """As in `Detector`; and the networks of the adversary."""
        self._check_adversary(given)
        found = super().builders(given)
        paper = {
            "mask_network": lambda: occlusion.build_mask_network(
                self.roi_shape, self.mask_channels
            ),
            "rotation_network": lambda: rotation.build_rotation_network(
                self.roi_shape, self.rotation_blocks, self.hidden_units
            ),
        }
        for player in ADVERSARIES[self.adversary]:
            (name,) = type(self).players[player]
            own = given.get(name)
            found[name] = paper[name] if own is None else own
        return found

    def _check_adversary(self, given):
        cells = self.roi_size**2
        if self.masks and not self.hidden_cells <= self.candidate_cells <= cells:
            raise ValueError(
                f"Of {cells} cells candidate_cells={self.candidate_cells} are the "
                f"candidates of which hidden_cells={self.hidden_cells} are hidden: "
                "neither can be more than there are."
            )

    def check_network(self, name, network):
        """As in `Detector`; and that channels fall into blocks."""
        super().check_network(name, network)
        if name == "rotation_network":
            channels, blocks = self.channels["deep"], network.output_shape[-1]
            if blocks != self.rotation_blocks or channels % blocks:
                raise ValueError(
                    f"{channels} channels are turned in rotation_blocks="
                    f"{self.rotation_blocks} blocks, by as many angles. Found: "
                    f"{blocks} angles."
                )

    def default_optimizers(self):
        """Those of `Detector`; for the masks SGD 0.01 with momentum 0.9."""
        found = super().default_optimizers()
        if self.masks:
            found["masker"] = keras.optimizers.SGD(0.01, momentum=0.9)
        return found

    def stage_at(self, count):
        """`"plain"`, `"pretraining"` or `"joint"`."""
        if count < self.plain_steps:
            return "plain"
        pretrains = self.masks and count < self.plain_steps + self.pretraining_steps
        return "pretraining" if pretrains else "joint"

    def train_step(self, data):
        """A step of the stage."""
        images, truth = self.unpack(data)
        if self.stage == "pretraining":
            self.update("masker", lambda: self.pretraining_losses(images, truth))
            self.follow_average()
        elif self.stage == "joint" and self.rotates:

            def both_losses():
                losses = self.detector_losses(images, truth)
                hurt = losses["class_loss"] + losses["box_loss"]
                return {"detector": losses, "rotator": {"rotation_loss": -hurt}}

            self.update_together(both_losses, ("detector", "rotator"))
        else:
            self.update("detector", lambda: self.detector_losses(images, truth))
        self.advance(self.steps)
        return self.logs()

    def head_losses(self, pooled, rois):
        """As in `Detector`; in the last stage of regions as the adversary leaves them.

        Args:
            pooled: As there.
            rois: As there.
        """
        if self.stage != "joint":
            return super().head_losses(pooled, rois)
        positives = Positives(rois, self._most_positives(rois))
        regions = positives.cut_out(pooled)
        left, hidden = regions, None
        if self.masks:
            hidden = self.hidden_cells_of(regions, positives)
            left = left * ops.cast(1.0 - hidden[..., None], left.dtype)
        if self.rotates:
            turns = self.in_training("rotation_network")(ops.stop_gradient(left))
            theta = rotation.angles(turns, math.radians(self.largest_angle))
            theta = ops.reshape(theta, (-1, positives.most, self.rotation_blocks))
            theta = theta * _every_second(theta)
            theta = ops.reshape(theta, (-1, self.rotation_blocks))
            left = rotation.rotated(left, theta)
        seen = positives.put_back(pooled, left)
        outputs = self.network("head", training=True)(seen)
        of_class, of_box = roi_losses(*outputs, rois)
        if self.masks:
            after = positives.of(ops.exp(-ops.stop_gradient(of_class)))
            self._teach(regions, hidden, positives, after)
        return {
            "class_loss": mean_over_pictures(of_class, rois.weights),
            "box_loss": mean_over_pictures(of_box, rois.weights),
        }

    def hidden_cells_of(self, regions, positives):
        """What the mask network hides in every second picture.

        Args:
            regions: `(batch * most, size, size, channels)`.
            positives: `Positives` that they are.

        Returns:
            `(batch * most, size, size)`, 1 where it hides.
        """
        logits = self.in_training("mask_network")(ops.stop_gradient(regions))
        shape = (positives.most, self.roi_size**2)
        logits = ops.reshape(logits, (-1, *shape))
        noise = self.seeds.uniform((ops.shape(logits)[0], *shape))
        hidden = occlusion.sampled_mask(
            logits, noise, self.candidate_cells, self.hidden_cells
        )
        hidden = hidden * _every_second(hidden)
        return ops.reshape(hidden, (-1, self.roi_size, self.roi_size))

    def _teach(self, regions, hidden, positives, after):
        """Moves the mask network towards those of its masks that were hard."""
        regions = ops.stop_gradient(regions)
        before = self.true_probability(regions, positives)[0]
        masked = ops.reshape(ops.max(hidden, axis=(1, 2)), ops.shape(after))
        hard = ops.cast(after + self.margin < before, "float32") * masked

        def mask_losses():
            logits = self.in_training("mask_network")(regions)
            loss = _mean_of_cells(occlusion.cross_entropy(logits, hidden), hard)
            count = ops.maximum(ops.sum(masked * positives.weights), 1.0)
            return {
                "mask_loss": self.mask_weight
                * mean_over_pictures(loss, positives.weights),
                "hard_masks": ops.sum(hard * positives.weights) / count,
            }

        self.update("masker", mask_losses)

    def pretraining_losses(self, images, truth):
        """What the mask network minimises before it plays.

        Args:
            images: float32 tensor in [-1, 1].
            truth: `Truth`.
        """
        features = Features(*self.at_rest("backbone")(images))
        proposals, _ = self.proposed(features, truth)
        rois = self.sample_rois(features, proposals, truth)
        positives = Positives(rois, self._most_positives(rois))
        pooled = ops.stop_gradient(self.pooled(features, rois.boxes))
        regions = positives.cut_out(pooled)
        candidates = occlusion.windows(self.roi_size, self.window, self.window_stride)

        def true_probability(shown):
            found = self.true_probability(shown, positives, len(candidates))
            return ops.reshape(found, (len(candidates), -1))

        hide = occlusion.hardest_window(regions, true_probability, candidates)
        shape = (positives.most, self.roi_size**2)
        noise = self.seeds.uniform((ops.shape(positives.weights)[0], *shape))
        noise = ops.reshape(noise, (-1, self.roi_size, self.roi_size))
        kept = ops.maximum(hide, ops.cast(noise < self.keep_zeros, "float32"))
        logits = self.in_training("mask_network")(regions)
        loss = kept * occlusion.cross_entropy(logits, hide)
        loss = _mean_of_cells(loss, ops.ones_like(positives.weights))
        return {"mask_loss": mean_over_pictures(loss, positives.weights)}

    def true_probability(self, regions, positives, times=1):
        """What the head, at rest, gives the true classes; without gradients.

        Args:
            regions: `(times * batch * most, size, size, channels)`.
            positives: `Positives`.
            times: How often all of them are there, one after the other.

        Returns:
            `(times, batch, most)`.
        """
        logits, _ = self.at_rest("head")(regions)
        classes = logits.shape[-1]
        given = ops.softmax(ops.reshape(logits, (times, -1, positives.most, classes)))
        own = ops.sum(given * ops.one_hot(positives.labels, classes), axis=-1)
        return ops.stop_gradient(own)

    def _most_positives(self, rois):
        return max(1, round(self.rois_per_image * self.foreground_share))


def _every_second(values):
    """0, 1, 0, 1 ... for the pictures of a batch `(batch, ., .)`."""
    second = ops.arange(ops.shape(values)[0]) % 2
    return ops.cast(second, values.dtype)[:, None, None]


def _mean_of_cells(values, weights):
    """(batch * most, size, size) to (batch, most), each row with its weight."""
    mean = ops.mean(values, axis=(1, 2))
    return weights * ops.reshape(mean, ops.shape(weights))
