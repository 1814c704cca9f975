"""Batch normalisation whose scale and offset come from the condition."""

import keras

from keras_gans.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable("keras_gans")
class ConditionalBatchNormalization(BatchNormalization):
    """(1 + gain) (x - mean) / std + offset, with a gain and an offset for each sample.

    They are inputs, so that whatever maps the condition to them, a table of classes or
    a linear layer, is a layer of its own. A table of zeros gives batch normalisation.

    Args:
        **kwargs: For `BatchNormalization`.

    Reference: de Vries et al. 2017, arXiv 1707.00683, eq. 3-4.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "center": False, "scale": False})

    def build(self, input_shape):
        """Makes the moving statistics.

        Args:
            input_shape: Shapes of the maps, the gain and the offset.
        """
        super().build(input_shape[0])
        # The base class would hold the list of three against the shape of the maps.
        self.input_spec = None

    def call(self, inputs, training=None):
        """Normalises.

        Args:
            inputs: Maps `(batch, height, width, channels)`, gain and offset
                `(batch, channels)`.
            training: Whether the statistics are the batch's.

        Returns:
            Maps of the same shape.
        """
        x, gain, offset = inputs
        gain, offset = gain[:, None, None], offset[:, None, None]
        return super().call(x, training=training) * (1.0 + gain) + offset

    def compute_output_shape(self, input_shape):
        """The shape of the maps."""
        return input_shape[0]
