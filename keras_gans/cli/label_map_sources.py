"""The label maps that systems like pix2pixHD train on."""

import functools

import keras

from keras_gans import data


class LabelMapSource:
    """The folder of label maps, instance maps and pictures that a recipe names.

    The same to `runs` as a `TranslationSource`.

    Args:
        options: The recipe's table `data`.
        with_instances: Whether the system takes instance maps.

    Attributes:
        arguments: What the data say about a system's arguments.
        image_shape: `(height, width, channels)` of the pictures.
        num_images: Their number.

    Raises:
        ValueError: as `data.load_label_maps`, or for keys that make no sense here.
    """

    def __init__(self, options, with_instances):
        options = {key: value for key, value in options.items() if value is not False}
        if unfit := sorted(set(options) - {"name", "split", "image_size"}):
            raise ValueError(f"Label maps take no data.{unfit[0]}: leave it out.")
        self._options, self._with_instances = options, with_instances
        self._maps, self._images = self._load(options["split"])
        self.image_shape = self._images.shape[1:]
        self.num_images = len(self._images)
        self.arguments = {"image_shape": self.image_shape}

    def _load(self, split):
        labels, instances, images = data.load_label_maps(
            self._options["name"], split, self._options.get("image_size")
        )
        if not self._with_instances:
            return labels, images
        if instances is None:
            raise ValueError(
                f"There are no instance maps ({split}_inst): add them, or leave the "
                "boundaries of instances out with --set instance_edges=false."
            )
        return (labels, instances), images

    def count_classes(self):
        """Number of classes, the largest number in a map and one."""
        labels = self._maps[0] if self._with_instances else self._maps
        return int(labels.max()) + 1

    @functools.cached_property
    def _test(self):
        return self._load("test")

    def examples(self, count):
        """`[(sources, images)]` of a few, from the part `"test"` if there is one.

        Args:
            count: Number of them.
        """
        try:
            return [self.held_out(count)]
        except ValueError:  # it has no such part
            return [_first(count, (self._maps, self._images))]

    def held_out(self, count=None):
        """`(sources, images)` that training does not see.

        Args:
            count: Number of them; `None` for all.

        Raises:
            ValueError: if there is no part `"test"`.
        """
        return _first(count, self._test)

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained.
            batch_size: Images per update.
        """
        return {"x": self._maps, "y": self._images, "batch_size": batch_size}


def _first(count, arrays):
    return keras.tree.map_structure(lambda array: array[:count], arrays)
