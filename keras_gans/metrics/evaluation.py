"""Samples of a model against real images, beside the floor of real ones."""

import dataclasses
import json
import operator

import numpy as np
import tqdm

from keras_gans.core.files import written_whole
from keras_gans.metrics.agreement import label_agreement
from keras_gans.metrics.feature_cache import cached_features
from keras_gans.metrics.features import (
    FeatureExtractor,
    default_extractor,
    extractor,
)
from keras_gans.metrics.frechet import frechet_distance
from keras_gans.metrics.inception_score import inception_score
from keras_gans.metrics.kernel_distance import kernel_distance
from keras_gans.metrics.likelihood import DRAWS, likelihood
from keras_gans.metrics.memorisation import memorisation_against
from keras_gans.metrics.modes import mode_coverage
from keras_gans.metrics.neighbours import nearest_neighbours
from keras_gans.metrics.precision_recall import density_coverage, precision_recall
from keras_gans.metrics.references import References
from keras_gans.metrics.resizing import resize as resize_images
from keras_gans.metrics.result import Result, table_of

METRICS = (
    "frechet_distance",
    "kernel_distance",
    "precision_recall",
    "density_coverage",
    "inception_score",
    "mode_coverage",
    "label_agreement",
    "memorisation",
    "likelihood",
)
# The values that `fit` logs while a model trains.
LOGGED = {
    "frechet_distance": ("frechet_distance",),
    "kernel_distance": ("kernel_distance",),
    "precision_recall": ("precision", "recall"),
    "density_coverage": ("density", "coverage"),
    "inception_score": ("inception_score",),
    "mode_coverage": ("modes",),
    "label_agreement": ("agreement",),
}
# Samples drawn and looked at together.
_BATCH = 250


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was found of a model's samples, and of real images in their place.

    Args:
        facts: Dict of str to str, int, float or `None`: how it was measured.
        results: The `Result`s of the samples.
        floor: Those of as many real training images in the samples' place, which no
            model needs to beat; empty without training images.

    `evaluation["frechet_distance"]` is the first result of that metric.
    """

    facts: dict
    results: tuple
    floor: tuple = ()

    def __getitem__(self, metric):
        for result in self.results:
            if metric in (result.metric, result.label):
                return result
        raise KeyError(metric)

    def __str__(self):
        facts = self.facts
        against = "/".join(filter(None, (facts["data"], facts["split"])))
        head = (
            f"{facts['num_samples']} samples, seed {facts['seed']}, against {against} "
            f"through {facts['extractor']} (resize {facts['resize']}, k {facts['k']})"
        )
        return f"{head}\n{table_of(self.results, self.floor)}"

    def logs(self):
        """Dict from names of values to floats, as `fit` logs them."""
        return {
            name: value
            for result in self.results
            if result.metric in LOGGED
            for name, value in result.values.items()
            if name in LOGGED[result.metric]
        }

    def to_json(self):
        """Strict JSON: `{"protocol": facts, "results": [...], "floor": [...]}`."""
        table = {
            "protocol": self.facts,
            "results": [json.loads(result.to_json()) for result in self.results],
            "floor": [json.loads(result.to_json()) for result in self.floor],
        }
        return json.dumps(table, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text):
        """What `to_json` wrote; a `ValueError` for anything else."""
        try:
            table = json.loads(text)
            sides = (
                tuple(Result.from_json(json.dumps(item)) for item in table[side])
                for side in ("results", "floor")
            )
            return cls(dict(table["protocol"]), *sides)
        except (TypeError, KeyError, json.JSONDecodeError) as why:
            raise ValueError(f"This is not the JSON of an evaluation: {why}.") from why

    def save(self, path):
        """Writes the JSON, wholly or not at all."""
        with written_whole(path) as temporary:
            temporary.write_text(self.to_json(), "utf-8")


class Evaluator:
    """Measures models against one set of real images, whose features it keeps.

    Args:
        data: Name of a data set as for `keras_gans.data.load`, or uint8 images, or
            `(images, labels)`.
        image_shape: `(height, width, channels)` of the models.
        split: The part of the data that samples are compared with.
        training: The part that the models were trained on: its name, or an array. It
            gives the floor, and what copies are looked for in. `None` for neither.
        extractor: `FeatureExtractor`, or the name of one; `None` for the one that
            suits the data.
        resize: Of a named extractor; see `keras_gans.metrics.extractor`.
        image_size: Pixels, or `(height, width)`, at which images are compared; `None`
            for the models' own. Named data are brought to it, and so are the samples
            of a model that draws others: models of different sizes compare.
        num_samples: Samples and, if there are as many, real images; `None` for as many
            as `split` has, at most 10,000. Figures compare at equal counts only.
        k: Neighbours, for precision, recall, density and coverage.
        metrics: Names in `METRICS`; `None` for all that apply.
        draws: Latents for each image, where `likelihood` is a bound.
        progress: Whether bars show on a terminal.

    Raises:
        ValueError: for an unknown metric or extractor, or a count that is not positive;
            as `keras_gans.data.load`.
    """

    def __init__(
        self,
        data,
        image_shape,
        split="test",
        training="train",
        extractor=None,
        resize="clean",
        image_size=None,
        num_samples=None,
        k=5,
        metrics=None,
        draws=DRAWS,
        progress=True,
    ):
        if len(image_shape) != 3:
            raise ValueError(
                f"Samples of images are measured; this model draws {image_shape}."
            )
        unknown = sorted(set(metrics or ()) - set(METRICS))
        if unknown:
            raise ValueError(
                f"There is no metric {', '.join(unknown)}. Known: {', '.join(METRICS)}."
            )
        self.metrics = METRICS if metrics is None else tuple(metrics)
        self._size = tuple(image_shape[:2])
        if image_size is not None:
            from keras_gans.data.pixels import as_size

            self._size = as_size(image_size)
        shape = (*self._size, image_shape[-1])
        self.references = References(data, split, training, shape)
        self.num_samples = self.references.count(num_samples)
        self.extractor = _chosen(extractor, data, image_shape, resize)
        self.k, self.draws, self._progress = k, draws, progress
        self._floor, self._real, self._distances = None, {}, {}

    @property
    def floor(self):
        """`Result`s of training images in the place of samples."""
        if self._floor is None:
            self._floor = ()
            if self.references.training is not None and self._draws_samples:
                chosen = self.references.some("training", self.num_samples)
                found = self._features("training")[chosen]
                labels = self.references.training_labels
                asked = None if labels is None else labels[chosen]
                self._floor = tuple(self._figures(found, asked))
        return self._floor

    def evaluate(self, gan, seed=0, truncation=None):
        """Draws samples as they are served, and measures them.

        Args:
            gan: An `AdversarialModel`. Its moving average samples, where it has one;
                samples are rounded to uint8; classes are drawn as often as the real
                images have them.
            seed: Integer, of samples and their classes.
            truncation: As for `gan.sample`.

        Returns:
            `Evaluation`.
        """
        seed = operator.index(seed)  # NumPy's integers have no JSON
        results = []
        if self._draws_samples:
            labels = self._labels_for(gan, seed)
            images = self._samples(gan, labels, seed, truncation)
            found = self.extractor(images, self._says("features"))
            results = [*self._figures(found, labels), *self._copies(found, images)]
        results += self._likelihood(gan, seed)
        if not results:
            raise ValueError(
                f"{type(gan).__name__} says of no images of {self._size} pixels how "
                "likely they are: ask for other metrics."
            )
        results = [dataclasses.replace(r, seed=seed) for r in results]
        return Evaluation(
            self._facts(gan, seed, truncation), tuple(results), self.floor
        )

    @property
    def _draws_samples(self):
        """Whether anything but the likelihood of real images is asked for."""
        return self.metrics != ("likelihood",)

    def _likelihood(self, gan, seed):
        """How likely the model finds the real images, if it says so."""
        if "likelihood" not in self.metrics or not hasattr(
            gan, "negative_log_likelihood"
        ):
            return []
        if self._size != gan.image_shape[:2]:
            return []  # likelihoods of images of another size compare with none
        real = self.references.real[self.references.some("real", self.num_samples)]
        return [likelihood(gan, real, self.references.label, seed, self.draws)]

    def _facts(self, gan, seed, truncation):
        from keras_gans.version import __version__

        return {
            "system": type(gan).__name__,
            "data": self.references.name,
            "split": self.references.split_name,
            "training": self.references.training_name,
            **dataclasses.asdict(self.extractor.protocol()),
            "image_size": list(self._size),
            "num_samples": self.num_samples,
            "seed": seed,
            "truncation": truncation,
            "k": self.k,
            "keras_gans_version": __version__,
        }

    def _labels_for(self, gan, seed):
        if gan.num_classes is None:
            return None
        real = self.references.real_labels
        if real is None:
            return np.arange(self.num_samples) % gan.num_classes
        return np.random.default_rng(seed).choice(real, self.num_samples)

    def _samples(self, gan, labels, seed, truncation):
        from keras_gans.data import to_uint8

        hidden = None if self._progress else True
        batches = gan.sample_batches(
            self.num_samples, seed, labels, truncation, batch_size=_BATCH
        )
        with tqdm.tqdm(
            total=self.num_samples,
            desc="samples",
            unit="image",
            disable=hidden,
            leave=False,
        ) as bar:
            drawn = []
            for batch in batches:
                drawn.append(self._sized(to_uint8(batch)))
                bar.update(len(batch))
        return np.concatenate(drawn)

    def _sized(self, images):
        """uint8 images at the size of the comparison."""
        if images.shape[1:3] == self._size:
            return images
        return np.rint(resize_images(images, self._size, "clean")).astype("uint8")

    def _figures(self, found, asked):
        """Results of features in the samples' place, in the order of `METRICS`."""
        real = self._real_rows(self.extractor)
        protocol = self.extractor.protocol(self.references.label)
        sides = {"real": real.rows, "generated": found.rows, "protocol": protocol}
        # Subsets of 1000, unless that is all there is: then once, without a spread.
        subsets = 100 if min(len(real), len(found)) > 1000 else None
        classifier = {"protocol": self.extractor.protocol()}
        makers = {
            "frechet_distance": lambda: frechet_distance(**sides),
            "kernel_distance": lambda: kernel_distance(**sides, num_subsets=subsets),
            "precision_recall": lambda: precision_recall(**sides, k=self.k),
            "density_coverage": lambda: density_coverage(**sides, k=self.k),
        }
        if found.logits is not None and len(found) >= 10:
            classes = found.logits.shape[1]
            # Shuffled: data sets may be ordered by class.
            makers["inception_score"] = lambda: inception_score(
                found.logits, shuffle_seed=2020, **classifier
            )
            makers["mode_coverage"] = lambda: mode_coverage(
                found.logits.argmax(axis=1), classes, **classifier
            )
            if asked is not None and self._are_classes(asked, classes):
                makers["label_agreement"] = lambda: label_agreement(
                    asked, found.logits, **classifier
                )
        return [make() for name, make in makers.items() if name in self.metrics]

    def _are_classes(self, asked, classes):
        # Labels may say something else than what the classifier tells apart, as those
        # of two domains do; so it goes by all labels of the real images.
        known = self.references.real_labels
        return asked.max() < classes and (known is None or known.max() == classes - 1)

    def _copies(self, found, images):
        """Memorisation, among features and among pixels."""
        if self.references.training is None or "memorisation" not in self.metrics:
            return []
        results = []
        pixels = extractor("pixels")
        for looking in (self.extractor, pixels):
            rows = found.rows if looking is not pixels else pixels(images).rows
            training = self._features("training", looking).rows
            if looking.name not in self._distances:
                real = self._real_rows(looking).rows
                found_real = nearest_neighbours(real, training)[0][:, 0]
                self._distances[looking.name] = found_real
            results.append(
                memorisation_against(
                    self._distances[looking.name],
                    rows,
                    training,
                    looking.protocol(self.references.label),
                )
            )
        return results

    def _real_rows(self, looking):
        return self._features("real", looking)[
            self.references.some("real", self.num_samples)
        ]

    def _features(self, side, looking=None):
        looking = looking or self.extractor
        images = getattr(self.references, side)
        if looking.name == "pixels":
            return looking(images)
        if (side, looking.name) not in self._real:
            self._real[side, looking.name] = cached_features(
                looking, images, self.references.label_of(side), self._says(side)
            )
        return self._real[side, looking.name]

    def _says(self, what):
        return what if self._progress else None


def evaluate_samples(gan, data, seed=0, truncation=None, **options):
    """Measures the samples of a model once; see `Evaluator` and its `evaluate`.

    Args:
        gan: An `AdversarialModel` of images.
        data: As for `Evaluator`.
        seed: Integer.
        truncation: As for `gan.sample`.
        **options: Of `Evaluator`.

    Returns:
        `Evaluation`.
    """
    return Evaluator(data, gan.image_shape, **options).evaluate(gan, seed, truncation)


def _chosen(wanted, data, image_shape, resize):
    if isinstance(wanted, FeatureExtractor):
        return wanted
    if wanted is None:
        wanted = default_extractor(data if isinstance(data, str) else "", image_shape)
    return extractor(wanted, resize)
