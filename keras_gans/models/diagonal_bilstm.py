"""Diagonal BiLSTM: each pixel predicted from all before it, along diagonals.

Van den Oord, Kalchbrenner and Kavukcuoglu 2016, arXiv 1601.06759.
"""

import keras
from keras import layers, ops

from keras_gans.core import raster
from keras_gans.core.autoregressive_model import AutoregressiveModel
from keras_gans.layers import MaskedConv2D, build_raster_network, lstm_step


@keras.saving.register_keras_serializable("keras_gans")
class DiagonalBiLSTM(AutoregressiveModel):
    """Two LSTMs that scan an image from its upper corners.

    The one player minimises - log p(x) = - sum_i log p(x_i | x_1 ... x_i-1), as for
    `PixelCNN`. The state of a point follows from the point to its left and the one
    above; of the second LSTM, from the one to its right and the one above, whence its
    map is shifted down by a row. Together they reach nearly all of what is before a
    pixel: not the last columns of the row just above, from far on the left.

    A row's state begins with zeros: the padding of the skewed map is set after the
    input's convolution, not before, where its bias would run on before the row does.

    Args:
        image_shape: `(height, width, channels)`.
        hidden_channels: h, the units of a layer and direction; half the channels of
            the residual stream; 16 (CIFAR-10: 128).
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

    >>> model = DiagonalBiLSTM(image_shape=(14, 14, 1), hidden_channels=8, blocks=1)
    >>> model.compile(model_optimizer=keras.optimizers.Adam(1e-3))
    >>> model.fit(images, batch_size=64, epochs=10)

    Reference: arXiv 1601.06759, section 3.2, figure 3 and table 1.
    """

    def build_predictor(self, *sizes):
        """See `build_predictor`, the function."""
        return build_predictor(*sizes)

    def chain_of(self, network):
        """Its layers, one pixel at a time."""
        return raster.raster_chain(network, _block_at_a_pixel)


