"""Measures detections against true boxes while a model trains."""

import dataclasses
import math

from keras_gans import metrics
from keras_gans.callbacks.evaluate_held_out import EvaluateHeldOut


class EvaluateDetection(EvaluateHeldOut):
    """Compares what is found in held-out images with what is there; keeps the best.

    Logs the figures of `metrics.detection_figures` by COCO's rule, `ap`, `ap_50`,
    `ap_small` ..., NaN in the epochs between; the best epoch is that of the highest
    `ap`.

    Args:
        images: Array of images.
        objects: Dict of their `boxes` and `labels`, and of `ignored`, if need be.
        every: Epochs between two evaluations; the last epoch is always measured.
        keep_best: Folder of the preset of the best epoch; `None` to keep none.
        small: Side in pixels of what is small.

    Example:

    >>> evaluate = EvaluateDetection(test.images, test.objects, every=5)
    >>> detector.fit(images, objects, epochs=20, callbacks=[evaluate])
    """

    names = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large", "recall")
    monitor = "ap"

    def __init__(self, images, objects, every=1, keep_best=None, small=32):
        super().__init__(every, keep_best)
        self.images, self.objects, self.small = images, objects, small

    @property
    def num_samples(self):
        """Number of images."""
        return len(self.images)

    def measured(self):
        """As `detection_results`."""
        found = self.model.detect(self.images)
        return detection_results(self.model, found, self.objects, self.small)


def detection_results(detector, found, objects, small=32):
    """A `Result` of each figure that COCO's rule gives, of those that there are.

    Args:
        detector: `ObjectDetector`.
        found: What it detected.
        objects: What is there, as for `metrics.detection_figures`.
        small: Side in pixels of what is small.
    """
    figures = metrics.detection_figures(
        found,
        objects,
        detector.num_classes,
        small=small,
        bounding_box_format=detector.bounding_box_format,
    )
    values, number = dataclasses.asdict(figures), len(objects["labels"])
    return [
        metrics.Result(name, {name: values[name]}, num_generated=number)
        for name in EvaluateDetection.names
        if not math.isnan(values[name])
    ]
