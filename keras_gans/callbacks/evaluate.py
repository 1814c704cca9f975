"""Measures samples while a model trains, and keeps the best of it."""

import math
import pathlib

import keras

from keras_gans import metrics
from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.metrics.evaluation import LOGGED

# Of the values that are logged, those of which less is better.
_LESS_IS_BETTER = ("frechet_distance", "kernel_distance")


class Evaluate(keras.callbacks.Callback):
    """Measures samples every few epochs, logs the figures, and keeps the best model.

    Figures join the logs of their epoch under the names of their values
    (`frechet_distance`, `precision`, `coverage` ...), so that Keras' callbacks can act
    on them; in the epochs between they are NaN. Samples do not disturb the seeds of the
    training: it goes on bit for bit as it would have without.

    Of several workers the chief alone measures.

    Args:
        data: As for `keras_gans.metrics.Evaluator`.
        every: Epochs between two evaluations; the last epoch is always measured.
        keep_best: Folder of the preset of the best epoch, with its `metrics.json`;
            `None` to keep none.
        monitor: The value by which epochs are compared.
        seed: Integer, of the samples: the same in every epoch.
        **options: Those of `Evaluator`. Unless asked for, `training` is `None` and
            `metrics` leaves out `memorisation` and `likelihood`: what takes longest.

    Attributes:
        best: Value of `monitor` in the best epoch; `None` before the first.

    Raises:
        ValueError: for a `monitor` that no metric gives; in `fit`, as `Evaluator`.

    Example:

    >>> evaluate = Evaluate("mnist", every=5, keep_best="best")
    >>> gan.fit(images, epochs=50, callbacks=[evaluate])
    """

    def __init__(
        self,
        data,
        every=1,
        keep_best=None,
        monitor="frechet_distance",
        seed=0,
        **options,
    ):
        super().__init__()
        slow = ("memorisation", "likelihood")
        fitting = [name for name in metrics.METRICS if name not in slow]
        options = {"training": None, "metrics": fitting, **options}
        self._names = [n for m in options["metrics"] for n in LOGGED.get(m, ())]
        if monitor not in self._names:
            raise ValueError(
                f"monitor is one of {', '.join(self._names)}. Found: {monitor!r}."
            )
        self.data, self.every, self.seed = data, every, seed
        self.keep_best = None if keep_best is None else pathlib.Path(keep_best)
        self.monitor, self._options = monitor, options
        self.best = self._evaluator = None

    def on_train_begin(self, logs=None):
        """Loads the real images, so that what is wrong with them is said now."""
        self.best = self._begun = None
        if self._evaluator is None and gradients.is_chief(self.model):
            self._evaluator = metrics.Evaluator(
                self.data, self.model.image_shape, **self._options
            )

    def on_epoch_begin(self, epoch, logs=None):
        """In a training that goes on, remembers the best epoch before the kill."""
        if self._begun is None and epoch > 0 and self.keep_best is not None:
            path = self.keep_best / "metrics.json"
            if path.is_file():
                found = metrics.Evaluation.from_json(path.read_text("utf-8"))
                self.best = found.logs().get(self.monitor)
        self._begun = True

    def on_epoch_end(self, epoch, logs=None):
        """Measures, if it is this epoch's turn."""
        logs = {} if logs is None else logs
        logs.update(dict.fromkeys(self._names, math.nan))
        if self._evaluator is None or not has_turn(self, epoch):
            return
        found = self._evaluator.evaluate(self.model, self.seed)
        logs.update(found.logs())
        if self._is_better(logs[self.monitor]):
            self.best = logs[self.monitor]
            self._keep(found, epoch)

    def _is_better(self, value):
        if not math.isfinite(value):
            return False
        sign = -1 if self.monitor in _LESS_IS_BETTER else 1
        return self.best is None or sign * value > sign * self.best

    def _keep(self, found, epoch):
        if self.keep_best is None:
            return
        self.model.save_to_preset(self.keep_best, include_optimizer=False)
        found.facts["epoch"] = epoch + 1
        found.save(self.keep_best / "metrics.json")
