"""The authors' Adam, and its rate on CIFAR-10."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class AdamEpsilonInside(keras.optimizers.Adam):
    """Adam with epsilon under the root: m_hat / sqrt(v_hat + epsilon).

    The authors' optimizer. Keras adds epsilon to the root, and before the moments are
    corrected for their start: no constant makes the two the same.

    Args:
        learning_rate: Rate or schedule.
        beta_1: Decay of the first moment.
        epsilon: Added to the second moment; 1e-8.
        **kwargs: For `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate=3e-3, beta_1=0.5, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, beta_1=beta_1, epsilon=epsilon, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        """One step of one variable."""
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        g = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        t = ops.cast(self.iterations + 1, variable.dtype)
        self.assign_add(m, (g - m) * (1.0 - self.beta_1))
        self.assign_add(v, (ops.square(g) - v) * (1.0 - self.beta_2))
        m_hat = m / (1.0 - ops.power(ops.cast(self.beta_1, variable.dtype), t))
        v_hat = v / (1.0 - ops.power(ops.cast(self.beta_2, variable.dtype), t))
        self.assign_sub(variable, rate * m_hat / ops.sqrt(v_hat + self.epsilon))


@keras.saving.register_keras_serializable("keras_gans")
class LateLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for two thirds of the training and then falls to 0.

    Args:
        initial: The rate; 3e-4.
        falls_from: Update where it begins to fall; by default that of epoch 800 of the
            authors' 500 updates each.
        ends_at: Update where it is 0, by default that of epoch 1200.
    """

    def __init__(self, initial=3e-4, falls_from=400_000, ends_at=600_000):
        self.initial = initial
        self.falls_from = falls_from
        self.ends_at = ends_at

    def __call__(self, step):
        """The rate at update `step`."""
        left = self.ends_at - ops.cast(step, "float32")
        share = left / (self.ends_at - self.falls_from)
        return self.initial * ops.clip(share, 0.0, 1.0)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "initial": self.initial,
            "falls_from": self.falls_from,
            "ends_at": self.ends_at,
        }
