"""The data of a run: arrays in memory, or a pipeline that reads as it goes."""

import keras

from keras_gans import data


class Source:
    """The images that a recipe names, in the form that suits them.

    A folder is read batch by batch, as it may not fit into memory; what is to be
    mirrored goes through a pipeline too. All else is arrays, which need no TensorFlow.

    Args:
        options: The recipe's table `data`.
        with_labels: Whether the system trains on `(images, labels)`.
        whole: Whether all images must be at hand at once.

    Attributes:
        image_shape: `(height, width, channels)`.
        num_images: Their number.
        images: uint8 array, or `None` for a folder read batch by batch.

    Raises:
        ValueError: if labels are wanted and there are none, or as `data.load`.
    """

    def __init__(self, options, with_labels, whole):
        options = dict(options)
        self.name, self.flip = options.pop("name"), options.pop("flip")
        self._options, self._with_labels = options, with_labels
        self.images = self._labels = None
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
        labels = self._labels if self._with_labels else None
        if self.images is not None and not self.flip:
            return {"x": self.images, "y": labels, "batch_size": batch_size}
        source, options = self.images, {}
        if source is None:
            source, options, labels = self.name, self._options, self._with_labels
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
