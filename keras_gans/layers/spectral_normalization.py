"""Layers whose weight is divided by its largest singular value.

The weight W that is trained and saved stays as it is; the layer works with W / sigma,
so that the gradient sees the division. (Keras' own `SpectralNormalization` overwrites
the weight, through which no gradient passes.)

sigma comes from power iteration on W seen as a matrix (outputs, everything else), with
one vector u of length outputs kept from step to step:

    v = W^T u / ||W^T u||,  u = W v / ||W v||,  sigma = u^T W v

Each call in training mode does this once and keeps u; each call in inference mode does
it from the kept u and forgets the result.

Reference: Miyato et al. 2018, arXiv 1802.05957, algorithm 1 and eq. 11-12.
"""

import math

import keras
from keras import ops


class SpectralLayer(keras.layers.Layer):
    """What the layers with a normalised weight share.

    Args:
        epsilon: Smallest norm by which a vector is divided.
        stored: Whether inference takes u and v as training left them, as
            `torch.nn.utils.spectral_norm` does; the layer then keeps v too.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(self, epsilon=1e-12, stored=False, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.stored = stored

    def add_normalised(self, name, shape, initializer, outputs):
        """Makes the weight and its vectors.

        Args:
            name: Name of the weight.
            shape: Its shape.
            initializer: Its initializer.
            outputs: Length of u; the number of rows of the weight as a matrix.

        Returns:
            The `keras.Variable`.
        """
        # float32 whatever the policy: half precision would decide sigma by rounding.
        weight = self.add_weight(
            shape=shape, initializer=initializer, name=name, autocast=False
        )
        self.u = self._add_vector("u", outputs)
        if self.stored:
            self.v = self._add_vector("v", math.prod(shape) // outputs)
        return weight

    def _add_vector(self, name, length):
        # All replicas compute the same vector from the same weight; their mean is it.
        return self.add_weight(
            shape=(length,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name=name,
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def as_columns(self):
        """The weight as a matrix (everything else, outputs)."""
        raise NotImplementedError

    def sigma(self, training=False):
        """The estimate of the largest singular value; its gradient holds u and v.

        Args:
            training: Whether the iteration is kept.

        Returns:
            float32 scalar.
        """
        columns = self.as_columns()
        training = training and self.trainable
        if self.stored and not training:
            # Averages of unit vectors, as a moving average has them, are no longer so.
            v, u = self._unit(self._row(self.v)), self._unit(self._row(self.u))
            return ops.sum(ops.matmul(v, columns) * u)
        held = ops.stop_gradient(columns)
        v = self._unit(ops.transpose(ops.matmul(held, ops.reshape(self.u, (-1, 1)))))
        along = ops.matmul(v, columns)
        # u is along / |along|, so that u^T W v is |along|, and so is its gradient.
        sigma = ops.sqrt(ops.sum(ops.square(along)))
        if training:
            u = ops.stop_gradient(along / ops.maximum(sigma, self.epsilon))
            self.u.assign(ops.reshape(u, (-1,)))
            if self.stored:
                self.v.assign(ops.reshape(v, (-1,)))
        return sigma

    def _row(self, vector):
        return ops.reshape(vector, (1, -1))

    def _unit(self, vector):
        norm = ops.sqrt(ops.sum(ops.square(vector)))
        return vector / ops.maximum(norm, self.epsilon)

    def plain(self):
        """A new Keras layer of the same kind and name, without normalisation."""
        raise NotImplementedError

    def folded_weights(self):
        """The weights with which `plain()` equals this layer in inference mode."""
        raise NotImplementedError

    def get_config(self):
        """The constructor's arguments."""
        config = {**super().get_config(), "epsilon": self.epsilon}
        return {**config, "stored": self.stored}


class _SpectralKernel(SpectralLayer):
    """A kernel whose last axis counts the outputs, and perhaps a bias of zeros."""

    def __init__(self, use_bias=True, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _build(self, shape):
        outputs = shape[-1]
        self.kernel = self.add_normalised(
            "kernel", shape, self.kernel_initializer, outputs
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(outputs,), initializer="zeros", name="bias"
            )

    def as_columns(self):
        """The kernel as a matrix (everything else, outputs)."""
        return ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))

    def _normalised(self, training):
        kernel = ops.convert_to_tensor(self.kernel) / self.sigma(training)
        return ops.cast(kernel, self.compute_dtype)

    def _with_bias(self, outputs):
        return outputs + self.bias if self.use_bias else outputs

    def folded_weights(self):
        """The kernel over sigma, and the bias where there is one; numpy arrays."""
        folded = [self.kernel / self.sigma()]
        folded += [self.bias] if self.use_bias else []
        return [ops.convert_to_numpy(w) for w in folded]

    def get_config(self):
        """The constructor's arguments."""
        initializer = keras.initializers.serialize(self.kernel_initializer)
        config = {**super().get_config(), "kernel_initializer": initializer}
        return {**config, "use_bias": self.use_bias}


