"""Convolutions of space and time as convolutions of pictures, frame by frame.

TensorFlow's own convolutions of three sides are slow on CPUs: without XLA a step of
VGAN takes 27 times as long with them. Where there are no better ones, as oneDNN's, a
frame of the result is a convolution of the few frames that it depends on, laid into
channels: the same products of the same weights.
"""

import keras
from keras import ops

from keras_gans.core import gradients


@keras.saving.register_keras_serializable("keras_gans")
class FramewiseConv3D(keras.layers.Conv3D):
    """`keras.layers.Conv3D` with `padding="same"`, channels last, without dilation.

    Args:
        filters: Number of outputs.
        kernel_size: Frames, height and width.
        **kwargs: For `keras.layers.Conv3D`.

    Attributes:
        by_xla: Whether XLA compiles what calls it, whose own are slow on CPUs.
    """

    by_xla = False

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **{**kwargs, "padding": "same"})

    def call(self, inputs):
        """`(batch, frames, height, width, channels)` to the same with `filters`."""
        if gradients.has_fast_volumes(self.by_xla):
            return super().call(inputs)
        taps, *_ = self.kernel_size
        stride, *strides = self.strides
        frames = inputs.shape[1]
        made = -(-frames // stride)
        missing = max((made - 1) * stride + taps - frames, 0)
        before = missing // 2
        x = _padded(inputs, before, missing - before)
        last = (made - 1) * stride + 1
        x = ops.concatenate([x[:, i : i + last : stride] for i in range(taps)], -1)
        kernel = ops.transpose(self.kernel, (1, 2, 0, 3, 4))
        kernel = ops.reshape(kernel, (*kernel.shape[:2], -1, self.filters))
        x = ops.conv(_as_pictures(x), kernel, tuple(strides), "same")
        x = ops.reshape(x, (-1, made, *x.shape[1:]))
        x = x + self.bias if self.use_bias else x
        return self.activation(x)


@keras.saving.register_keras_serializable("keras_gans")
class FramewiseConv3DTranspose(keras.layers.Conv3DTranspose):
    """`keras.layers.Conv3DTranspose`, as `FramewiseConv3D` is `Conv3D`.

    Args:
        filters: Number of outputs.
        kernel_size: Frames, height and width; no fewer than the strides.
        **kwargs: For `keras.layers.Conv3DTranspose`.

    Attributes:
        by_xla: As of `FramewiseConv3D`.
    """

    by_xla = False

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, **{**kwargs, "padding": "same"})

    def call(self, inputs):
        """`(batch, frames, height, width, channels)` to frames times the stride."""
        if gradients.has_fast_volumes(self.by_xla):
            return super().call(inputs)
        phases = [self._phase(inputs, phase) for phase in range(self.strides[0])]
        x = ops.stack(phases, axis=2)
        x = ops.reshape(x, (-1, inputs.shape[1] * self.strides[0], *x.shape[3:]))
        x = x + self.bias if self.use_bias else x
        return self.activation(x)

    def _phase(self, inputs, phase):
        """The frames q s + `phase` of the result, s the stride, for all q."""
        taps, (stride, *strides) = self.kernel_size[0], self.strides
        frames, before = inputs.shape[1], (taps - stride) // 2
        kernel, seen = [], []
        for tap in range((phase + before) % stride, taps, stride):
            shift = (phase + before - tap) // stride
            kernel.append(self.kernel[tap])
            seen.append(_shifted(inputs, shift, frames))
        x = _as_pictures(ops.concatenate(seen, -1))
        x = ops.conv_transpose(x, ops.concatenate(kernel, -1), tuple(strides), "same")
        return ops.reshape(x, (-1, frames, *x.shape[1:]))


def _shifted(x, shift, frames):
    """Frame t + `shift` in the place of frame t; zeros where there is none."""
    x = _padded(x, max(-shift, 0), max(shift, 0))
    start = max(shift, 0)
    return x[:, start : start + frames]


def _padded(x, before, after):
    if not before and not after:
        return x
    return ops.pad(x, ((0, 0), (before, after), (0, 0), (0, 0), (0, 0)))


def _as_pictures(x):
    return ops.reshape(x, (-1, *x.shape[2:]))
