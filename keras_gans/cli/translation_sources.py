"""The images that systems of translation train on: pairs, or two domains."""

import functools

from keras_gans import data


class TranslationSource:
    """The pairs, or the two domains, that a recipe names.

    Args:
        options: The recipe's table `data`.
        learns: `"pairs"` or `"domains"`; see `ImageTranslator`.

    Attributes:
        arguments: What the data say about arguments, of those systems that have them.
        image_shape: `(height, width, channels)` of the images made.
        num_images: Pairs, or images of both domains together.

    Raises:
        ValueError: as `data.load_pairs`, `data.load_unpaired` or `data.load`.
    """

    def __init__(self, options, learns):
        options = dict(options)
        self._learns = learns
        self._degradation = options.pop("degradation", None)
        names = ("jitter", "flip")
        self._framing = {n: options.pop(n) for n in names if n in options}
        self._options = options
        self._source, self._target = self._load(options["split"])
        shape = self.image_shape = self._target.shape[1:]
        channels = self._source_shape()[-1]
        self.arguments = {"image_shape": shape, "source_channels": channels}
        self.num_images = len(self._target)
        if learns == "domains":
            self.num_images += len(self._source)

    def _load(self, split):
        options = {**self._options, "split": split}
        name, second = options.pop("name"), options.pop("second", None)
        if self._learns == "domains":
            return data.load_unpaired((name, second) if second else name, **options)
        if self._degradation is not None:
            images, _ = data.load(name, **options)
            return images, images
        return data.load_pairs(name, **options)

    @functools.cached_property
    def _test(self):
        return self._load("test")

    def _source_shape(self):
        if self._degradation is None:
            return self._source.shape[1:]
        return data.degrade(self._source[:1], self._degradation).shape[1:]

    def examples(self, count):
        """A few images to look at, for each direction of a system.

        Args:
            count: Number of them, from the part `"test"` if the data have one.

        Returns:
            For pairs `[(source, target)]`, uint8; for domains, which have no targets,
            `[(a, None), (b, None)]`.
        """
        try:
            images = self._test
        except ValueError:  # it has no such part
            images = self._source, self._target
        source, target = (part[:count] for part in images)
        if self._learns == "domains":
            return [(source, None), (target, None)]
        return [self._degraded(source, target)]

    def held_out(self, count=None):
        """`(source, target)` pairs that training does not see.

        Args:
            count: Number of them; `None` for all.

        Raises:
            ValueError: if there is no part `"test"`, or there are no pairs.
        """
        if self._learns == "domains":
            raise ValueError("Without pairs translations cannot be measured.")
        source, target = self._test
        return self._degraded(source[:count], target[:count])

    def count_classes(self):
        """Number of classes of the first domain."""
        return int(self.labelled()[1].max()) + 1

    def labelled(self, split=None):
        """`(images, labels)` of the first domain, for systems that look at classes.

        Args:
            split: Part of the data; `None` for that of the training.

        Raises:
            ValueError: if there are no labels.
        """
        return self._side(0, split)

    def labelled_target(self, split=None):
        """The same of the second domain."""
        return self._side(1, split)

    def _side(self, side, split):
        options = {**self._options, "split": split or self._options["split"]}
        names = options.pop("name"), options.pop("second", None)
        if names[side] is None:
            raise ValueError(f"{names[0]} has no labels: name two data sets that have.")
        images, labels = data.load(names[side], **options)
        if labels is None:
            raise ValueError(
                f"{names[side]} has no labels, and this system learns from them first: "
                "sort the pictures into one folder per class."
            )
        return images, labels

    def _degraded(self, source, target):
        if self._degradation is not None:
            source = data.degrade(source, self._degradation)
        return source, target

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained.
            batch_size: Images per update.
        """
        options = {"seed": gan.seed, **self._framing}
        if "jitter" in options:
            options["image_size"] = self.image_shape[:2]
        if self._degradation is not None:
            batches = data.DegradedBatches(
                self._target, self._degradation, batch_size, **options
            )
        else:
            kinds = {"pairs": data.PairBatches, "domains": data.UnpairedBatches}
            batches = kinds[self._learns](
                self._source, self._target, batch_size, **options
            )
        return {"x": batches}
