"""What callbacks share that measure held-out data while a model trains."""

import math
import pathlib

import keras

from keras_gans import metrics
from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients


class EvaluateHeldOut(keras.callbacks.Callback):
    """Measures a model when an epoch has its turn, and keeps the best.

    Logs its `names`, NaN in the epochs between. Of several workers the chief alone
    measures.

    Args:
        every: Epochs between two evaluations; the last epoch is always measured.
        keep_best: Folder of the preset of the epoch with the highest `monitor`, with
            its figures in `metrics.json`; `None` to keep none.

    Attributes:
        names: Names of the figures.
        monitor: The one by which epochs are compared; more is better.
    """

    names = ()
    monitor = None

    def __init__(self, every=1, keep_best=None):
        super().__init__()
        self.every = every
        self.keep_best = None if keep_best is None else pathlib.Path(keep_best)
        self.best = None

    @property
    def num_samples(self):
        """How many samples are held out."""
        raise NotImplementedError

    def measured(self):
        """The `Result`s of the model as it is now."""
        raise NotImplementedError

    def on_epoch_begin(self, epoch, logs=None):
        """In a training that goes on, remembers the best epoch before the kill."""
        if epoch == 0 or self.best is not None or self.keep_best is None:
            return
        path = self.keep_best / "metrics.json"
        if path.is_file():
            found = metrics.Evaluation.from_json(path.read_text("utf-8"))
            self.best = found[self.monitor].value

    def on_epoch_end(self, epoch, logs=None):
        """Measures, if it is this epoch's turn."""
        logs = {} if logs is None else logs
        logs.update(dict.fromkeys(self.names, math.nan))
        if not has_turn(self, epoch) or not gradients.is_chief(self.model):
            return
        found = self.measured()
        logs.update({result.metric: result.value for result in found})
        if self.best is None or logs[self.monitor] > self.best:
            self.best = logs[self.monitor]
            self._keep(found, epoch)

    def _keep(self, found, epoch):
        if self.keep_best is None:
            return
        self.model.save_to_preset(self.keep_best, include_optimizer=False)
        facts = {"num_samples": self.num_samples, "epoch": epoch + 1}
        evaluation = metrics.Evaluation(facts, tuple(found))
        evaluation.save(self.keep_best / "metrics.json")
