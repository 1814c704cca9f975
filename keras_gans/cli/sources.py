"""The data of a run: arrays in memory, or a pipeline that reads as it goes."""

import keras
import numpy as np

from keras_gans import data
from keras_gans.data.domains import TRANSFORMS
from keras_gans.data.pixels import COLOR_MODES


def both_domains(table, split, seed):
    """A part of data of two domains: what a system of two is measured against.

    Args:
        table: A recipe's full table `data`, with the key `second`.
        split: Part of the data.
        seed: As for `Source`.

    Returns:
        `(images, domains)`: all images, and 0 or 1 for each.
    """
    table = {**table, "split": split}
    return Source(table, with_labels=False, whole=True, seed=seed).both_domains()


def given(options):
    """Of the options of a recipe's table those that are not `None`."""
    return {key: value for key, value in options.items() if value is not None}


class Source:
    """The images that a recipe names, in the form that suits them.

    A folder is read batch by batch, as it may not fit into memory; what is to be
    mirrored goes through a pipeline too. All else is arrays, which need no TensorFlow.

    Args:
        options: The recipe's table `data`.
        with_labels: Whether the system trains on `(images, labels)`.
        whole: Whether all images must be at hand at once.
        seed: Integer, from which halves and hidden labels follow.

    Attributes:
        arguments: What the data say about a system's arguments.
        image_shape: `(height, width, channels)`.
        num_images: Their number, in both domains where there are two.
        images: uint8 array, or `None` for a folder read batch by batch.
        second: Those of the second domain, or `None`.

    Raises:
        ValueError: if labels are wanted and there are none, or as `data.load`.
    """

    def __init__(self, options, with_labels, whole, seed=0):
        options = dict(options)
        self.name, self.flip = options.pop("name"), options.pop("flip")
        second = options.pop("second", None)
        labels_per_class = options.pop("labels_per_class", None)
        self._options, self._with_labels = options, with_labels
        self.images = self._labels = self.second = None
        whole = whole or second is not None
        if not whole and _is_streamed(self.name):
            # Batches of one, of which none is read: only shape and number are asked.
            probe = data.pipeline(self.name, 1, **options)
            self.image_shape = tuple(probe.element_spec.shape[1:])
            self.num_images = len(probe)
            unlabelled = data.class_names(self.name) is None
        else:
            self.images, self._labels = data.load(self.name, **options)
            self.image_shape = self.images.shape[1:]
            self.num_images = len(self.images)
            unlabelled = self._labels is None
        if with_labels and unlabelled:
            raise ValueError(
                f"{self.name} has no labels, and this system learns classes: sort the "
                "pictures into one folder per class, or choose another system."
            )
        if labels_per_class is not None:
            self._labels = data.hide_labels(self._labels, labels_per_class, seed)
        if second is not None:
            self._add(second, seed)

    def _add(self, second, seed):
        """A second domain: half of the images, changed; or other images alike."""
        if second in TRANSFORMS:
            labels = (
                np.zeros(len(self.images)) if self._labels is None else self._labels
            )
            halves = data.split_domains(self.images, second, seed, labels)
            (self.images, labels), (self.second, _) = halves
            self._labels = None if self._labels is None else labels
        else:
            height, width, channels = self.image_shape
            color_mode = COLOR_MODES.get(channels)
            options = {"image_size": (height, width), "color_mode": color_mode}
            self.second, _ = data.load(second, **{**self._options, **options})
        self.num_images = len(self.images) + len(self.second)

    @property
    def arguments(self):
        """See above."""
        return {"image_shape": self.image_shape}

    def both_domains(self):
        """`(images, domains)`: all images, and 0 or 1 for each."""
        both = (self.images, self.second)
        return np.concatenate(both), np.repeat([0, 1], [len(part) for part in both])

    def labelled(self):
        """`(images, labels)`, for what a system trains first; all are in memory."""
        return self.images, self._labels

    def count_classes(self):
        """Number of classes: of names if the source has them, else of labels."""
        names = data.class_names(self.name)
        return len(names) if names else int(self._labels.max()) + 1

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained.
            batch_size: Images per update.
        """
        x, y = self.images, self._labels if self._with_labels else None
        if self.second is not None:
            x, y = (x if y is None else (x, y)), self.second
        if self.images is not None and not self.flip:
            return {"x": x, "y": y, "batch_size": batch_size}
        if self.images is None:
            source, options, labels = self.name, self._options, self._with_labels
        else:
            source, options, labels = gan.arrays_of(x, y), {}, None
        batches = data.pipeline(
            source,
            # A step of k critic updates on fresh data reads k batches at once.
            batch_size * gan.updates_per_batch,
            labels=labels,
            seed=gan.seed,
            flip=self.flip,
            **options,
        )
        return {"x": batches}


def _is_streamed(name):
    return keras.backend.backend() == "tensorflow" and data.locate(name)[0] == "folder"
