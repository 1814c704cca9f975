"""Row LSTM: each pixel predicted from a triangle above it, row after row.

Van den Oord, Kalchbrenner and Kavukcuoglu 2016, arXiv 1601.06759.
"""

import keras
from keras import layers, ops

from keras_gans.core import raster
from keras_gans.core.autoregressive_model import AutoregressiveModel
from keras_gans.layers import MaskedConv2D, build_raster_network, lstm_step


@keras.saving.register_keras_serializable("keras_gans")
class RowLSTM(AutoregressiveModel):
    """An LSTM whose time runs down the rows of an image.

    The one player minimises - log p(x) = - sum_i log p(x_i | x_1 ... x_i-1), as for
    `PixelCNN`. The state of a point follows from those of three points in the row
    above, and from the points to its left; so a pixel sees a triangle of what is above
    it, and no more.

    Args:
        image_shape: `(height, width, channels)`.
        hidden_channels: h, the units of a layer; half the channels of the residual
            stream; 16 (CIFAR-10: 128).
        blocks: Layers; 7 (CIFAR-10: 12).
        head_channels: As for `PixelCNN`, like what follows.
        levels: 2, 256 or `None`.
        binarization: See `LikelihoodModel`.
        predictor: Your own causal `keras.Model`.
        ema_decay: Decay of a moving average.
        seed: Integer.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored.

    Logs: `nats`, -log p(x) per image.

    Raises:
        ValueError: for other levels.

    Example:

    >>> model = RowLSTM(image_shape=(28, 28, 1), blocks=2)
    >>> model.compile(model_optimizer=keras.optimizers.Adam(1e-3))
    >>> model.fit(images, batch_size=64, epochs=10)

    Reference: arXiv 1601.06759, section 3.1, eq. 3 and table 1.
    """

    def build_predictor(self, *sizes):
        """See `build_predictor`, the function."""
        return build_predictor(*sizes)

    def chain_of(self, network):
        """Its layers, one pixel at a time."""
        return raster.raster_chain(network, _block_at_a_pixel)


@keras.saving.register_keras_serializable("keras_gans")
class RowLSTMLayer(keras.layers.Layer):
    """h of every point, by a recurrence down the rows.

    gates = K_is * x + K_ss * h(row above): a masked convolution along the row, with a
    bias, and one over three points of the row above, which are all known; see
    `lstm_step`.

    Args:
        units: h.
        groups_of_color: As for `MaskedConv2D`.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1601.06759, eq. 3.
    """

    def __init__(self, units, groups_of_color=1, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.groups_of_color = groups_of_color

    def build(self, input_shape):
        """Makes the two convolutions."""
        self.input_to_state = MaskedConv2D(
            4 * self.units,
            (1, 3),
            "B",
            self.groups_of_color,
            repeats=4,
            dtype=self.dtype_policy,
            name="input_to_state",
        )
        self.input_to_state.build(input_shape)
        cell = _RowCell(self.units, input_shape[2], dtype=self.dtype_policy)
        self.recurrence = layers.RNN(
            cell, return_sequences=True, dtype=self.dtype_policy, name="recurrence"
        )
        height, width = input_shape[1:3]
        self.recurrence.build((None, height, 4 * self.units * width))

    @property
    def state_kernel(self):
        """K_ss, `(3, units, 4 * units)`."""
        return self.recurrence.cell.kernel

    def call(self, inputs):
        """`(batch, height, width, channels)` to `(batch, height, width, units)`."""
        _, height, width, _ = inputs.shape
        gates = self.input_to_state(inputs)
        gates = ops.reshape(gates, (-1, height, width * 4 * self.units))
        return ops.reshape(self.recurrence(gates), (-1, height, width, self.units))

    def compute_output_shape(self, input_shape):
        """The input's shape with other channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "groups_of_color": self.groups_of_color,
        }


class _RowCell(keras.layers.Layer):
    """A step of the recurrence, of whole rows as flat vectors."""

    def __init__(self, units, width, **kwargs):
        super().__init__(name="state_to_state", **kwargs)
        self.units, self.width = units, width
        self.state_size = [width * units, width * units]
        self.output_size = width * units

    def build(self, input_shape):
        shape = (3, self.units, 4 * self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel")

    def call(self, inputs, states):
        hidden, cell = (
            ops.reshape(state, (-1, self.width, self.units)) for state in states
        )
        gates = ops.reshape(inputs, (-1, self.width, 4 * self.units))
        gates = gates + ops.conv(hidden, self.kernel, 1, "same", "channels_last")
        hidden, cell = lstm_step(gates, cell)
        flat = (-1, self.output_size)
        hidden, cell = ops.reshape(hidden, flat), ops.reshape(cell, flat)
        return hidden, [hidden, cell]


class _RowState(raster.Part):
    """A `RowLSTMLayer` after its masked convolution, one pixel at a time."""

    def __init__(self, layer):
        self._units = layer.units
        self._kernel = ops.convert_to_tensor(layer.state_kernel)

    def initial_rows(self, batch, width):
        """h and c of zeros."""
        return tuple(ops.zeros((batch, width, self._units)) for _ in range(2))

    def above(self, rows):
        """The share of the row above in the gates, and its c."""
        hidden, cell = rows
        return ops.conv(hidden, self._kernel, 1, "same", "channels_last"), cell

    def pixel(self, here, left, above):
        """One step."""
        hidden, cell = lstm_step(here + above[0], above[1])
        return hidden, (hidden, cell)

    def next_rows(self, rows, memos):
        """h and c of the row."""
        return memos


def build_predictor(image_shape, hidden_channels, blocks, head_channels, levels):
    """The paper's network: 7x7 A, LSTM layers with residual connections, a head."""
    colors = image_shape[-1]

    def block(x, name):
        y = RowLSTMLayer(hidden_channels, colors, name=f"{name}_lstm")(x)
        y = MaskedConv2D(2 * hidden_channels, 1, "B", colors, name=f"{name}_out")(y)
        return layers.Add(name=f"{name}_add")([x, y])

    return build_raster_network(
        image_shape, 2 * hidden_channels, block, blocks, head_channels, levels
    )


def _block_at_a_pixel(network, name):
    layer = network.get_layer(f"{name}_lstm")
    branch = [
        raster.Convolution(layer.input_to_state),
        _RowState(layer),
        raster.Convolution(network.get_layer(f"{name}_out")),
    ]
    return raster.Sum([raster.Chain(branch)])
