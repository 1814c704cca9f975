"""`AnomalyDetector`: a system that says how unlike its training data an image is."""

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks, gradients
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream
from keras_gans.core.thresholds import checked_rate, threshold_at


class AnomalyDetector(AdversarialModel):
    """An `AdversarialModel`, trained on normal images, that scores any others.

    Its own image that comes nearest to the one asked about is its reconstruction; what
    that lacks is anomalous. A system says in `findings` what it finds, and makes its
    threshold in the constructor (`make_threshold`).

    Attributes:
        threshold: Variable; images with larger scores count as anomalous. It is
            infinite until `calibrate` has seen normal images, and saved with the
            model.
        false_alarm_rate: Share of normal images that may be called anomalous.
    """

    # For those who ask whether a picture fits; see `served_translations.sides_fit`.
    any_size = False
    size_multiple = 1

    def findings(self, images, stream, **options):
        """What `score` and a served model say of a batch; all rows by themselves.

        Args:
            images: float32 tensor in [-1, 1].
            stream: A `CounterStream`, for systems that draw.
            **options: Those of `scoring_options`.

        Returns:
            Dict of name to a tensor with a row per image: `score`, its parts if it has
            any, and `reconstruction`, an image.
        """
        raise NotImplementedError

    @property
    def scoring_options(self):
        """Dict of the options of `findings`, as the model was built with them."""
        return {}

    @property
    def judge(self):
        """The network whose features are compared."""
        raise NotImplementedError

    def make_threshold(self, false_alarm_rate):
        """Adds the threshold; to be called by the constructor.

        Args:
            false_alarm_rate: In (0, 1).

        Raises:
            ValueError: for another rate.
        """
        self.false_alarm_rate = checked_rate(false_alarm_rate)
        self.threshold = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(float("inf")),
            trainable=False,
            aggregation="only_first_replica",
            name="threshold",
        )

    def examine(self, images, seed=0, batch_size=64, first_row=0, **options):
        """All that is found about images.

        What is found about image i depends on it, on `seed` and on i alone, not on the
        others or on `batch_size`.

        Args:
            images: `(num_images, *image_shape)`, uint8 or floats in [-1, 1].
            seed: Integer in [0, 2**63), for systems that draw.
            batch_size: Images computed at a time.
            first_row: What the first image counts as, for images in several calls.
            **options: Other values of `scoring_options`.

        Returns:
            Dict of numpy arrays with a row per image: `score`, its parts,
            `reconstruction` in [-1, 1], and `heatmap`, the mean over channels of the
            distance to it, `(num_images, height, width, 1)` in [0, 2].

        Raises:
            ValueError: for images that the system could not have made, or options
                that it does not have.
        """
        self.check_scorable(images, options)
        run = self._compiled_findings({**self.scoring_options, **options})
        seed = np.array([seed & 0xFFFFFFFF, seed >> 32], "uint32")
        found = []
        for start in range(0, len(images), batch_size):
            part = images[start : start + batch_size]
            rows = len(part)
            if start:  # One graph for all: rows do not see each other.
                part = np.concatenate([part, images[: batch_size - rows]])
            row = np.uint32(first_row + start)
            values = run(ops.convert_to_tensor(part), *map(_tensor, (*seed, row)))
            found.append({k: ops.convert_to_numpy(v)[:rows] for k, v in values.items()})
        return {k: np.concatenate([one[k] for one in found]) for k in found[0]}

    def check_scorable(self, images, options=()):
        """Checks what `score` was given.

        Args:
            images: As for `examine`.
            options: Names of options.

        Raises:
            ValueError: as `examine`.
        """
        checks.check_images(images, self.image_shape)
        if unknown := sorted(set(options) - set(self.scoring_options)):
            raise ValueError(
                f"{type(self).__name__} scores with the options "
                f"{sorted(self.scoring_options)}. Found: {', '.join(unknown)}."
            )

    def score(self, images, seed=0, batch_size=64, **options):
        """How unlike the training data images are; the more, the larger.

        Args:
            images: As for `examine`, like all others.
            seed: Integer.
            batch_size: Images computed at a time.
            **options: Options.

        Returns:
            numpy float32 array `(num_images,)`.
        """
        return self.examine(images, seed, batch_size, **options)["score"]

    def heatmap(self, images, seed=0, batch_size=64, **options):
        """Where images differ from their reconstructions.

        Args:
            images: As for `examine`, like all others.
            seed: Integer.
            batch_size: Images computed at a time.
            **options: Options.

        Returns:
            numpy float32 array `(num_images, height, width, 1)` in [0, 2].
        """
        return self.examine(images, seed, batch_size, **options)["heatmap"]

    def calibrate(self, normals, false_alarm_rate=None, seed=0, batch_size=64):
        """Chooses the threshold on normal images that were not trained on.

        A new normal image of the same kind is then called anomalous with at most the
        stated probability, over the draw of all these images.

        Args:
            normals: As for `examine`: normal images, of which none may be from the
                training or the test set.
            false_alarm_rate: In (0, 1); `None` for the one that the model has.
            seed: As for `examine`.
            batch_size: As for `examine`.

        Returns:
            The threshold, float.

        Raises:
            ValueError: for too few images for the rate.

        Reference: Vovk et al. 2005, Algorithmic learning in a random world, section
        2.1: the rank of a score among exchangeable ones is uniform.
        """
        if false_alarm_rate is not None:
            self.false_alarm_rate = checked_rate(false_alarm_rate)
        scores = self.score(normals, seed, batch_size)
        self.threshold.assign(threshold_at(scores, self.false_alarm_rate))
        return float(ops.convert_to_numpy(self.threshold))

    def is_anomalous(self, images, seed=0, batch_size=64):
        """Which images have a score above the threshold.

        Args:
            images: As for `examine`, like all others.
            seed: Integer.
            batch_size: Images computed at a time.

        Returns:
            numpy bool array `(num_images,)`.

        Raises:
            ValueError: as `examine`; or if there is no threshold yet.
        """
        if not self.is_calibrated:
            raise ValueError(
                "There is no threshold yet: call calibrate(normals) on normal images "
                "that were not trained on."
            )
        threshold = ops.convert_to_numpy(self.threshold)
        return self.score(images, seed, batch_size) > threshold

    @property
    def is_calibrated(self):
        """Whether a threshold was chosen."""
        return bool(np.isfinite(ops.convert_to_numpy(self.threshold)))

    @property
    def served_variables(self):
        """Those that sample, and those that judge."""
        return [*super().served_variables, *self.judge.variables, self.threshold]

    def served(self):
        """What `export` writes; see `keras_gans.core.served_scores`."""
        from keras_gans.core.served_scores import served_scores

        return served_scores(self)

    def found_in(self, images, stream, **options):
        """`findings`, and the `heatmap` that follows from them.

        Args:
            images: As for `findings`, like all others.
            stream: Stream.
            **options: Options.
        """
        found = self.findings(images, stream, **options)
        found = {name: ops.cast(value, "float32") for name, value in found.items()}
        residual = ops.abs(images - found["reconstruction"])
        return {**found, "heatmap": ops.mean(residual, axis=-1, keepdims=True)}

    def _compiled_findings(self, options):
        known = self.__dict__.setdefault("_scoring_graphs", {})
        key = tuple(sorted(options.items()))
        if key not in known:

            def run(images, low, high, first_row):
                stream = CounterStream((low, high), first_row)
                return self.found_in(scaled(images), stream, **options)

            known[key] = gradients.compiled(run, self.served_variables)
        return known[key]


def _tensor(number):
    return ops.convert_to_tensor(number)
