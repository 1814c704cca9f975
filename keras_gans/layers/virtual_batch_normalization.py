"""Virtual batch normalisation: by a batch that was chosen once and stays."""

import keras
from keras import initializers, ops


@keras.saving.register_keras_serializable("keras_gans")
class VirtualBatchNormalization(keras.layers.Layer):
    """Normalises each sample by a reference batch and by itself, and by no other.

    With n samples in the reference batch R, each sample x is normalised by
    mean = m_x / (n + 1) + n m_R / (n + 1), the same for the mean square, where m_x is
    taken over the places of that sample alone. R is normalised by its own statistics,
    and has to pass through the network in every step: call the layer on both.

    >>> x, reference = VirtualBatchNormalization()((x, reference))

    Args:
        epsilon: Added to the variance; 1e-5.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1606.03498, section 3.5.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Makes gamma ~ N(1, 0.02) and beta = 0, one for each channel."""
        channels = (input_shape[0][-1],)
        self.gamma = self.add_weight(
            shape=channels,
            initializer=initializers.RandomNormal(1.0, 0.02),
            autocast=False,
            name="gamma",
        )
        self.beta = self.add_weight(
            shape=channels, initializer="zeros", autocast=False, name="beta"
        )

    def call(self, inputs):
        """`(x, reference)`, maps or vectors, to both of them normalised."""
        x, reference = (ops.cast(part, "float32") for part in inputs)
        places = tuple(range(1, len(x.shape) - 1))
        everywhere = (0, *places)
        # About the reference's mean, which changes nothing but the rounding: the
        # difference of two large squares may be below zero.
        centre = ops.mean(reference, axis=everywhere, keepdims=True)
        x, reference = x - centre, reference - centre
        mean, square = _moments(reference, everywhere)
        n = ops.cast(ops.shape(reference)[0], "float32")
        own_mean, own_square = _moments(x, places)
        blended = (
            (own_mean + n * mean) / (n + 1.0),
            (own_square + n * square) / (n + 1.0),
        )
        outputs = (
            self._normalized(x, *blended),
            self._normalized(reference, mean, square),
        )
        return tuple(ops.cast(output, self.compute_dtype) for output in outputs)

    def _normalized(self, x, mean, square):
        deviation = ops.sqrt(self.epsilon + square - ops.square(mean))
        return (x - mean) / deviation * self.gamma + self.beta

    def compute_output_shape(self, input_shape):
        """The inputs' shapes."""
        return tuple(tuple(shape) for shape in input_shape)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _moments(x, axes):
    return (
        ops.mean(x, axis=axes, keepdims=True),
        ops.mean(ops.square(x), axis=axes, keepdims=True),
    )
