"""How much the samples of a batch differ, as one more channel."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Appends the standard deviation over a group of samples, averaged over the map.

    A discriminator that sees it can tell a generator that draws the same image again
    and again. On several replicas the groups are formed on each, as in the reference.
    Computed in float32.

    Args:
        group_size: Samples in a group. A batch that it does not divide is one group.
        num_channels: Parts into which the channels are divided, each with a deviation
            of its own.
        consecutive: Whether groups are runs of samples, as in pytorch_GAN_zoo. By
            default sample i belongs to group i mod (batch / group_size).
        unbiased: Whether the variance is divided by group_size - 1.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1710.10196, section 3.
    """

    def __init__(
        self,
        group_size=4,
        num_channels=1,
        consecutive=False,
        unbiased=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.group_size = group_size
        self.num_channels = num_channels
        self.consecutive = consecutive
        self.unbiased = unbiased

    def call(self, inputs):
        """`(batch, height, width, c)` to `(batch, height, width, c + num_channels)`."""
        batch = ops.shape(inputs)[0]
        height, width, channels = inputs.shape[1:]
        group = self._group_of(batch)
        parts = (self.num_channels, channels // self.num_channels)
        split = (-1, group) if self.consecutive else (group, -1)
        x = ops.cast(inputs, "float32")
        x = ops.reshape(x, (*split, height, width, *parts))
        deviation = self._deviation(x, axis=1 if self.consecutive else 0, group=group)
        # One row per group: (groups, num_channels).
        rows = ops.mean(deviation, axis=(1, 2, 4))
        if self.consecutive:
            rows = ops.broadcast_to(rows[:, None], (batch // group, *self._row(group)))
        else:
            rows = ops.broadcast_to(rows[None], (group, *self._row(batch // group)))
        rows = ops.reshape(rows, (batch, 1, 1, self.num_channels))
        maps = ops.broadcast_to(rows, (batch, height, width, self.num_channels))
        return ops.concatenate([inputs, ops.cast(maps, inputs.dtype)], axis=-1)

    def _row(self, count):
        return (count, self.num_channels)

    def _group_of(self, batch):
        if isinstance(batch, int):
            return batch if batch % self.group_size else self.group_size
        divides = ops.equal(batch % self.group_size, 0)
        return ops.where(divides, self.group_size, batch)

    def _deviation(self, x, axis, group):
        centred = x - ops.mean(x, axis=axis, keepdims=True)
        count = ops.cast(group - 1 if self.unbiased else group, "float32")
        variance = ops.sum(ops.square(centred), axis=axis) / ops.maximum(count, 1.0)
        return ops.sqrt(variance + 1e-8)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], input_shape[-1] + self.num_channels)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "num_channels": self.num_channels,
            "consecutive": self.consecutive,
            "unbiased": self.unbiased,
        }
