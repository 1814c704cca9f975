"""StyleGAN2's synthesis: convolutions scaled by styles, noise, and the activation."""

import math

import keras
from keras import ops

from keras_gans.layers.resampling import upfirdn


def modulated_convolution(
    inputs, kernel, styles, upsample=False, demodulate=True, epsilon=1e-8
):
    """Convolution with a kernel of its own for each sample, as one convolution.

    Scaling the weights of input channel i by s_i is scaling the channel; dividing the
    weights of output channel o by their norm sigma_o is dividing the channel:
    y = conv(x * s, w) / sigma with sigma_o^2 = sum_ik (s_i w_iok)^2 + epsilon.

    Args:
        inputs: Maps `(batch, height, width, channels)`.
        kernel: `(side, side, channels, filters)`.
        styles: s, `(batch, channels)`.
        upsample: Whether the sides are doubled: a transposed convolution, filtered.
        demodulate: Whether to divide by sigma.
        epsilon: See above.

    Returns:
        Maps `(batch, height, width, filters)`, of twice the sides if `upsample`.

    Reference: arXiv 1912.04958, eqs. 1 and 3, section 2.2.
    """
    x = inputs * ops.cast(styles, inputs.dtype)[:, None, None, :]
    weights = ops.cast(kernel, inputs.dtype)
    layout = {"data_format": "channels_last"}
    if upsample:
        weights = ops.transpose(weights, (0, 1, 3, 2))
        x = ops.conv_transpose(x, weights, strides=2, padding="valid", **layout)
        x = upfirdn(x, pad=(1, 1), gain=4.0)
    else:
        x = ops.conv(x, weights, padding="same", **layout)
    if not demodulate:
        return x
    energy = ops.sum(ops.square(ops.cast(kernel, "float32")), axis=(0, 1))
    squares = ops.square(ops.cast(styles, "float32"))
    factors = ops.rsqrt(ops.matmul(squares, energy) + epsilon)
    return x * ops.cast(factors, x.dtype)[:, None, None, :]


@keras.saving.register_keras_serializable("keras_gans")
class ModulatedConv2D(keras.layers.Layer):
    """`modulated_convolution` with weights ~ N(0, 1) and a bias per output channel.

    The weights are scaled by 1 / sqrt(fan-in) when they are used. Demodulation undoes
    it, exactly, so that there it only keeps sums small enough for half precision.

    Args:
        filters: Number of output channels.
        kernel_size: Side of the square kernel.
        upsample: Whether the sides of the maps are doubled.
        demodulate: Whether each sample's kernels have unit norm.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1912.04958, section 2.2.
    """

    def __init__(self, filters, kernel_size, upsample=False, demodulate=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.upsample = upsample
        self.demodulate = demodulate

    def build(self, maps_shape, styles_shape=None):
        """Makes the kernel `(side, side, channels, filters)` and the bias."""
        side, channels = self.kernel_size, maps_shape[-1]
        self.kernel = self.add_weight(
            shape=(side, side, channels, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer="zeros", name="bias"
        )
        self.runtime_scale = 1.0 / math.sqrt(side * side * channels)

    def call(self, maps, styles):
        """Maps `(batch, height, width, c)` and styles `(batch, c)` to maps."""
        maps = modulated_convolution(
            maps,
            self.kernel * self.runtime_scale,
            styles,
            self.upsample,
            self.demodulate,
            epsilon=1e-8 * self.runtime_scale**2,
        )
        return maps + self.bias

    def compute_output_shape(self, maps_shape, styles_shape=None):
        """Shape of the output for the shapes of the inputs."""
        batch, height, width, _ = maps_shape
        factor = 2 if self.upsample else 1
        return (batch, factor * height, factor * width, self.filters)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "upsample": self.upsample,
            "demodulate": self.demodulate,
        }


@keras.saving.register_keras_serializable("keras_gans")
class StyleNoise(keras.layers.Layer):
    """x + strength * noise: one image of noise for all channels, at learnt strength.

    In training the noise is drawn anew for each sample; otherwise it is a fixed image,
    drawn once and saved with the weights.

    Args:
        mode_in_training: `"random"`, or `"const"` for the fixed image in training too.
        per_channel: Whether each channel has a strength of its own, as in StyleGAN, or
            all have one, as in StyleGAN2.
        **kwargs: For `keras.layers.Layer`.

    Raises:
        ValueError: for another mode.

    Reference: arXiv 1912.04958, section 2.1; arXiv 1812.04948, section 3.2.
    """

    def __init__(self, mode_in_training="random", per_channel=False, **kwargs):
        super().__init__(**kwargs)
        if mode_in_training not in ("random", "const"):
            raise ValueError(
                f"Noise in training is 'random' or 'const'. Found: {mode_in_training}."
            )
        self.mode_in_training = mode_in_training
        self.per_channel = per_channel
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape):
        """Makes the strength, zero, and the fixed image."""
        self.strength = self.add_weight(
            shape=input_shape[-1:] if self.per_channel else (),
            initializer="zeros",
            name="strength",
        )
        self.noise = self.add_weight(
            shape=tuple(input_shape[1:3]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            aggregation="mean",
            name="noise",
        )

    def call(self, inputs, training=None):
        """`(batch, height, width, channels)` to the same shape."""
        if training and self.mode_in_training == "random":
            shape = (*ops.shape(inputs)[:3], 1)
            noise = keras.random.normal(
                shape, dtype=inputs.dtype, seed=self.seed_generator
            )
        else:
            noise = ops.cast(self.noise, inputs.dtype)[None, :, :, None]
        return inputs + noise * ops.cast(self.strength, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "mode_in_training": self.mode_in_training,
            "per_channel": self.per_channel,
        }


@keras.saving.register_keras_serializable("keras_gans")
class ScaledLeakyReLU(keras.layers.Layer):
    """sqrt(2) * leaky ReLU of slope 0.2: as much variance out as in, about.

    In float16, magnitudes are limited to 256 before the gain, as in the reference.

    Args:
        **kwargs: For `keras.layers.Layer`.

    Reference: the code of arXiv 1912.04958.
    """

    def call(self, inputs):
        """Any shape to the same shape."""
        x = ops.leaky_relu(inputs, 0.2) * math.sqrt(2.0)
        if self.compute_dtype == "float16":
            limit = 256.0 * math.sqrt(2.0)
            x = ops.clip(x, -limit, limit)
        return x

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape
