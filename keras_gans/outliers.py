"""scikit-learn's conventions for outlier detectors, around `AnomalyDetector`s."""

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from keras_gans.core.thresholds import checked_rate


class OutlierDetector(OutlierMixin, BaseEstimator):
    """A system that finds anomalies, as scikit-learn's tools take it.

    Larger values are more normal here, as in scikit-learn: `score_samples` is minus
    `score`, and `decision_function` is `score_samples - offset_`, negative for
    outliers. The offset is chosen on images held out from `fit`, at the stated
    false-alarm rate.

    Args:
        system: Name of a system, `"f_anogan"` or `"anogan"`.
        arguments: Dict of its constructor's arguments; `None` for the paper's. The
            shape of images is that of the data.
        optimizers: Dict of `<player>_optimizer` for `compile`; `None` for the paper's.
        epochs: Passes over the data.
        batch_size: Images per update.
        held_out: Share of the data that chooses the offset, in (0, 1).
        false_alarm_rate: Share of normal images that may be called outliers.
        random_state: Integer, the system's seed.
        verbose: As for `keras.Model.fit`.

    Attributes:
        detector_: The trained `AnomalyDetector`.
        offset_: Minus its threshold.
        n_features_in_: Number of values of an image.

    Example:

    >>> from keras_gans.outliers import OutlierDetector
    >>> detector = OutlierDetector("anogan", epochs=20).fit(normal_images)
    >>> detector.predict(images)  # 1 for normal images, -1 for outliers
    """

    def __init__(
        self,
        system="f_anogan",
        arguments=None,
        optimizers=None,
        epochs=20,
        batch_size=64,
        held_out=0.1,
        false_alarm_rate=0.05,
        random_state=0,
        verbose=0,
    ):
        self.system = system
        self.arguments = arguments
        self.optimizers = optimizers
        self.epochs = epochs
        self.batch_size = batch_size
        self.held_out = held_out
        self.false_alarm_rate = false_alarm_rate
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Trains on normal images.

        Args:
            X: `(num_images, height, width, channels)`, uint8 or floats in [-1, 1].
            y: Not used; there for scikit-learn.

        Returns:
            The detector itself.

        Raises:
            ValueError: for what is no array of images, a system that finds no
                anomalies, or too few images held out for the rate.
        """
        import keras_gans as kg

        images = _images(X)
        kind = kg.get_system(self.system)
        if not issubclass(kind, kg.AnomalyDetector):
            raise ValueError(f"{kind.__name__} finds no anomalies: take 'f_anogan'.")
        checked_rate(self.false_alarm_rate)
        given = {"image_shape": images.shape[1:], "seed": self.random_state}
        given["false_alarm_rate"] = self.false_alarm_rate
        gan = kind(**{**given, **(self.arguments or {})})
        order = np.random.default_rng(self.random_state).permutation(len(images))
        count = round(self.held_out * len(images))
        gan.compile(**(self.optimizers or {}))
        gan.fit(
            images[order[count:]],
            batch_size=self.batch_size,
            epochs=self.epochs,
            verbose=self.verbose,
        )
        self.offset_ = -gan.calibrate(images[order[:count]], self.false_alarm_rate)
        self.detector_ = gan
        self.n_features_in_ = int(np.prod(images.shape[1:]))
        return self

    def score_samples(self, X):
        """Minus the anomaly scores: the larger, the more normal.

        Args:
            X: As for `fit`.

        Returns:
            float array `(num_images,)`.
        """
        check_is_fitted(self, "detector_")
        return -self.detector_.score(_images(X)).astype("float64")

    def decision_function(self, X):
        """`score_samples(X) - offset_`: negative for outliers.

        Args:
            X: As for `fit`.

        Returns:
            float array `(num_images,)`.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """1 for normal images, -1 for outliers.

        Args:
            X: As for `fit`.

        Returns:
            int array `(num_images,)`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)


def _images(X):
    images = np.asarray(X)
    if images.ndim != 4:
        raise ValueError(
            "Images have the shape (num_images, height, width, channels). Found: "
            f"{images.shape}."
        )
    return images
