"""Measures translations of held-out pairs while a model trains."""

import math
import pathlib

import keras
import numpy as np

from keras_gans import metrics
from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.data.pixels import to_uint8


class EvaluateTranslation(keras.callbacks.Callback):
    """Compares translations of held-out pairs with their targets, and keeps the best.

    Logs `psnr` (in dB) and `ssim`, NaN in the epochs between. Of several workers the
    chief alone measures.

    Args:
        source: Array of source images.
        target: Array of what they are to become.
        every: Epochs between two evaluations; the last epoch is always measured.
        keep_best: Folder of the preset of the epoch with the highest `psnr`, with its
            figures in `metrics.json`; `None` to keep none.

    Example:

    >>> evaluate = EvaluateTranslation(test_source, test_target, keep_best="best")
    >>> gan.fit(source, target, epochs=20, callbacks=[evaluate])
    """

    _names = ("psnr", "ssim")
    _monitor = "psnr"

    def __init__(self, source, target, every=1, keep_best=None):
        super().__init__()
        self.source, self.target, self.every = source, target, every
        self.keep_best = None if keep_best is None else pathlib.Path(keep_best)
        self.best = None

    def on_epoch_begin(self, epoch, logs=None):
        """In a training that goes on, remembers the best epoch before the kill."""
        if epoch == 0 or self.best is not None or self.keep_best is None:
            return
        path = self.keep_best / "metrics.json"
        if path.is_file():
            found = metrics.Evaluation.from_json(path.read_text("utf-8"))
            self.best = found[self._monitor].value

    def on_epoch_end(self, epoch, logs=None):
        """Measures, if it is this epoch's turn."""
        logs = {} if logs is None else logs
        logs.update(dict.fromkeys(self._names, math.nan))
        if not has_turn(self, epoch) or not gradients.is_chief(self.model):
            return
        found = self.measured()
        logs.update({result.metric: result.value for result in found})
        if self.best is None or logs[self._monitor] > self.best:
            self.best = logs[self._monitor]
            self._keep(found, epoch)

    def measured(self):
        """The `Result`s of `psnr` and `ssim` of all pairs."""
        made = to_uint8(self.model.translate(self.source))
        target = np.asarray(self.target)
        target = target if target.dtype == np.uint8 else to_uint8(target)
        return [getattr(metrics, name)(target, made) for name in self._names]

    def _keep(self, found, epoch):
        if self.keep_best is None:
            return
        self.model.save_to_preset(self.keep_best, include_optimizer=False)
        facts = {"num_samples": len(self.target), "epoch": epoch + 1}
        evaluation = metrics.Evaluation(facts, tuple(found))
        evaluation.save(self.keep_best / "metrics.json")
