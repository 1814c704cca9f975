"""Styles for all layers of a synthesis network, and their mean over training."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class StyleAverage(keras.layers.Layer):
    """Hands one style to each synthesis layer, and remembers the mean style.

    In training w_avg <- decay * w_avg + (1 - decay) * mean_batch(w). The mean is state,
    not trained; on several replicas it is that of the whole batch.

    Args:
        count: Number of synthesis layers.
        decay: In [0, 1].
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1812.04948, appendix B.
    """

    def __init__(self, count, decay=0.995, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.decay = decay

    def build(self, input_shape):
        """Makes the mean style, zero."""
        self.average = self.add_weight(
            shape=(input_shape[-1],),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name="average",
        )

    def call(self, inputs, training=None):
        """Styles `(batch, features)` to `(batch, count, features)`."""
        if training:
            mean = ops.mean(ops.cast(inputs, "float32"), axis=0)
            mean = ops.stop_gradient(mean)
            self.average.assign(mean + self.decay * (self.average - mean))
        return ops.repeat(ops.expand_dims(inputs, 1), self.count, axis=1)

    def truncated(self, styles, psi, layers=None):
        """w_avg + psi (w - w_avg): styles nearer to the mean style.

        Args:
            styles: `(batch, count, features)`.
            psi: Factor of the distance; 1 leaves the styles as they are.
            layers: Number of layers, from the first, whose styles move; `None` for all.

        Returns:
            The same shape.
        """
        psi = ops.cast(psi, styles.dtype)
        average = ops.cast(self.average, styles.dtype)
        moved = average + psi * (styles - average)
        if layers is None or layers >= self.count:
            return moved
        return ops.concatenate([moved[:, :layers], styles[:, layers:]], axis=1)

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (input_shape[0], self.count, input_shape[-1])

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "count": self.count, "decay": self.decay}
