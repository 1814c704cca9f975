"""The normal images that systems which find anomalies train on."""

import numpy as np

from keras_gans import data
from keras_gans.cli.sources import Source
from keras_gans.core.thresholds import threshold_at

# Share of the normal images that choose the threshold.
HELD_OUT = 0.1


class NormalSource(Source):
    """The images of one class, some of them held out; else as `Source`.

    Args:
        options: The recipe's table `data`.
        seed: Integer, from which it follows which images are held out.
        false_alarm_rate: That of the system; `None` for 0.05.

    Attributes:
        held_out: uint8 normal images that are not trained on.

    Raises:
        ValueError: as `Source`; if there are no labels or no such images; if too few
            are held out for the rate.
    """

    def __init__(self, options, seed=0, false_alarm_rate=None):
        options = dict(options)
        self._normal = options.pop("normal", None)
        share, repeats = options.pop("held_out", HELD_OUT), options.pop("repeats", 1)
        super().__init__(options, with_labels=False, whole=True, seed=seed)
        images = self._normal_ones(self.images, self._labels)
        order = np.random.default_rng(seed).permutation(len(images))
        count = round(share * len(images))
        self.held_out, images = images[order[:count]], images[order[count:]]
        if count:
            threshold_at(np.zeros(count), false_alarm_rate or 0.05)
        self.num_images = len(images)
        self.images, self._labels = np.tile(images, (repeats, 1, 1, 1)), None

    def _normal_ones(self, images, labels):
        if self._normal is None:
            return images
        if labels is None:
            raise ValueError(
                f"{self.name} has no labels: leave data.normal out if all its images "
                "are normal."
            )
        if not (labels == self._normal).any():
            raise ValueError(f"{self.name} has no images of the class {self._normal}.")
        return images[labels == self._normal]

    def tested(self):
        """`(images, anomalous)` of the part `"test"`: uint8, and bool for each.

        Raises:
            ValueError: if there is no such part, or it has no labels.
        """
        images, labels = data.load(self.name, **{**self._options, "split": "test"})
        if labels is None:
            raise ValueError(f"{self.name} does not say which test images are normal.")
        return images, labels != (self._normal or 0)
