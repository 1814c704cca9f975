import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models import diagonal_bilstm
from tests import causality
from tests.contract import count
from tests.contract_raster import RasterContract


class TestDiagonalBiLSTM(RasterContract):
    system = kg.DiagonalBiLSTM
    tiny = {
        "image_shape": (4, 4, 1),
        "hidden_channels": 3,
        "blocks": 1,
        "head_channels": 4,
    }


def test_parameter_counts():
    """A direction of h 16, and a layer of two with their 1x1 convolutions."""
    layer = diagonal_bilstm.DiagonalLSTM(16)
    layer.build((None, 4, 4, 32))
    assert count(layer) == 4_160
    one, two = (
        count(diagonal_bilstm.build_predictor((4, 4, 1), 16, n, 32, 2)) for n in (1, 2)
    )
    assert two - one == 9_408


@pytest.mark.every_backend
@pytest.mark.parametrize(("size", "missing"), [(3, 20), (7, 10)])
def test_all_but_the_last_columns_are_seen(size, missing):
    """On 6x6 with one layer: no leak, and the last columns of the row above."""
    network = diagonal_bilstm.build_predictor((6, 6, 1), 3, 1, 4, 2, first_size=size)
    causality.fill(network)
    assert causality.leaks_and_missing(network, (6, 6, 1)) == (0, missing)


@pytest.mark.every_backend
def test_unskewing_undoes_skewing():
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 3)).astype("float32")
    skewed = diagonal_bilstm.skew(ops.convert_to_tensor(x))
    assert skewed.shape == (2, 4, 9, 3)
    found = ops.convert_to_numpy(skewed)
    for i in range(4):
        np.testing.assert_array_equal(found[:, i, i : i + 6], x[:, i])
        assert not found[:, i, :i].any() and not found[:, i, i + 6 :].any()
    again = ops.convert_to_numpy(diagonal_bilstm.unskew(skewed))
    np.testing.assert_array_equal(again, x)


@pytest.mark.every_backend
@pytest.mark.parametrize("reverse", [False, True])
def test_a_layer_is_its_equations(reverse):
    """Written out in NumPy, point after point."""
    layer = diagonal_bilstm.DiagonalLSTM(2, reverse=reverse)
    x = np.random.default_rng(3).standard_normal((1, 3, 4, 2)).astype("float32")
    layer(x)
    causality.fill(layer)
    found = ops.convert_to_numpy(layer(x))[0]
    kernel = ops.convert_to_numpy(layer.input_to_state.kernel)[0, 0]
    bias = ops.convert_to_numpy(layer.input_to_state.bias)
    above, beside = ops.convert_to_numpy(layer.state_kernel)
    image = x[0, :, ::-1] if reverse else x[0]
    hidden, cell = np.zeros((4, 5, 2)), np.zeros((4, 5, 2))
    for i in range(3):
        for j in range(4):
            gates = bias + image[i, j] @ kernel
            gates = gates + hidden[i, j + 1] @ above + hidden[i + 1, j] @ beside
            o, f, a, g = np.split(gates, 4)
            o, f, a = (1 / (1 + np.exp(-v)) for v in (o, f, a))
            cell[i + 1, j + 1] = f * cell[i + 1, j] + a * np.tanh(g)
            hidden[i + 1, j + 1] = o * np.tanh(cell[i + 1, j + 1])
    # In reverse the rows are those above, and the first is zero.
    expected = hidden[:3, 1:][:, ::-1] if reverse else hidden[1:, 1:]
    np.testing.assert_allclose(found, expected, atol=1e-5)
