import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.layers import lstm_step
from keras_gans.models import row_lstm
from tests import causality
from tests.contract import count
from tests.contract_raster import RasterContract


class TestRowLSTM(RasterContract):
    system = kg.RowLSTM
    tiny = {
        "image_shape": (4, 4, 1),
        "hidden_channels": 3,
        "blocks": 1,
        "head_channels": 4,
    }


def test_parameter_counts():
    """A layer of h 128 with its 1x1 convolution."""
    layer = row_lstm.RowLSTMLayer(128)
    layer.build((None, 4, 4, 256))
    assert count(layer) + 128 * 256 + 256 == 623_360


@pytest.mark.every_backend
def test_a_layer_is_its_equations():
    """Written out in NumPy, point after point."""
    layer = row_lstm.RowLSTMLayer(2)
    x = np.random.default_rng(3).standard_normal((1, 3, 4, 2)).astype("float32")
    found = layer(x)
    causality.fill(layer)
    found = ops.convert_to_numpy(layer(x))
    kernel = ops.convert_to_numpy(layer.input_to_state.kernel)[0]
    bias = ops.convert_to_numpy(layer.input_to_state.bias)
    state_kernel = ops.convert_to_numpy(layer.state_kernel)
    hidden = np.zeros((4, 4 + 2, 2))  # a row on top, and a point on either side
    cell = np.zeros((4, 4 + 2, 2))
    for i in range(3):
        for j in range(4):
            left = x[0, i, j - 1] if j else np.zeros(2)
            gates = bias + left @ kernel[0] + x[0, i, j] @ kernel[1]
            gates = gates + sum(hidden[i, j + k] @ state_kernel[k] for k in range(3))
            o, f, a, g = np.split(gates, 4)
            o, f, a = (1 / (1 + np.exp(-v)) for v in (o, f, a))
            cell[i + 1, j + 1] = f * cell[i, j + 1] + a * np.tanh(g)
            hidden[i + 1, j + 1] = o * np.tanh(cell[i + 1, j + 1])
    np.testing.assert_allclose(found[0], hidden[1:, 1:5], atol=1e-5)


@pytest.mark.every_backend
def test_the_candidate_is_squashed_by_tanh():
    """Gates wide open: c = tanh(g), which a sigmoid would never make negative."""
    gates = np.array([[20.0, 20.0, 20.0, -0.5]], "float32")
    hidden, cell = lstm_step(gates, np.zeros((1, 1), "float32"))
    assert float(cell[0, 0]) == pytest.approx(np.tanh(-0.5), rel=1e-5)
    assert float(hidden[0, 0]) == pytest.approx(np.tanh(np.tanh(-0.5)), rel=1e-5)
