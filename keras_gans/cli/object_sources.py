"""The pictures with boxes that detectors train on."""

from keras_gans import data
from keras_gans.cli.sources import given
from keras_gans.data.pixels import COLOR_MODES

_OPTIONS = ("split", "image_size", "color_mode", "fit")


class ObjectSource:
    """The pictures that a recipe names, and the boxes of what is in them.

    Args:
        options: The recipe's table `data`.

    Attributes:
        arguments: What the data say about a system's arguments.
        image_shape: `(height, width, channels)`.
        num_images: Their number.
        in_words: What is trained on, for the message.

    Raises:
        ValueError: as `data.load_detection`, or for keys that make no sense here.
    """

    def __init__(self, options):
        options = given(options)
        if options.pop("flip", False):
            raise ValueError(
                "Pictures with boxes are not mirrored here: leave data.flip out."
            )
        self._name = options.pop("name")
        if unknown := sorted(set(options) - set(_OPTIONS)):
            raise ValueError(
                f"Detectors take no data.{unknown[0]}; they take name, "
                f"{', '.join(_OPTIONS)}."
            )
        self._options = options
        self._data = data.load_detection(self._name, **options)
        self.image_shape = self._data.images.shape[1:]
        self.num_images = len(self._data.images)
        height, width, channels = self.image_shape
        number = int((self._data.objects["labels"] >= 0).sum())
        self.in_words = (
            f"{number} objects of {self.count_classes()} classes in {self.num_images} "
            f"images of {height}x{width}x{channels}"
        )

    @property
    def arguments(self):
        """See above."""
        names = self._data.class_names
        return {
            "image_shape": self.image_shape,
            "num_classes": len(names),
            "class_names": list(names),
        }

    @property
    def objects(self):
        """Dict of `boxes` and `labels`."""
        return self._data.objects

    def count_classes(self):
        """Number of classes."""
        return len(self._data.class_names)

    def held_out(self):
        """`DetectionData` of the part `test`, in which ignored objects are kept.

        Where there is no such part, or it is trained on: what is trained on.
        """
        options = {**self._options, "image_size": self.image_shape[:2]}
        if options.get("split", "train") in ("test", "all"):
            return self._data
        options["color_mode"] = COLOR_MODES[self.image_shape[-1]]
        try:
            return data.load_detection(
                self._name, **{**options, "split": "test", "ignored": "keep"}
            )
        except ValueError:
            return self._data

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained; it works with boxes as they are in the data.
            batch_size: Images per update.

        Raises:
            ValueError: for a system with another bounding box format.
        """
        if gan.bounding_box_format != "yxyx" or gan.learns_from_proposals:
            raise ValueError(
                "Recipes train on boxes of the format yxyx, without proposals: leave "
                "bounding_box_format and proposals out."
            )
        return {
            "x": self._data.images,
            "y": self._data.objects,
            "batch_size": batch_size,
        }
