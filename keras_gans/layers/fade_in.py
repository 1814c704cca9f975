"""How a new block of a growing network comes into play."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class FadeIn(keras.layers.Layer):
    """(1 - alpha) old + alpha new, with a weight alpha that is set, not trained.

    At alpha = 0 the new block has no effect and at 1 the old one, exactly.

    Args:
        alpha: First weight of the new block, in [0, 1].
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1710.10196, section 2 and figure 2.
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.first_alpha = alpha

    def build(self, input_shape):
        """Makes `alpha`."""
        self.alpha = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.first_alpha),
            dtype="float32",
            trainable=False,
            autocast=False,
            # All replicas assign it the same value.
            aggregation="only_first_replica",
            name="alpha",
        )

    def call(self, inputs):
        """Two maps `[old, new]` of one shape to one of that shape."""
        old, new = inputs
        alpha = ops.cast(self.alpha, new.dtype)
        return (1.0 - alpha) * old + alpha * new

    def compute_output_shape(self, input_shape):
        """The shape of either input."""
        return input_shape[0]

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "alpha": self.first_alpha}
