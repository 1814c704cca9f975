"""The contents and styles that systems like AdaIN train on."""

import functools

import numpy as np

from keras_gans import data

# A painting is kept at so many times the side of what is cut out of it.
_LARGER = 4


class StyleSource:
    """The contents, and the paintings, that a recipe names.

    The same to `runs` as a `TranslationSource`. Contents are shown as they are; out of
    the paintings a part is cut for each of them, anew in each epoch.

    Args:
        options: The recipe's table `data`: `name`, `split` and `image_size` of the
            contents, `also` of further ones, `second` of the paintings, `style_size`,
            their side (four times that of the contents), and `flip`.

    Attributes:
        arguments: What the data say about a system's arguments.
        image_shape: `(height, width, channels)` of the contents.
        num_images: Their number.
        styles: The paintings, uint8 squares.

    Raises:
        ValueError: as `data.load`, for contents of several sizes, or for keys that make
            no sense here.
    """

    def __init__(self, options):
        options = {key: value for key, value in options.items() if value is not False}
        known = {"name", "also", "split", "image_size", "second", "style_size", "flip"}
        if unfit := sorted(set(options) - known):
            raise ValueError(f"Styles take no data.{unfit[0]}: leave it out.")
        if "second" not in options:
            raise ValueError("data.second names the paintings that give the styles.")
        self._names = [options["name"], *options.get("also", ())]
        self._options = options
        self._parts = self._load(options["split"])
        side = options.get("style_size", _LARGER * min(self._parts[0][0].shape[1:3]))
        # Whole paintings, as squares.
        self.styles = data.load(options["second"], "all", side, color_mode="rgb")[0]
        self.image_shape = self._contents.shape[1:]
        self.num_images = len(self._contents)
        self.arguments = {"image_shape": self.image_shape}

    def _load(self, split):
        size = self._options.get("image_size")
        parts = [data.load(name, split, size, color_mode="rgb") for name in self._names]
        shapes = {images.shape[1:] for images, _ in parts}
        if len(shapes) > 1:
            raise ValueError(
                f"The contents have the sizes {sorted(shapes)}: set data.image_size."
            )
        return parts

    @functools.cached_property
    def _contents(self):
        return np.concatenate([images for images, _ in self._parts])

    @functools.cached_property
    def _test(self):
        try:
            parts = self._load("test")
        except ValueError:  # they have no such part
            parts = self._parts
        # In turn one of each, that a few are some of all.
        least = min(len(images) for images, _ in parts)
        images = np.stack([images[:least] for images, _ in parts], axis=1)
        return images.reshape(-1, *images.shape[2:])

    def examples(self, count):
        """`[((contents, styles), None)]` of a few, each style whole.

        Args:
            count: Number of them.
        """
        return [(self.held_out(count), None)]

    def held_out(self, count=None):
        """`(contents, styles)`: contents of the part `"test"` if there is one.

        Args:
            count: Number of them; `None` for all.
        """
        contents = self._test[:count]
        styles = data.resize(self.styles, self.image_shape[:2])
        return contents, styles[np.arange(len(contents)) % len(styles)]

    def labelled(self):
        """`(contents, labels)`, the classes of each data set after those of the last.

        Raises:
            ValueError: if there are no labels.
        """
        labels, first = [], 0
        for name, (_, own) in zip(self._names, self._parts, strict=True):
            if own is None:
                raise ValueError(
                    f"{name} has no labels, from which the encoder learns first: sort "
                    "the pictures into one folder per class, or take the encoder of a "
                    "preset with pretraining.preset."
                )
            labels.append(np.asarray(own) + first)
            first += int(own.max()) + 1
        return self._contents, np.concatenate(labels)

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained.
            batch_size: Images per update.
        """
        batches = data.UnpairedBatches(
            self._contents,
            self.styles,
            batch_size,
            flip=self._options.get("flip", False),
            seed=gan.seed,
            image_size=self.image_shape[:2],
        )
        return {"x": batches}
