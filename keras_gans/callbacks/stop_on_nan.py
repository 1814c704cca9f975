"""Stops a training that has diverged."""

import keras
import numpy as np


class StopOnNaN(keras.callbacks.Callback):
    """Stops `fit` as soon as any player's loss is NaN or infinite, and says which.

    Keras' `TerminateOnNaN` looks at a log called `loss`, which no GAN has.

    Attributes:
        diverged: Names of the reports that were not finite; empty while all is well.
    """

    def __init__(self):
        super().__init__()
        self.diverged = []

    def on_train_begin(self, logs=None):
        """Forgets an earlier run."""
        self.diverged = []

    def on_train_batch_end(self, batch, logs=None):
        """Looks at every report."""
        values = {name: float(np.mean(value)) for name, value in (logs or {}).items()}
        self.diverged = [n for n, value in values.items() if not np.isfinite(value)]
        if self.diverged:
            names = ", ".join(self.diverged)
            print(f"\nBatch {batch}: {names} is not finite; stopping the training.")
            self.model.stop_training = True
