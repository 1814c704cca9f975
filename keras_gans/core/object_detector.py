"""`ObjectDetector`: a system that finds things in pictures, and says what they are."""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks, gradients
from keras_gans.core.box_checks import check_boxes, check_format
from keras_gans.core.pixels import scaled
from keras_gans.core.system import System


class Truth(NamedTuple):
    """What is in a batch of pictures.

    Attributes:
        boxes: float32 `(batch, num_boxes, 4)`, yxyx in pixels; 0 where there is none.
        labels: int32 `(batch, num_boxes)`; -1 where there is none.
        proposals: float32 `(batch, num_proposals, 4)` of systems that are given some,
            0 where there is none; else `None`.
    """

    boxes: Any
    labels: Any
    proposals: Any = None


class ObjectDetector(System):
    """A `System` that learns from boxes and finds boxes, as KerasHub writes them.

    A system says in `found_in` what it finds in a batch.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes K, without a background.
        class_names: Their names, or `None`.
        bounding_box_format: Of all boxes that come in or go out: one of
            `keras.utils.bounding_boxes`.
        ema_decay: As for `System`, like what follows.
        seed: Integer.
        **kwargs: For `System`; no augmentation.

    Raises:
        ValueError: for an unknown format, names of another number, or an augmentation.
    """

    judges = ()
    # For those who ask whether a picture fits; see `served_translations.sides_fit`.
    any_size = False
    size_multiple = 1

    def __init__(
        self,
        image_shape,
        num_classes,
        class_names=None,
        bounding_box_format="yxyx",
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        if kwargs.get("augmentation") is not None:
            raise ValueError(
                f"{type(self).__name__} takes no augmentation, which would leave the "
                "boxes where they are: augment the data."
            )
        check_format(bounding_box_format)
        if class_names is not None and len(class_names) != num_classes:
            raise ValueError(
                f"{num_classes} classes have as many names. Found: {len(class_names)}."
            )
        super().__init__(image_shape, ema_decay, seed, **kwargs)
        self.num_classes = num_classes
        self.class_names = None if class_names is None else tuple(class_names)
        self.bounding_box_format = bounding_box_format

    @property
    def takes_proposals(self):
        """Whether `detect` is given boxes that may hold something."""
        return False

    @property
    def learns_from_proposals(self):
        """Whether `fit` is given them too."""
        return False

    @property
    def served_proposals(self):
        """Number of them that a served model takes, for systems that take any."""
        raise NotImplementedError

    def found_in(self, images, proposals=None):
        """What is found in a batch, by the moving averages where they are kept.

        Args:
            images: float32 tensor in [-1, 1].
            proposals: float32 `(batch, num_proposals, 4)`, yxyx in pixels, for systems
                that take them.

        Returns:
            `(boxes, confidence, labels)` in falling order of confidence: yxyx in
            pixels, in (0, 1], int32; where the confidence is negative there is nothing.
        """
        raise NotImplementedError

    def check_batch(self, x, y):
        """Checks pictures, and the dict of what is in them."""
        checks.check_images(x, self.image_shape)
        check_boxes(self, len(x), y)

    def arrays_of(self, x, y):
        """Pictures, and of the dict what is trained on."""
        self.check_batch(x, y)
        names = (
            "boxes",
            "labels",
            *(("proposals",) if self.learns_from_proposals else ()),
        )
        return x, {name: np.asarray(y[name]) for name in names}

    def unpack(self, data):
        """The batch, ready for the networks.

        Args:
            data: `(images, {"boxes", "labels"})`.

        Returns:
            float32 images in [-1, 1], and the `Truth`.
        """
        images, given = data[:2]
        labels = ops.cast(given["labels"], "int32")
        boxes = ops.where(labels[..., None] >= 0, self._inwards(given["boxes"]), 0.0)
        proposals = None
        if self.learns_from_proposals:
            proposals = self.as_proposals(given["proposals"])
        return scaled(images), Truth(boxes, labels, proposals)

    def as_proposals(self, boxes):
        """Proposals in pixels, yxyx; those of no area are 0.

        Args:
            boxes: `(batch, num_proposals, 4)` in the system's format; rows of -1 or 0
                fill up.
        """
        given = ops.cast(boxes, "float32")
        some = ops.any(given > 0, axis=-1, keepdims=True)
        low, high = ops.split(self._inwards(given), 2, axis=-1)
        some = some & ops.all(high > low, axis=-1, keepdims=True)
        return ops.where(some, ops.concatenate([low, high], axis=-1), 0.0)

    def call(self, inputs, training=None):
        """What `predict` gives: that of `detect`, as tensors.

        Args:
            inputs: Images in [-1, 1], or `(images, proposals)`.
            training: Makes no difference.
        """
        images, *proposals = inputs if isinstance(inputs, (list, tuple)) else (inputs,)
        return self.detections(scaled(images), *proposals)

    def detections(self, images, proposals=None):
        """What `detect` and a served model find in a batch.

        Args:
            images: float32 tensor in [-1, 1].
            proposals: As for `detect`.
        """
        if self.takes_proposals:
            proposals = self.as_proposals(proposals)
        boxes, confidence, labels = self.found_in(images, proposals)
        found = confidence >= 0.0
        boxes = ops.where(found[..., None], self._outwards(boxes), -1.0)
        return {
            "boxes": ops.cast(boxes, "float32"),
            "confidence": ops.where(found, ops.cast(confidence, "float32"), -1.0),
            "labels": ops.where(found, ops.cast(labels, "int32"), -1),
            "num_detections": ops.sum(ops.cast(found, "int32"), axis=1),
        }

    def detect(self, images, proposals=None, batch_size=16):
        """Finds things in pictures.

        Args:
            images: `(num_images, *image_shape)`, uint8 or floats in [-1, 1].
            proposals: `(num_images, num_proposals, 4)`, for systems that take them:
                boxes that may hold something, filled up with rows of -1.
            batch_size: Pictures at a time.

        Returns:
            Dict of numpy arrays, in falling order of confidence and filled up with -1:
            `boxes` `(num_images, most, 4)`, `confidence` and `labels`
            `(num_images, most)`; and `num_detections` `(num_images,)`.

        Raises:
            ValueError: for images that do not fit; without proposals where they are
                taken, or with them where not.
        """
        checks.check_images(images, self.image_shape)
        if (proposals is None) == self.takes_proposals:
            needs = "needs" if self.takes_proposals else "takes no"
            raise ValueError(f"This {type(self).__name__} {needs} proposals.")
        inputs = [np.asarray(images)]
        inputs += [] if proposals is None else [np.asarray(proposals, "float32")]
        run, batches = self._compiled_detections(), []
        for start in range(0, len(images), batch_size):
            parts = [one[start : start + batch_size] for one in inputs]
            rows = len(parts[0])
            if start:  # One graph for all: rows do not see each other.
                rest = batch_size - rows
                parts = [
                    np.concatenate([part, one[:rest]])
                    for part, one in zip(parts, inputs, strict=True)
                ]
            found = run(*map(ops.convert_to_tensor, parts))
            batches.append(
                {k: ops.convert_to_numpy(v)[:rows] for k, v in found.items()}
            )
        return {k: np.concatenate([one[k] for one in batches]) for k in batches[0]}

    def served(self):
        """What `export` writes; see `keras_gans.core.served_detections`."""
        from keras_gans.core.served_detections import served_detections

        return served_detections(self)

    def _compiled_detections(self):
        if "_detecting" not in self.__dict__:

            def run(images, *proposals):
                return self.detections(scaled(images), *proposals)

            self.__dict__["_detecting"] = gradients.compiled(run, self.served_variables)
        return self.__dict__["_detecting"]

    def _inwards(self, boxes):
        return self._converted(boxes, self.bounding_box_format, "yxyx")

    def _outwards(self, boxes):
        return self._converted(boxes, "yxyx", self.bounding_box_format)

    def _converted(self, boxes, source, target):
        height, width = self.image_shape[:2]
        return keras.utils.bounding_boxes.convert_format(
            boxes, source=source, target=target, height=height, width=width
        )
