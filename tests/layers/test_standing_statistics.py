import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.layers import BatchNormalization, SNDense, average_statistics

pytestmark = pytest.mark.every_backend


def network():
    x = keras.Input((3,))
    y = SNDense(4, name="linear")(x)
    y = BatchNormalization(momentum=0.7, name="norm")(y)
    return keras.Model(x, keras.layers.Dense(2, trainable=False)(y))


@pytest.mark.parametrize("trainable", [True, False])
def test_equal_batches_give_their_own_statistics(trainable):
    model = network()
    if not trainable:
        model.trainable = False
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    x = ops.convert_to_tensor(x)
    before = [ops.convert_to_numpy(w).copy() for w in model.weights]
    maps = keras.Model(model.input, model.get_layer("linear").output)
    y = ops.convert_to_numpy(maps(x, training=False))
    average_statistics(model, [x] * 3)
    norm = model.get_layer("norm")
    means, variances = map(
        ops.convert_to_numpy, (norm.moving_mean, norm.moving_variance)
    )
    np.testing.assert_allclose(means, y.mean(0), atol=1e-6)
    np.testing.assert_allclose(variances, y.var(0), atol=1e-6)
    assert norm.momentum == 0.7
    for weight, old in zip(model.weights, before, strict=True):
        if "moving" not in weight.path:
            np.testing.assert_array_equal(ops.convert_to_numpy(weight), old)
    assert [layer.trainable for layer in model.layers[1:]] == (
        [trainable, trainable, False]
    )


def test_average_of_different_batches():
    model = keras.Sequential([keras.Input((2,)), BatchNormalization(momentum=0.9)])
    batches = np.random.default_rng(0).normal(3.0, 2.0, (5, 8, 2)).astype("float32")
    average_statistics(model, list(batches))
    norm = model.layers[0]
    found = map(ops.convert_to_numpy, (norm.moving_mean, norm.moving_variance))
    expected = batches.mean(1).mean(0), batches.var(1).mean(0)
    for values, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, value, rtol=1e-5)