@keras.saving.register_keras_serializable("keras_gans")
class DiagonalLSTM(keras.layers.Layer):
    """h of every point, by a recurrence along the diagonals.

    gates = K_is x + K_ss (h above, h beside), of which the first has a bias.

    Args:
        units: h.
        groups_of_color: As for `MaskedConv2D`.
        reverse: Whether it starts at the upper right corner. What it makes is then
            shifted down by a row, since it has seen what is to the right.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1601.06759, figure 3.
    """

    def __init__(self, units, groups_of_color=1, reverse=False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.groups_of_color = groups_of_color
        self.reverse = reverse

    def build(self, input_shape):
        """Makes the two convolutions."""
        self.input_to_state = MaskedConv2D(
            4 * self.units,
            1,
            "B",
            self.groups_of_color,
            repeats=4,
            dtype=self.dtype_policy,
            name="input_to_state",
        )
        self.input_to_state.build(input_shape)
        height, width = input_shape[1:3]
        cell = _DiagonalCell(self.units, height, dtype=self.dtype_policy)
        self.recurrence = layers.RNN(
            cell, return_sequences=True, dtype=self.dtype_policy, name="recurrence"
        )
        self.recurrence.build((None, width + height - 1, 4 * self.units * height))

    @property
    def state_kernel(self):
        """K_ss, `(2, units, 4 * units)`: of the row above, and of its own."""
        return self.recurrence.cell.kernel

    def call(self, inputs):
        """`(batch, height, width, channels)` to `(batch, height, width, units)`."""
        _, height, width, _ = inputs.shape
        steps, units = width + height - 1, self.units
        gates = self.input_to_state(inputs)
        gates = skew(ops.flip(gates, axis=2) if self.reverse else gates)
        gates = ops.reshape(ops.swapaxes(gates, 1, 2), (-1, steps, height * 4 * units))
        hidden = ops.reshape(self.recurrence(gates), (-1, steps, height, units))
        hidden = unskew(ops.swapaxes(hidden, 1, 2))
        if not self.reverse:
            return hidden
        hidden = ops.flip(hidden, axis=2)
        return ops.pad(hidden[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))

    def compute_output_shape(self, input_shape):
        """The input's shape with other channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "groups_of_color": self.groups_of_color,
            "reverse": self.reverse,
        }


def skew(x):
    """Row i shifted right by i: `(batch, h, w, c)` to `(batch, h, w + h - 1, c)`."""
    _, height, width, channels = x.shape
    x = ops.pad(x, ((0, 0), (0, 0), (0, height), (0, 0)))
    x = ops.reshape(x, (-1, height * (width + height), channels))[:, :-height]
    return ops.reshape(x, (-1, height, width + height - 1, channels))


def unskew(x):
    """What `skew` undoes: `(batch, h, w + h - 1, c)` to `(batch, h, w, c)`."""
    _, height, steps, channels = x.shape
    x = ops.reshape(x, (-1, height * steps, channels))
    x = ops.pad(x, ((0, 0), (0, height), (0, 0)))
    x = ops.reshape(x, (-1, height, steps + 1, channels))
    return x[:, :, : steps + 1 - height]


class _DiagonalCell(keras.layers.Layer):
    """A step of the recurrence, of whole columns of the skewed map as flat vectors."""

    def __init__(self, units, height, **kwargs):
        super().__init__(name="state_to_state", **kwargs)
        self.units, self.height = units, height
        self.state_size = [height * units, height * units]
        self.output_size = height * units

    def build(self, input_shape):
        shape = (2, self.units, 4 * self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel")

    def call(self, inputs, states):
        hidden, cell = (
            ops.reshape(state, (-1, self.height, self.units)) for state in states
        )
        gates = ops.reshape(inputs, (-1, self.height, 4 * self.units))
        # A row of zeros on top: padding below would show the row that is to come.
        hidden = ops.pad(hidden, ((0, 0), (1, 0), (0, 0)))
        gates = gates + ops.conv(hidden, self.kernel, 1, "valid", "channels_last")
        hidden, cell = lstm_step(gates, cell)
        flat = (-1, self.output_size)
        hidden, cell = ops.reshape(hidden, flat), ops.reshape(cell, flat)
        return hidden, [hidden, cell]


class _DiagonalState(raster.Part):
    """A `DiagonalLSTM` after its masked convolution, one pixel at a time."""

    def __init__(self, layer):
        self._units = layer.units
        self._kernel = ops.convert_to_tensor(layer.state_kernel)

    def initial_rows(self, batch, width):
        """h of zeros."""
        return ops.zeros((batch, width, self._units))

    def initial_left(self, batch):
        """h and c of zeros."""
        return tuple(ops.zeros((batch, self._units)) for _ in range(2))

    def above(self, rows):
        """The share of the row above in the gates."""
        return ops.matmul(rows, self._kernel[0])

    def pixel(self, here, left, above):
        """One step from the left."""
        hidden, cell = left
        gates = here + above + ops.matmul(hidden, self._kernel[1])
        memo = lstm_step(gates, cell)
        return memo[0], memo

    def next_left(self, left, memo):
        """h and c of the pixel."""
        return memo

    def next_rows(self, rows, memos):
        """h of the row."""
        return memos[0]


class _ReverseState(_DiagonalState):
    """A reverse `DiagonalLSTM`, whose pixels are those of the row above."""

    def __init__(self, layer):
        super().__init__(layer)
        self._inputs = layer.input_to_state

    def initial_left(self, batch):
        """Nothing."""
        return ()

    def above(self, rows):
        """h of the row above."""
        return rows

    def pixel(self, here, left, above):
        """What is above; the pixel is remembered."""
        return above, here

    def next_left(self, left, memo):
        """Nothing."""
        return ()

    def next_rows(self, rows, memos):
        """Steps through the row, from its right end, once all of it is known."""
        weights = self._inputs.masked_kernel[0, 0]
        gates = ops.matmul(memos, weights) + self._inputs.bias
        gates = gates + ops.matmul(rows, self._kernel[0])

        def step(state, at):
            hidden, cell = state
            state = lstm_step(at + ops.matmul(hidden, self._kernel[1]), cell)
            return state, state

        start = super().initial_left(ops.shape(memos)[0])
        by_column = ops.flip(ops.swapaxes(gates, 0, 1), axis=0)
        _, (hidden, _) = ops.scan(step, start, by_column, length=memos.shape[1])
        return ops.swapaxes(ops.flip(hidden, axis=0), 0, 1)


def build_predictor(
    image_shape, hidden_channels, blocks, head_channels, levels, first_size=7
):
    """The paper's network: 7x7 A, layers of two directions with residuals, a head."""
    colors = image_shape[-1]

    def block(x, name):
        summed = [x]
        for way in ("left", "right"):
            y = DiagonalLSTM(
                hidden_channels, colors, way == "right", name=f"{name}_{way}"
            )(x)
            summed.append(
                MaskedConv2D(
                    2 * hidden_channels, 1, "B", colors, name=f"{name}_{way}_out"
                )(y)
            )
        return layers.Add(name=f"{name}_add")(summed)

    return build_raster_network(
        image_shape,
        2 * hidden_channels,
        block,
        blocks,
        head_channels,
        levels,
        first_size,
    )


def _block_at_a_pixel(network, name):
    left, right, *outs = (
        network.get_layer(f"{name}_{part}")
        for part in ("left", "right", "left_out", "right_out")
    )
    outs = [raster.Convolution(layer) for layer in outs]
    first = [raster.Convolution(left.input_to_state), _DiagonalState(left), outs[0]]
    return raster.Sum(
        [raster.Chain(first), raster.Chain([_ReverseState(right), outs[1]])]
    )
