"""Learning rates that change over the epochs of a training."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for some epochs and then falls by equal steps, epoch by epoch.

    In epoch e, counted from 0, it is
    rate * (1 - max(0, e + 1 - constant_epochs) / (decay_epochs + 1)): after the last
    epoch it would be 0.

    Args:
        rate: The rate at first.
        steps_per_epoch: Updates in an epoch: `len(a) // batch_size`.
        constant_epochs: Epochs in which it stays; 100.
        decay_epochs: Epochs in which it falls; 100.

    Example:

    >>> rate = ConstantThenLinear(2e-4, steps_per_epoch=1067)
    >>> optimizer = keras.optimizers.Adam(rate, beta_1=0.5)

    Reference: Zhu et al. 2017, arXiv 1703.10593, section 4, as its code counts it.
    """

    def __init__(self, rate, steps_per_epoch, constant_epochs=100, decay_epochs=100):
        self.rate = rate
        self.steps_per_epoch = steps_per_epoch
        self.constant_epochs = constant_epochs
        self.decay_epochs = decay_epochs

    def __call__(self, step):
        """The rate at update `step`."""
        epoch = ops.floor(ops.cast(step, "float32") / self.steps_per_epoch)
        fallen = ops.maximum(0.0, epoch + 1 - self.constant_epochs)
        share = 1.0 - fallen / (self.decay_epochs + 1)
        return self.rate * ops.maximum(share, 0.0)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "rate": self.rate,
            "steps_per_epoch": self.steps_per_epoch,
            "constant_epochs": self.constant_epochs,
            "decay_epochs": self.decay_epochs,
        }
