"""Networks that stay in training mode when they translate, one image at a time.

The reference implementations of pix2pix translate with dropout on, its only noise, and
normalise by the statistics of the batch, which is one image. Both are done here
without a batch of one: every image by its own statistics, its dropout from a stream
whose rows are independent of each other.
"""

import contextlib

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` that may be told where its noise comes from.

    Attributes:
        stream: A `CounterStream` while the network translates, else `None`.
    """

    stream = None

    def call(self, inputs, training=False):
        """Any shape to the same shape."""
        if self.stream is None:
            return super().call(inputs, training=training)
        kept = self.stream.uniform(ops.shape(inputs)) >= self.rate
        return inputs * ops.cast(kept, inputs.dtype) / (1.0 - self.rate)


@contextlib.contextmanager
def as_in_training(network, stream):
    """Inside, `network` (called with `training=False`) acts as in training.

    Nothing is remembered: no statistics move, no seed advances.

    Args:
        network: `keras.Model` whose batch normalisations and dropouts are those of
            `keras_gans.layers`.
        stream: A `CounterStream`, of the dropout's noise.

    Raises:
        ValueError: for Keras' own layers, which cannot do this.
    """
    from keras_gans.layers.batch_normalization import BatchNormalization

    layers = network._flatten_layers()
    kinds = (keras.layers.Dropout, keras.layers.BatchNormalization)
    found = [layer for layer in layers if isinstance(layer, kinds)]
    for layer in found:
        if not isinstance(layer, (Dropout, BatchNormalization)):
            raise ValueError(
                f"{layer.name} cannot stay in training mode when translating: use "
                f"keras_gans.layers.{type(layer).__name__}, or the mode 'eval'."
            )
    try:
        for layer in found:
            if isinstance(layer, Dropout):
                layer.stream = stream
            else:
                layer.each_alone = True
        yield
    finally:
        for layer in found:
            if isinstance(layer, Dropout):
                layer.stream = None
            else:
                layer.each_alone = False
