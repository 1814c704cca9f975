"""Self-attention between the points of a map."""

import math

import keras
from keras import ops

from keras_gans.layers.spectral_normalization import SNConv2D


@keras.saving.register_keras_serializable("keras_gans")
class SelfAttention(keras.layers.Layer):
    """x + gamma o(A g(x)): each point adds what it reads from all others.

    With 1x1 convolutions without bias, theta and phi to C / 8 and g to C / 2 channels,
    o back to C: A = softmax(theta(x) phi(x)^T), the rows of which sum to 1. phi and g
    are pooled to a quarter of the points, and products are not divided by a root, as
    in the authors' code. gamma starts at 0, where the layer is the identity.

    Args:
        kernel_initializer: Initializer of the four kernels.
        spectral: Whether the kernels are spectrally normalised.
        epsilon: For `SNConv2D`.
        stored: For `SNConv2D`.
        **kwargs: For `keras.layers.Layer`.

    Raises:
        ValueError: for fewer than 8 channels, or a side that is odd.

    Reference: Zhang et al. 2018, arXiv 1805.08318, eq. 1-3.
    """

    def __init__(
        self,
        kernel_initializer="glorot_uniform",
        spectral=True,
        epsilon=1e-12,
        stored=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.spectral = spectral
        self.epsilon = epsilon
        self.stored = stored

    def build(self, input_shape):
        """Makes the convolutions and gamma."""
        height, width, channels = input_shape[1:]
        if channels < 8 or height % 2 or width % 2:
            raise ValueError(
                "Self-attention needs maps of even height and width with 8 channels or "
                f"more. Found: {tuple(input_shape[1:])}."
            )
        self.theta = self._conv(channels // 8, "theta")
        self.phi = self._conv(channels // 8, "phi")
        self.g = self._conv(channels // 2, "g")
        self.o = self._conv(channels, "o")
        for conv in (self.theta, self.phi, self.g):
            conv.build(input_shape)
        self.o.build((*input_shape[:3], channels // 2))
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def _conv(self, filters, name):
        # A copy each: one initializer would give equal kernels equal values.
        config = keras.initializers.serialize(self.kernel_initializer)
        config["config"]["seed"] = None
        common = {
            "use_bias": False,
            "kernel_initializer": keras.initializers.deserialize(config),
            "name": name,
            "dtype": self.dtype_policy,
        }
        if not self.spectral:
            return keras.layers.Conv2D(filters, 1, **common)
        return SNConv2D(filters, 1, epsilon=self.epsilon, stored=self.stored, **common)

    def attention(self, x, training=None):
        """A: `(batch, points, points / 4)`, whose rows sum to 1; float32."""
        queries = _as_points(self.theta(x, training=training))
        keys = _as_points(_pooled(self.phi(x, training=training)))
        products = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        return ops.softmax(ops.cast(products, "float32"), axis=-1)

    def call(self, x, training=None):
        """Maps `(batch, height, width, channels)` to maps of the same shape."""
        attention = ops.cast(self.attention(x, training), self.compute_dtype)
        values = _as_points(_pooled(self.g(x, training=training)))
        read = ops.matmul(attention, values)
        read = ops.reshape(read, (-1, *x.shape[1:3], values.shape[-1]))
        return x + self.gamma * self.o(read, training=training)

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def plain(self):
        """The same without normalisation."""
        config = {**self.get_config(), "spectral": False}
        return type(self).from_config(config)

    def folded_weights(self):
        """The weights with which `plain()` equals this layer in inference mode."""
        convs = (self.theta, self.phi, self.g, self.o)
        folded = [w for conv in convs for w in conv.folded_weights()]
        return [ops.convert_to_numpy(self.gamma), *folded]

    def get_config(self):
        """The constructor's arguments."""
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {
            **super().get_config(),
            "kernel_initializer": initializer,
            "spectral": self.spectral,
            "epsilon": self.epsilon,
            "stored": self.stored,
        }


def _pooled(x):
    return ops.max_pool(x, 2, 2, "valid", "channels_last")


def _as_points(x):
    return ops.reshape(x, (-1, math.prod(x.shape[1:3]), x.shape[3]))
