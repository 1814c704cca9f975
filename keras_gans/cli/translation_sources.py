"""The images that systems of translation train on: pairs, or two domains."""

import functools

from keras_gans import data


class TranslationSource:
    """The pairs, or the two domains, that a recipe names.

    Args:
        options: The recipe's table `data`.
        learns: `"pairs"` or `"domains"`; see `ImageTranslator`.

    Attributes:
        arguments: What the data say about a system's arguments.
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
        self.num_images = len(self._target)
        self.arguments = {"image_shape": shape}
        if learns == "pairs":
            self.arguments["source_channels"] = self._source_shape()[-1]
        else:
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
