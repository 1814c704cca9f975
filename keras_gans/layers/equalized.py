"""Layers whose weights are scaled when they are used, not when they are drawn."""

import math

import keras
from keras import ops


class _Equalized(keras.layers.Layer):
    """What `EqualizedDense` and `EqualizedConv2D` share."""

    def __init__(
        self, gain=1.0, lr_multiplier=1.0, use_bias=True, scale_bias=False, **kwargs
    ):
        super().__init__(**kwargs)
        self.gain = gain
        self.lr_multiplier = lr_multiplier
        self.use_bias = use_bias
        self.scale_bias = scale_bias

    def _add_weights(self, kernel_shape, bias_init=0.0):
        self.kernel = self.add_weight(
            shape=kernel_shape,
            initializer=keras.initializers.RandomNormal(stddev=1 / self.lr_multiplier),
            name="kernel",
        )
        # Everything but the last axis is summed over.
        fan_in = math.prod(kernel_shape[:-1])
        self.runtime_scale = self.gain / math.sqrt(fan_in) * self.lr_multiplier
        if self.use_bias:
            self.bias = self.add_weight(
                shape=kernel_shape[-1:],
                initializer=keras.initializers.Constant(bias_init),
                name="bias",
            )

    def _scaled_kernel(self):
        return self.kernel * self.runtime_scale

    def _with_bias(self, x):
        if not self.use_bias:
            return x
        return x + self.bias * (
            self.runtime_scale if self.scale_bias else self.lr_multiplier
        )

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "gain": self.gain,
            "lr_multiplier": self.lr_multiplier,
            "use_bias": self.use_bias,
            "scale_bias": self.scale_bias,
        }


@keras.saving.register_keras_serializable("keras_gans")
class EqualizedDense(_Equalized):
    """A dense layer with equalised learning rate: y = x (c W) + m b.

    W ~ N(0, 1) / m is what is stored and trained; c = gain * m / sqrt(fan_in) is
    constant. Adam's step does not depend on a gradient's scale, so that all layers
    then learn at the same relative speed, and m scales it.

    Args:
        units: Number of outputs.
        gain: sqrt(2) in front of a leaky ReLU, 1 for a linear layer.
        lr_multiplier: m.
        bias_init: Initial value of b, as it is stored.
        use_bias: Whether there is a b.
        scale_bias: Whether b is multiplied by c instead of m, as pytorch_GAN_zoo does.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1710.10196, section 4.1.
    """

    def __init__(
        self,
        units,
        gain=1.0,
        lr_multiplier=1.0,
        bias_init=0.0,
        use_bias=True,
        scale_bias=False,
        **kwargs,
    ):
        super().__init__(gain, lr_multiplier, use_bias, scale_bias, **kwargs)
        self.units = units
        self.bias_init = bias_init

    def build(self, input_shape):
        """Makes the kernel `(features, units)` and the bias."""
        self._add_weights((input_shape[-1], self.units), self.bias_init)

    def call(self, inputs):
        """`(batch, ..., features)` to `(batch, ..., units)`."""
        return self._with_bias(ops.matmul(inputs, self._scaled_kernel()))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "bias_init": self.bias_init,
        }


@keras.saving.register_keras_serializable("keras_gans")
class EqualizedConv2D(_Equalized):
    """A convolution with equalised learning rate; see `EqualizedDense`.

    Args:
        filters: Number of output channels.
        kernel_size: Side of the square kernel.
        gain: sqrt(2) in front of a leaky ReLU, 1 for a linear layer.
        lr_multiplier: m.
        padding: `"same"` or `"valid"`.
        strides: Step of the kernel.
        use_bias: Whether there is a bias.
        scale_bias: Whether the bias is multiplied by c instead of m.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1710.10196, section 4.1.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        gain=1.0,
        lr_multiplier=1.0,
        padding="same",
        strides=1,
        use_bias=True,
        scale_bias=False,
        **kwargs,
    ):
        super().__init__(gain, lr_multiplier, use_bias, scale_bias, **kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.strides = strides

    def build(self, input_shape):
        """Makes the kernel `(side, side, channels, filters)` and the bias."""
        side = self.kernel_size
        self._add_weights((side, side, input_shape[-1], self.filters))

    def call(self, inputs):
        """`(batch, height, width, channels)` to `(batch, ..., filters)`."""
        maps = ops.conv(
            inputs,
            self._scaled_kernel(),
            strides=self.strides,
            padding=self.padding,
            data_format="channels_last",
        )
        return self._with_bias(maps)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, *sides, _ = input_shape
        lost = self.kernel_size - 1 if self.padding == "valid" else 0
        sides = [s if s is None else -(-(s - lost) // self.strides) for s in sides]
        return (batch, *sides, self.filters)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "strides": self.strides,
        }
