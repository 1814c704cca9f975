"""Minibatch discrimination: samples are told how close their nearest neighbours are."""

import keras
from keras import initializers, ops


@keras.saving.register_keras_serializable("keras_gans")
class MinibatchDiscrimination(keras.layers.Layer):
    """Appends to each sample's features its closeness to the rest of the batch.

    M_i = f_i T, and o_b(x_i) = sum over j != i of exp(-||M_ib - M_jb||_1) + bias_b. A
    generator that makes the same sample again and again is given away by it. With
    several replicas each sees its own part of the batch.

    Each column of T has the length exp(log_scale): weight normalisation over features.

    Args:
        kernels: Number B of closenesses that are appended.
        kernel_dim: Length C of the vectors whose distance is taken.
        kernel_initializer: Of theta `(features, kernels, kernel_dim)`; N(0, 0.05) by
            default.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1606.03498, section 3.2.
    """

    def __init__(self, kernels=100, kernel_dim=5, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.kernels = kernels
        self.kernel_dim = kernel_dim
        self.kernel_initializer = initializers.get(
            kernel_initializer or initializers.RandomNormal(stddev=0.05)
        )

    def build(self, input_shape):
        """Makes the kernel, the logarithm of its lengths (0 at first) and the bias."""
        shape = (self.kernels, self.kernel_dim)
        self.kernel = self.add_weight(
            shape=(input_shape[-1], *shape),
            initializer=self.kernel_initializer,
            autocast=False,
            name="kernel",
        )
        self.log_scale = self.add_weight(
            shape=shape, initializer="zeros", autocast=False, name="log_scale"
        )
        self.bias = self.add_weight(
            shape=(self.kernels,),
            initializer=initializers.Constant(-1.0),
            autocast=False,
            name="bias",
        )

    def call(self, inputs):
        """`(batch, features)` to `(batch, features + kernels)`."""
        closeness = self._closeness(inputs) + self.bias
        return ops.concatenate([inputs, ops.cast(closeness, inputs.dtype)], axis=-1)

    def initialize(self, inputs):
        """Sets the bias so that the closenesses of these inputs have the mean 0.

        Args:
            inputs: Tensor, as for `call`.
        """
        self.bias.assign(-ops.mean(self._closeness(inputs), axis=0))

    def _closeness(self, inputs):
        # Exponentials of distances, in float32 whatever the precision.
        inputs = ops.cast(inputs, "float32")
        kernel = ops.convert_to_tensor(self.kernel)
        lengths = ops.sqrt(ops.sum(ops.square(kernel), axis=0))
        weights = kernel * ops.exp(ops.convert_to_tensor(self.log_scale)) / lengths
        m = ops.tensordot(inputs, weights, axes=1)
        distances = ops.sum(ops.abs(m[:, None] - m[None]), axis=-1)
        itself = ops.eye(ops.shape(m)[0])[:, :, None]
        return ops.sum(ops.exp(-distances) * (1.0 - itself), axis=1)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "kernel_dim": self.kernel_dim,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }
