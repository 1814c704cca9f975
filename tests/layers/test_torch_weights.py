import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.random import seeded


@pytest.mark.parametrize(
    ("kind", "arguments", "shape", "fan_in"),
    [
        (keras.layers.Dense, (400,), (1, 100), 100),
        (keras.layers.Conv2D, (400, 5), (1, 9, 9, 3), 75),
    ],
)
def test_kernel_and_bias_fill_the_same_range(kind, arguments, shape, fan_in):
    with seeded("weights"):
        layer = kind(*arguments, **kg.layers.torch_weights(fan_in))
    layer.build(shape)
    for weight in map(ops.convert_to_numpy, layer.weights):
        scaled = weight * np.sqrt(fan_in)
        assert np.abs(scaled).max() <= 1 + 1e-6
        # Uniform on (-1, 1): mean 0, variance a third.
        assert scaled.mean() == pytest.approx(0, abs=0.1)
        assert scaled.var() == pytest.approx(1 / 3, abs=0.04)


def test_equal_layers_start_differently():
    first, second = (
        keras.layers.Dense(4, **kg.layers.torch_weights(3)) for _ in range(2)
    )
    first.build((1, 3))
    second.build((1, 3))
    kernels = [ops.convert_to_numpy(layer.kernel) for layer in (first, second)]
    assert np.abs(kernels[0] - kernels[1]).max() > 0
