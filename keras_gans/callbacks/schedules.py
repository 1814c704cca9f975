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
        return self.rate * _share(epoch, self.constant_epochs, self.decay_epochs)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "rate": self.rate,
            "steps_per_epoch": self.steps_per_epoch,
            "constant_epochs": self.constant_epochs,
            "decay_epochs": self.decay_epochs,
        }


class LinearDecay(keras.callbacks.Callback):
    """Lets the learning rates of all players fall as `ConstantThenLinear` does.

    It counts epochs, not updates, of which players may make different numbers. After
    the training the rates are what they were before.

    Args:
        constant_epochs: Epochs in which they stay.
        decay_epochs: Epochs in which they fall.

    Raises:
        ValueError: at the start of a training with an optimizer whose rate follows a
            schedule already.

    Example:

    >>> gan.fit(a, b, epochs=200, callbacks=[LinearDecay(100, 100)])
    """

    def __init__(self, constant_epochs, decay_epochs):
        super().__init__()
        self.constant_epochs = constant_epochs
        self.decay_epochs = decay_epochs

    def set_model(self, model):
        """Keeps the rates, before a backup that is restored brings lower ones."""
        super().set_model(model)
        self._rates = []
        for optimizer in model.optimizer.optimizers:
            optimizer = getattr(optimizer, "inner_optimizer", optimizer)
            if not isinstance(optimizer.learning_rate, keras.Variable):
                raise ValueError(
                    f"The learning rate of {optimizer.name} follows a schedule: it "
                    "cannot fall by another one, LinearDecay."
                )
            rate = float(ops.convert_to_numpy(optimizer.learning_rate))
            self._rates.append((optimizer, rate))

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the rates of this epoch."""
        self._set(_share(epoch, self.constant_epochs, self.decay_epochs))

    def on_train_end(self, logs=None):
        """Puts the rates back."""
        self._set(1.0)

    def _set(self, share):
        for optimizer, rate in self._rates:
            optimizer.learning_rate = rate * share


def _share(epoch, constant_epochs, decay_epochs):
    fallen = ops.maximum(0.0, epoch + 1 - constant_epochs)
    return ops.maximum(0.0, 1.0 - fallen / (decay_epochs + 1))
