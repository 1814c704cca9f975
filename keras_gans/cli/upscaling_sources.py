"""The pictures that systems of super-resolution train on."""

import functools
import inspect

import numpy as np

from keras_gans import data


class UpscalingSource:
    """The pictures, of any sizes, that a recipe names, and their low resolutions.

    The same to `runs` as a `TranslationSource`.

    Args:
        options: The recipe's table `data`.
        scale: By how much the low resolution is smaller.
        image_shape: That of the system, if its arguments say so; else crops are of
            96 pixels, or of as many as the pictures have.

    Attributes:
        arguments: What the data say about a system's arguments.
        image_shape: `(height, width, channels)` of the crops.
        num_images: Number of the pictures.

    Raises:
        ValueError: as `data.load_pictures`, or for pictures without room for a crop.
    """

    def __init__(self, options, scale, image_shape=None):
        self._options, self._scale = dict(options), scale
        self.pictures = self._load(options["name"], options["split"])
        self.num_images = len(self.pictures)
        side = options.get("image_size") or (image_shape and image_shape[0])
        if side is None:
            side = min(96, *(min(picture.shape[:2]) for picture in self.pictures))
            # Discriminators halve it up to five times.
            side -= side % min(32, side)
        if not isinstance(side, int):
            raise ValueError(
                f"Crops are squares: give their side. Found: image_size={side}."
            )
        self.image_shape = (side, side, self.pictures[0].shape[-1])
        self.arguments = {"image_shape": self.image_shape}

    @classmethod
    def of(cls, recipe, system):
        """The source of a recipe.

        Args:
            recipe: What `recipes.with_defaults` returned.
            system: The class it names.
        """
        default = inspect.signature(system).parameters["scale"].default
        arguments = recipe["arguments"]
        scale = arguments.get("scale", default)
        return cls(recipe["data"], scale, arguments.get("image_shape"))

    def _load(self, name, split):
        keys = ("color_mode", "on_damaged")
        kept = {key: self._options[key] for key in keys if key in self._options}
        return data.load_pictures(name, split, **kept)

    @functools.cached_property
    def _test(self):
        if "test" in self._options:
            return self._load(self._options["test"], "train")
        return self._load(self._options["name"], "test")

    def examples(self, count):
        """`[(low, high)]` of crops from the middle of a few pictures.

        Args:
            count: Number of them, from what training does not see if there is such.
        """
        try:
            pictures = self._test
        except ValueError:  # it has no part "test"
            pictures = self.pictures
        side = self.image_shape[0]
        fitting = [p for p in pictures if min(p.shape[:2]) >= side][:count]
        crops = [_middle(picture, side) for picture in fitting]
        return [(np.stack([self._low(crop) for crop in crops]), np.stack(crops))]

    def held_out(self, count=None):
        """`(low, high)`, lists of whole pictures that training does not see.

        The high ones are cut to multiples of the scale.

        Args:
            count: Number of them; `None` for all.

        Raises:
            ValueError: if there are none.
        """
        high = [data.whole_part(p, self._scale) for p in self._test[:count]]
        return [self._low(picture) for picture in high], high

    def _low(self, high):
        spoil = self._degradation()
        if spoil is None:
            return data.shrink(high, self._scale)
        return spoil(high, np.random.RandomState(0))

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained.
            batch_size: Crops per update.
        """
        batches = data.CropBatches(
            self.pictures,
            batch_size,
            self._scale,
            self.image_shape[0],
            self._options.get("crops", 1),
            self._options["flip"],
            gan.seed,
            degradation=self._degradation(),
        )
        return {"x": batches}

    def _degradation(self):
        name = self._options.get("degradation")
        if name not in (None, "real_world"):
            raise ValueError(
                "Low resolutions are made by bicubic reduction or by degradation = "
                f"'real_world'. Found: {name!r}."
            )
        return name and data.RealWorld(self._scale)


def _middle(picture, side):
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]
