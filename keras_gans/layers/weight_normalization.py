"""Weight normalisation: the direction of a kernel and its length are two parameters."""

import keras
from keras import initializers, ops


class _WeightNormalized(keras.layers.Layer):
    """What dense and convolutional layers share: kernel, scale, bias, activation.

    W = scale * theta / sqrt(epsilon + ||theta||^2), the norm being taken over all
    that leads to one output, so that the length of each output's kernel is its scale.
    """

    # Axis of the kernel that counts the outputs.
    output_axis = -1

    def __init__(
        self,
        outputs,
        activation=None,
        train_scale=False,
        initial_std=1.0,
        epsilon=0.0,
        kernel_initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.outputs = outputs
        self.activation = keras.activations.get(activation)
        self.train_scale = train_scale
        self.initial_std = initial_std
        self.epsilon = epsilon
        self.kernel_initializer = initializers.get(
            kernel_initializer or initializers.RandomNormal(stddev=0.05)
        )

    def build(self, input_shape):
        """Makes the kernel, one scale per output (1 at first) and the bias."""
        # In float32 whatever the precision: rounding the kernel turns its direction.
        self.kernel = self.add_weight(
            shape=self._kernel_shape(input_shape[-1]),
            initializer=self.kernel_initializer,
            autocast=False,
            name="kernel",
        )
        self.scale = self.add_weight(
            shape=(self.outputs,),
            initializer="ones",
            trainable=self.train_scale,
            autocast=False,
            name="scale",
        )
        self.bias = self.add_weight(
            shape=(self.outputs,), initializer="zeros", name="bias"
        )

    def normalized_kernel(self):
        """W, in float32."""
        kernel = ops.convert_to_tensor(self.kernel)
        rank, axis = len(kernel.shape), self.output_axis % len(kernel.shape)
        others = tuple(i for i in range(rank) if i != axis)
        squares = ops.sum(ops.square(kernel), axis=others, keepdims=True)
        lengths = [1] * rank
        lengths[axis] = self.outputs
        scale = ops.reshape(ops.convert_to_tensor(self.scale), lengths)
        # One pass over the kernel: the rest has one number for each output.
        return kernel * (scale * ops.rsqrt(self.epsilon + squares))

    def call(self, inputs):
        """Activation of the linear map by W, plus the bias."""
        return self.activation(self._products(inputs) + self.bias)

    def initialize(self, inputs):
        """Sets scale and bias so that these inputs are normalised.

        Before the activation each output then has the mean 0 and the standard
        deviation `initial_std` over all rows and places (Salimans and Kingma 2016,
        section 3).

        Args:
            inputs: Tensor, as for `call`.
        """
        products = ops.cast(self._products(inputs), "float32")
        axes = tuple(range(len(products.shape) - 1))
        mean = ops.mean(products, axis=axes)
        deviation = ops.sqrt(ops.mean(ops.square(products - mean), axis=axes))
        # An output that is the same everywhere keeps its scale.
        factor = self.initial_std / ops.where(deviation > 1e-10, deviation, 1.0)
        self.scale.assign(self.scale * factor)
        self.bias.assign(-mean * factor)

    def _products(self, inputs):
        kernel = ops.cast(self.normalized_kernel(), self.compute_dtype)
        return self._linear(inputs, kernel)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "train_scale": self.train_scale,
            "initial_std": self.initial_std,
            "epsilon": self.epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable("keras_gans")
class WeightNormalizedDense(_WeightNormalized):
    """x W + b with W = scale * theta / sqrt(epsilon + ||theta||^2) for each unit.

    Args:
        units: Number of outputs.
        activation: Of the result; `None` for none.
        train_scale: Whether the scale is trained; else `initialize` alone sets it.
        initial_std: Standard deviation of the outputs after `initialize`.
        epsilon: Added to the squared length.
        kernel_initializer: Of theta `(features, units)`; N(0, 0.05) by default.
        **kwargs: For `keras.layers.Layer`.

    Reference: Salimans and Kingma 2016, "Weight normalization", eq. 2.
    """

    def __init__(self, units, activation=None, **kwargs):
        super().__init__(units, activation, **kwargs)

    def _kernel_shape(self, features):
        return (features, self.outputs)

    def _linear(self, inputs, kernel):
        return ops.matmul(inputs, kernel)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], self.outputs)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.outputs}


class _WeightNormalizedConvolution(_WeightNormalized):
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="same",
        activation=None,
        **kwargs,
    ):
        super().__init__(filters, activation, **kwargs)
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.outputs,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@keras.saving.register_keras_serializable("keras_gans")
class WeightNormalizedConv2D(_WeightNormalizedConvolution):
    """A convolution whose kernels have a length of their own; see the dense layer.

    Args:
        filters: Number of output channels.
        kernel_size: Side of the square kernel.
        strides: Step in both directions.
        padding: `"same"` or `"valid"`.
        activation: Of the result; `None` for none.
        **kwargs: As for `WeightNormalizedDense`.
    """

    def _kernel_shape(self, channels):
        return (self.kernel_size, self.kernel_size, channels, self.outputs)

    def _linear(self, inputs, kernel):
        return ops.conv(
            inputs, kernel, self.strides, self.padding, data_format="channels_last"
        )

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, *sides, _ = input_shape
        lost = 0 if self.padding == "same" else self.kernel_size - 1
        sides = [-(-(side - lost) // self.strides) for side in sides]
        return (batch, *sides, self.outputs)


@keras.saving.register_keras_serializable("keras_gans")
class WeightNormalizedConv2DTranspose(_WeightNormalizedConvolution):
    """A transposed convolution whose kernels have a length of their own.

    Args:
        filters: Number of output channels.
        kernel_size: Side of the square kernel.
        strides: Factor by which maps grow.
        padding: `"same"`, or `"valid"`.
        activation: Of the result; `None` for none.
        **kwargs: As for `WeightNormalizedDense`.
    """

    output_axis = -2

    def _kernel_shape(self, channels):
        return (self.kernel_size, self.kernel_size, self.outputs, channels)

    def _linear(self, inputs, kernel):
        return ops.conv_transpose(
            inputs, kernel, self.strides, self.padding, data_format="channels_last"
        )

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        batch, *sides, _ = input_shape
        extra = 0 if self.padding == "same" else max(self.kernel_size - self.strides, 0)
        sides = [side * self.strides + extra for side in sides]
        return (batch, *sides, self.outputs)


def initialize_from_data(network, inputs):
    """Initialises a network's layers one after the other, each on what reaches it.

    Every layer that has a method `initialize(inputs)`, such as those of weight
    normalisation, gets the activations of the layers below it, already initialised.
    The network runs in training mode, so that its noise is there, and batch
    normalisation uses these inputs' statistics.

    Args:
        network: A functional `keras.Model`.
        inputs: What the network takes: a batch of data, large enough for stable means.

    Reference: Salimans and Kingma 2016, section 3.
    """
    for layer in network.layers:
        if hasattr(layer, "initialize"):
            below = keras.Model(network.input, layer.input)
            layer.initialize(below(inputs, training=True))
