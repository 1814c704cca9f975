"""The volumes that systems like 3D-GAN train on."""

import numpy as np

from keras_gans import data
from keras_gans.cli.sources import Source, given
from keras_gans.pictures import draw_volumes


class VolumeSource(Source):
    """The volumes that a recipe names, of all classes or of one; else as `Source`.

    Empty volumes, of which data sets have some, are left out.

    Args:
        options: The recipe's table `data`.

    Attributes:
        in_words: What is trained on, for the message.

    Raises:
        ValueError: as `Source`; for a class that the data do not have; if nothing, or
            something else than volumes, is left; for keys that make no sense here.
    """

    def __init__(self, options):
        options = given(options)
        only = options.pop("only", None)
        if options.get("flip"):
            raise ValueError("Volumes are not mirrored: leave data.flip out.")
        super().__init__(options, with_labels=False, whole=True)
        if self.images.ndim != 5:
            raise ValueError(
                f"{self.name} holds no volumes but images of "
                f"{'x'.join(map(str, self.image_shape))}: choose another system."
            )
        kept = self.images.reshape(len(self.images), -1).any(axis=1)
        if only is not None:
            kept &= self._labels == self._number_of(only)
        if not kept.any():
            raise ValueError(f"{self.name} holds no volumes that are not empty.")
        self.images, self._labels = self.images[kept], None
        self.num_images = len(self.images)
        sides = "x".join(map(str, self.image_shape[:3]))
        self.in_words = f"{self.num_images} volumes of {sides}"

    def fit_arguments(self, gan, batch_size):
        """As for `Source`; with pictures drawn of the volumes, if the system sees any.

        Each is seen from a side that follows from the model's seed.
        """
        arguments = super().fit_arguments(gan, batch_size)
        if hasattr(gan, "picture_shape"):
            side, _, channels = gan.picture_shape
            sides = np.random.default_rng(gan.seed).uniform(0, 360, len(self.images))
            pictures = [
                draw_volumes(volume[None, ..., 0] > 127, side, azimuth)
                for volume, azimuth in zip(self.images, sides, strict=True)
            ]
            arguments["y"] = np.concatenate(pictures).repeat(channels, axis=-1)
        return arguments

    def _number_of(self, only):
        names = data.class_names(self.name)
        if self._labels is None:
            raise ValueError(f"{self.name} has no classes: leave data.only out.")
        if names is None:
            names = tuple(map(str, range(int(np.max(self._labels)) + 1)))
        if only not in names:
            raise ValueError(
                f"{self.name} has the classes {', '.join(names)}. Found: {only}."
            )
        return names.index(only)
