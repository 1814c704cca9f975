"""Faster R-CNN, or Fast R-CNN where proposals are given: a detector in two looks.

Girshick 2015, arXiv 1504.08083; Ren et al. 2015, arXiv 1506.01497. RoIAlign is that of
He et al. 2017, arXiv 1703.06870.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_gans.core.choices import check_choice
from keras_gans.core.object_detector import ObjectDetector
from keras_gans.core.precision import as_float32
from keras_gans.layers import roi_align
from keras_gans.models.detector import boxes as box
from keras_gans.models.detector import networks, targets
from keras_gans.models.detector.proposing import Proposing
from keras_gans.models.detector.targets import RoIs

PROPOSALS = ("rpn", "given", "jitter")
MININGS = ("random", "ohem")


class Features(NamedTuple):
    """Maps of a batch of pictures.

    Attributes:
        early: Of high resolution, `(batch, height, width, channels)`.
        deep: Those that are classified.
    """

    early: Any
    deep: Any


@keras.saving.register_keras_serializable("keras_gans")
class Detector(Proposing, ObjectDetector):
    """Looks at a whole picture once, then at each region that may hold something.

    One player, `detector`. The region proposal network minimises, over
    `rpn_samples` anchors a picture, the cross-entropy of "something is here" plus
    smooth-L1 (beta 1/9) of the deltas of positive ones; the head, over
    `rois_per_image` regions, the cross-entropy of K + 1 classes plus smooth-L1 (beta 1)
    of the four deltas of the true class, on foreground. Both sums are divided by all
    that was sampled in a picture, and averaged over pictures.

    Systems with an adversary between features and head inherit it: they override
    `refined` (what the head sees), `head_losses` or `detector_losses`, at training and
    at inference alike, and add their networks in `builders`.

    Differences from the papers: a small backbone with batch normalisation, trained
    from nothing; RoIAlign for RoI pooling; sides are differences of coordinates, to
    which nothing is added; anchors that leave the picture are trained too; Adam.

    Args:
        image_shape: `(height, width, channels)`, sides multiples of the backbone's
            stride, 8.
        num_classes: Number of classes K, without a background.
        class_names: Their names, or `None`.
        bounding_box_format: Of all boxes that come in or go out, as in KerasHub; one of
            `keras.utils.bounding_boxes`.
        proposals: Where regions come from: `"rpn"`; `"given"`, with the data and to
            `detect`; `"jitter"`, for training moved and scaled copies of what is there
            and boxes anywhere, and to `detect` given.
        mining: Regions that are trained on: `"random"`, or `"ohem"`, those on which the
            head loses most (Shrivastava et al. 2016), of overlapping ones the worst.
        anchor_scales: Square roots of the areas of anchors, in pixels.
        anchor_ratios: Heights of anchors divided by their widths.
        base_channels: Of the light backbone; 32.
        hidden_units: Of the head's two dense layers; 256 (4096 in the papers).
        roi_size: Cells along a side of a region; 7.
        rois_per_image: Regions of a picture that are trained on; 64 (128).
        foreground_share: Most of them that hold something; 0.25.
        background_from: Least overlap of the others with anything; 0.0 (0.1 in Fast
            R-CNN, where it is a poor man's mining).
        rpn_samples: Anchors of a picture that are trained on, half of them positive if
            there are so many; 64 (256).
        pre_nms: Best anchors among which overlapping ones are removed; 300 (6000).
        post_nms: Proposals of a picture; 64 (300, and 2000 in training).
        score_threshold: Least probability of a detection; 0.05.
        iou_threshold: Overlap from which on two detections of a class are one; 0.3 as
            for VOC, 0.5 for COCO.
        max_detections: Most detections of a picture; 100.
        backbone: Your own `keras.Model` from images to `[early, deep]`; or one of whose
            layers `feature_layers` names two.
        rpn: Your own from maps to `[logits, deltas]`.
        head: Your own from regions `(roi_size, roi_size, channels)` to
            `[logits, deltas]`.
        feature_layers: Names of the early and the deep layer of `backbone`, such as
            `("block1_conv2", "block5_conv3")` of VGG16.
        ema_decay: Decay of moving averages of all networks, with which is detected.
        seed: Integer from which all random numbers follow.
        **kwargs: Networks of `other_networks`.

    Attributes:
        other_networks: Names of networks that a sub-class has besides; they are
            arguments like `head`.

    Trains on: `(images, {"boxes", "labels"})`; images uint8 or floats in [-1, 1], boxes
    `(batch, most, 4)` in the bounding box format, labels `(batch, most)` integers in
    [0, K), -1 where there is no box. With `proposals="given"` also `"proposals"`,
    `(batch, any number, 4)`, filled up with rows of -1.

    Logs: `objectness_loss`, `proposal_loss` of a region proposal network;
    `class_loss`, `box_loss`.

    Raises:
        ValueError: for an unknown choice or format, sides that are no multiples of the
            stride, or networks that do not fit each other.

    Example:

    >>> detector = Detector(image_shape=(128, 128, 3), num_classes=10)
    >>> detector.compile()
    >>> detector.fit(images, {"boxes": boxes, "labels": labels}, epochs=20)
    >>> found = detector.detect(images)
    >>> found["boxes"][0, : found["num_detections"][0]]

    Reference: arXiv 1504.08083, arXiv 1506.01497.
    """

    players = {"detector": ("backbone", "rpn", "head")}
    reports = ("objectness_loss", "proposal_loss", "class_loss", "box_loss")
    sampling_networks = ("backbone", "rpn", "head")
    other_networks = ()

    def __init__(
        self,
        image_shape=(128, 128, 3),
        num_classes=10,
        class_names=None,
        bounding_box_format="yxyx",
        proposals="rpn",
        mining="random",
        anchor_scales=(16, 32, 48),
        anchor_ratios=(0.5, 1.0, 2.0),
        base_channels=32,
        hidden_units=256,
        roi_size=7,
        rois_per_image=64,
        foreground_share=0.25,
        background_from=0.0,
        rpn_samples=64,
        pre_nms=300,
        post_nms=64,
        score_threshold=0.05,
        iou_threshold=0.3,
        max_detections=100,
        backbone=None,
        rpn=None,
        head=None,
        feature_layers=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        check_choice("proposals", proposals, PROPOSALS)
        check_choice("mining", mining, MININGS)
        if proposals != "rpn":
            self._leave_out_rpn()
        others = {name: kwargs.pop(name, None) for name in self.other_networks}
        super().__init__(
            *(image_shape, num_classes, class_names, bounding_box_format),
            *(ema_decay, seed),
            **kwargs,
        )
        self.proposals, self.mining = proposals, mining
        self.anchor_scales = tuple(anchor_scales)
        self.anchor_ratios = tuple(anchor_ratios)
        self.base_channels, self.hidden_units = base_channels, hidden_units
        self.roi_size = roi_size
        self.rois_per_image = rois_per_image
        self.foreground_share = foreground_share
        self.background_from = background_from
        self.rpn_samples = rpn_samples
        self.pre_nms, self.post_nms = pre_nms, post_nms
        self.score_threshold = score_threshold
        self.iou_threshold = iou_threshold
        self.max_detections = max_detections
        if feature_layers is not None:
            backbone = networks.two_maps(backbone, *feature_layers)
        self.feature_layers = None  # A backbone that was given has two outputs by now.
        given = {"backbone": backbone, "rpn": rpn, "head": head, **others}
        if proposals != "rpn":
            del given["rpn"]
        self.set_networks(**self.builders(given))

    def _leave_out_rpn(self):
        self.players = {
            player: tuple(name for name in improved if name != "rpn")
            for player, improved in self.players.items()
        }
        unlogged = ("objectness_loss", "proposal_loss")
        self.reports = tuple(name for name in self.reports if name not in unlogged)
        names = self.sampling_networks
        self.sampling_networks = tuple(name for name in names if name != "rpn")

    def builders(self, given):
        """Every network, given or as a function that builds it, in order of building.

        Args:
            given: Dict of name to network or `None`; with those of `other_networks`.
        """
        classes, units = self.num_classes, self.hidden_units
        anchors = len(self.anchor_scales) * len(self.anchor_ratios)
        paper = {
            "backbone": lambda: networks.build_backbone(
                self.image_shape, self.base_channels
            ),
            "rpn": lambda: networks.build_rpn(self.channels["deep"], anchors),
            "head": lambda: networks.build_head(self.roi_shape, classes, units),
        }
        return {
            name: paper[name] if network is None else network
            for name, network in given.items()
            if name in paper
        }

    def check_network(self, name, network):
        """Checks the shapes that networks hand on to each other."""
        if name == "backbone":
            self._measure(network)
        elif name == "rpn":
            anchors = len(self.anchor_scales) * len(self.anchor_ratios)
            self._check_outputs(name, network, (anchors, 4 * anchors))
        elif name == "head":
            counts = (self.num_classes + 1, 4 * self.num_classes)
            self._check_outputs(name, network, counts)
            taken = tuple(network.inputs[0].shape[1:])
            if taken != self.roi_shape:
                raise ValueError(
                    f"The head takes regions {taken}; those of this backbone are "
                    f"{self.roi_shape}."
                )

    def _measure(self, backbone):
        if len(backbone.outputs) != 2:
            raise ValueError(
                f"The backbone makes {len(backbone.outputs)} outputs; it needs an "
                "early and a deep one: name two of its layers in feature_layers."
            )
        shapes = backbone.compute_output_shape((1, *self.image_shape))
        height, width, _ = self.image_shape
        self.strides, self.channels = {}, {}
        for name, (_, rows, columns, channels) in zip(
            Features._fields, shapes, strict=True
        ):
            if height % rows or width % columns:
                raise ValueError(
                    f"Maps of {rows}x{columns} are of no whole stride in pictures of "
                    f"{height}x{width} pixels: use sides that are multiples of the "
                    "backbone's stride, such as 16."
                )
            self.strides[name] = (height // rows, width // columns)
            self.channels[name] = channels
        down, right = self.strides["deep"]
        self.anchors = box.anchor_boxes(
            (height // down, width // right),
            (down, right),
            self.anchor_scales,
            self.anchor_ratios,
        )

    def _check_outputs(self, name, network, counts):
        found = tuple(output.shape[-1] for output in network.outputs)
        if found != counts:
            raise ValueError(
                f"The {name} makes {found} numbers; this system needs {counts}."
            )

    @property
    def roi_shape(self):
        """`(rows, columns, channels)` of a region."""
        return (self.roi_size, self.roi_size, self.channels["deep"])

    @property
    def takes_proposals(self):
        """Whether there is no region proposal network: `detect` needs proposals.

        With `"jitter"` training makes them by itself.
        """
        return self.proposals != "rpn"

    @property
    def learns_from_proposals(self):
        """Whether `fit` is given proposals too."""
        return self.proposals == "given"

    @property
    def served_proposals(self):
        """As in `ObjectDetector`: `post_nms`."""
        return self.post_nms

    def default_optimizers(self):
        """Adam 1e-3 for all players; the papers have SGD with momentum.

        Those begin with a trained backbone. From nothing, after four epochs over 500
        scenes of digits at 96 pixels, Adam finds an average precision of 0.60 at an
        overlap of 0.5, SGD 1e-2 with momentum 0.9 and weight decay 5e-4 one of 0.25.
        """
        return {player: keras.optimizers.Adam(1e-3) for player in self.players}

    def train_step(self, data):
        """All networks at once."""
        images, truth = self.unpack(data)
        self.update("detector", lambda: self.detector_losses(images, truth))
        return self.logs()

    def detector_losses(self, images, truth):
        """Everything that the detector minimises, by the name of its report.

        Args:
            images: float32 tensor in [-1, 1].
            truth: `Truth`.
        """
        features = self.features(images)
        proposals, losses = self.proposed(features, truth)
        rois = self.sample_rois(features, proposals, truth)
        pooled = self.pooled(features, rois.boxes)
        seen = self.refined(pooled, features, rois, training=True)
        return {**losses, **self.head_losses(seen, rois)}

    def network(self, name, training):
        """A network in training mode, or as it detects: its moving average.

        Args:
            name: Name of a network.
            training: Whether.
        """
        if training:
            return self.in_training(name)
        found = self.averaged(name) if name in self.sampling_networks else None
        found = found or getattr(self, name)
        return lambda inputs: as_float32(found(inputs, training=False))

    def at_rest(self, name):
        """A network as it is now, in inference mode, for stages in which it rests.

        Args:
            name: Name of a network.
        """
        network = getattr(self, name)
        return lambda inputs: as_float32(network(inputs, training=False))

    def take_detector(self, other):
        """Takes over the networks of another detector, averages included.

        Args:
            other: `Detector` of the same shapes, which may be of another class.

        Raises:
            ValueError: for networks of other shapes.
        """
        for name in Detector.sampling_networks:
            if name not in self.networks:
                continue
            weights = getattr(other, name).get_weights()
            getattr(self, name).set_weights(weights)
            if self.keeps_average:
                self.averaged(name).set_weights(other.averaged(name).get_weights())

    def features(self, images, training=True):
        """The maps of a batch, as `Features`.

        Args:
            images: float32 tensor in [-1, 1].
            training: As for `network`, like below.
        """
        return Features(*self.network("backbone", training)(images))

    def sample_rois(self, features, proposals, truth):
        """The regions that the head is trained on, with what it is to say of them.

        What is there is proposed too. Regions with something in them, of an overlap of
        at least 0.5, are at most `foreground_share` of all.

        Args:
            features: `Features`.
            proposals: `(batch, num_proposals, 4)`, 0 where there is none.
            truth: `Truth`.

        Returns:
            `RoIs` of `rois_per_image` rows, or fewer if there are no more proposals.
        """
        candidates = ops.concatenate([proposals, truth.boxes], axis=1)
        candidates = ops.stop_gradient(candidates)
        some = box.has_area(candidates)
        rois = targets.labelled(candidates, truth)
        if self.mining == "ohem":
            return self._hardest(
                features, rois._replace(weights=ops.cast(some, "float32"))
            )
        overlap, _ = targets.matched(candidates, truth)
        negative = some & (rois.labels == 0) & (overlap >= self.background_from)
        noise = self.seeds.uniform((ops.shape(some)[0], candidates.shape[1]))
        total = self.rois_per_image
        most = max(1, round(total * self.foreground_share))
        rows, weights = targets.balanced(rois.labels > 0, negative, noise, total, most)
        return targets.rows_of(rois, rows, weights)

    def _hardest(self, features, rois):
        """Of regions that overlap and are to be called the same, the worst."""
        held = Features(*map(ops.stop_gradient, features))
        pooled = self.pooled(held, rois.boxes)
        outputs = self.in_training("head")(self.refined(pooled, held, rois, True))
        of_class, of_box = targets.roi_losses(*outputs, rois)
        loss = ops.where(rois.weights > 0, of_class + of_box, -1.0)
        rows, left = box.non_maximum_suppression(
            rois.boxes, ops.stop_gradient(loss), 0.7, self.rois_per_image, rois.labels
        )
        return targets.rows_of(rois, rows, ops.cast(left >= 0.0, "float32"))

    def pooled(self, features, boxes, name="deep", size=None):
        """Regions cut out of a map.

        Args:
            features: `Features`.
            boxes: `(batch, num_rois, 4)`.
            name: `"deep"` or `"early"`.
            size: Cells along a side; `None` for `roi_size`.

        Returns:
            `(batch * num_rois, size, size, channels)`.
        """
        size = size or self.roi_size
        maps = getattr(features, name)
        grids = roi_align(maps, boxes, size, self.strides[name])
        return ops.reshape(grids, (-1, size, size, self.channels[name]))

    def refined(self, pooled, features, rois, training):
        """What the head sees of regions: here themselves. For others to override.

        Args:
            pooled: `(batch * num_rois, roi_size, roi_size, channels)`.
            features: `Features` that they were cut out of.
            rois: `RoIs`; at inference these are boxes alone.
            training: Whether the losses follow, or detections.

        Returns:
            The same shape.
        """
        return pooled

    def head_losses(self, pooled, rois):
        """What the head loses on regions, by the name of its report.

        Args:
            pooled: `(batch * num_rois, roi_size, roi_size, channels)`.
            rois: `RoIs` with targets.
        """
        outputs = self.network("head", training=True)(pooled)
        of_class, of_box = targets.roi_losses(*outputs, rois)
        return {
            "class_loss": targets.mean_over_pictures(of_class, rois.weights),
            "box_loss": targets.mean_over_pictures(of_box, rois.weights),
        }

    def found_in(self, images, proposals=None):
        """As in `ObjectDetector`."""
        features = self.features(images, training=False)
        if proposals is None:
            outputs = self.network("rpn", training=False)(features.deep)
            proposals = self._proposals(*self._flat(outputs))
        pooled = self.pooled(features, proposals)
        seen = self.refined(pooled, features, RoIs(proposals), training=False)
        logits, deltas = self.network("head", training=False)(seen)
        return self._best(proposals, logits, deltas)

    def _best(self, proposals, logits, deltas):
        count, classes = proposals.shape[1], self.num_classes
        scores = ops.reshape(ops.softmax(logits), (-1, count, classes + 1))[..., 1:]
        deltas = ops.reshape(deltas, (-1, count, classes, 4))
        anchors = ops.broadcast_to(proposals[:, :, None], ops.shape(deltas))
        places = box.clipped(box.decoded(deltas, anchors, box.STDS), self.image_shape)
        some = box.has_area(proposals)[..., None] & box.has_area(places)
        scores = ops.where(some & (scores >= self.score_threshold), scores, -1.0)
        scores = ops.reshape(scores, (-1, count * classes))
        places = ops.reshape(places, (-1, count * classes, 4))
        labels = ops.tile(ops.arange(classes), count)
        labels = ops.broadcast_to(labels, ops.shape(scores))
        rows, scores = box.non_maximum_suppression(
            places, scores, self.iou_threshold, self.max_detections, labels
        )
        places = ops.take_along_axis(places, rows[..., None], axis=1)
        labels = ops.take_along_axis(labels, rows, axis=1)
        after = ((0, 0), (0, self.max_detections - rows.shape[1]))
        return (
            ops.pad(places, (*after, (0, 0))),
            ops.pad(scores, after, constant_values=-1.0),
            ops.pad(labels, after),
        )