@keras.saving.register_keras_serializable("keras_gans")
class SNDense(_SpectralKernel):
    """x W / sigma(W) + b.

    Args:
        units: Number of outputs.
        use_bias: Whether b is there.
        kernel_initializer: Initializer of the kernel `(features, units)`.
        epsilon: Smallest norm by which a vector is divided.
        stored: Whether inference uses u and v as training left them.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        """Makes the kernel, the bias and the vectors."""
        self._build((input_shape[-1], self.units))

    def call(self, inputs, training=None):
        """`(batch, features)` to `(batch, units)`."""
        return self._with_bias(ops.matmul(inputs, self._normalised(training)))

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape[:-1], self.units)

    def plain(self):
        """A `keras.layers.Dense` of the same name."""
        return keras.layers.Dense(
            self.units, use_bias=self.use_bias, name=self.name, dtype=self.dtype_policy
        )

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("keras_gans")
class SNConv2D(_SpectralKernel):
    """A convolution with the kernel W / sigma(W), W as a matrix (outputs, h w inputs).

    Args:
        filters: Number of output channels.
        kernel_size: Side of the kernel.
        strides: Step in both directions; 1.
        padding: `"same"` or `"valid"`.
        use_bias: Whether a bias is added.
        kernel_initializer: Initializer of the kernel `(h, w, inputs, filters)`.
        epsilon: Smallest norm by which a vector is divided.
        stored: Whether inference uses u and v as training left them.
        **kwargs: For `keras.layers.Layer`.
    """

    _plain = keras.layers.Conv2D

    def __init__(self, filters, kernel_size, strides=1, padding="same", **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def build(self, input_shape):
        """Makes the kernel, the bias and the vectors."""
        sides = (self.kernel_size,) * (len(input_shape) - 2)
        self._build((*sides, input_shape[-1], self.filters))

    def call(self, inputs, training=None):
        """Maps `(batch, height, width, channels)` to `(batch, ..., filters)`."""
        kernel = self._normalised(training)
        return self._with_bias(
            ops.conv(inputs, kernel, self.strides, self.padding, "channels_last")
        )

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        lost = 0 if self.padding == "same" else self.kernel_size - 1
        sides = [
            None if side is None else -(-(side - lost) // self.strides)
            for side in input_shape[1:-1]
        ]
        return (input_shape[0], *sides, self.filters)

    def plain(self):
        """The Keras layer without normalisation, of the same name."""
        return self._plain(
            self.filters,
            self.kernel_size,
            self.strides,
            self.padding,
            use_bias=self.use_bias,
            name=self.name,
            dtype=self.dtype_policy,
        )

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@keras.saving.register_keras_serializable("keras_gans")
class SNConv3D(SNConv2D):
    """`SNConv2D` of volumes: the kernel is `(depth, height, width, inputs, filters)`.

    It maps `(batch, depth, height, width, channels)` to `(batch, ..., filters)`.
    """

    _plain = keras.layers.Conv3D


@keras.saving.register_keras_serializable("keras_gans")
class SNEmbedding(SpectralLayer):
    """Rows of the table E / sigma(E); u has one entry for each row, as in ajbrock's.

    Args:
        input_dim: Number of rows.
        output_dim: Length of a row.
        embeddings_initializer: Initializer of the table. Zeros would divide by zero.
        epsilon: Smallest norm by which a vector is divided.
        stored: Whether inference uses u and v as training left them.
        **kwargs: For `keras.layers.Layer`.
    """

    def __init__(
        self, input_dim, output_dim, embeddings_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape):
        """Makes the table and the vectors."""
        self.embeddings = self.add_normalised(
            "embeddings",
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            self.input_dim,
        )

    def as_columns(self):
        """The table, transposed: (length of a row, rows)."""
        return ops.transpose(self.embeddings)

    def call(self, inputs, training=None):
        """Integers of any shape to that shape and `(output_dim,)`."""
        rows = ops.take(self.embeddings, ops.cast(inputs, "int32"), axis=0)
        return ops.cast(rows / self.sigma(training), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (*input_shape, self.output_dim)

    def plain(self):
        """A `keras.layers.Embedding` of the same name."""
        return keras.layers.Embedding(
            self.input_dim, self.output_dim, name=self.name, dtype=self.dtype_policy
        )

    def folded_weights(self):
        """The table over sigma, as a list of one numpy array."""
        return [ops.convert_to_numpy(self.embeddings / self.sigma())]

    def get_config(self):
        """The constructor's arguments."""
        initializer = keras.initializers.serialize(self.embeddings_initializer)
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializer,
        }


def fold(network):
    """A copy of `network` with the plain kernels W / sigma, for inference.

    Args:
        network: Functional `keras.Model`.

    Returns:
        A `keras.Model` of ordinary Keras layers where `network` has normalised ones;
        in inference mode it gives the same outputs.
    """

    def copied(layer):
        if hasattr(layer, "plain"):
            return layer.plain()
        return type(layer).from_config(layer.get_config())

    folded = keras.models.clone_model(network, clone_function=copied)
    for new, old in zip(folded.layers, network.layers, strict=True):
        has_own = hasattr(old, "folded_weights")
        new.set_weights(old.folded_weights() if has_own else old.get_weights())
    return folded
