import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core.gradients import value_and_gradients
from keras_gans.losses import orthogonality


def gradient_of(variable):
    def objective():
        return [orthogonality([variable])], None

    _, ((gradient,),) = value_and_gradients(objective, [[variable]])
    return ops.convert_to_numpy(gradient)


def variable(values, name):
    return keras.Variable(np.asarray(values, "float32"), name=name)


@pytest.mark.every_backend
def test_value_is_half_the_papers():
    """W = [[1, 2], [3, 4]]: the paper's penalty is 242."""
    table = variable([[1, 2], [3, 4]], "embeddings")
    assert float(orthogonality([table])) == 121.0
    kernel = variable([[1, 3], [2, 4]], "kernel")
    assert float(orthogonality([kernel, table])) == 242.0


def test_gradient_is_what_the_reference_adds():
    expected = np.array([[66.0, 88.0], [22.0, 44.0]])
    table = variable([[1, 2], [3, 4]], "embeddings")
    np.testing.assert_allclose(gradient_of(table), expected)
    # A kernel holds the rows of W as columns.
    kernel = variable([[1, 3], [2, 4]], "kernel")
    np.testing.assert_allclose(gradient_of(kernel), expected.T)


def test_gradient_of_a_convolution():
    values = np.random.default_rng(0).normal(size=(3, 3, 2, 4))
    found = gradient_of(variable(values, "kernel")).reshape(-1, 4).T
    rows = values.reshape(-1, 4).T
    products = rows @ rows.T * (1 - np.eye(4))
    np.testing.assert_allclose(found, 2 * products @ rows, rtol=1e-4, atol=1e-5)


@pytest.mark.every_backend
def test_orthogonal_rows_of_any_norm_cost_nothing():
    rows = np.diag([1.0, 2.0, 3.0])
    assert float(orthogonality([variable(rows, "kernel")])) == 0.0
