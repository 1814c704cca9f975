import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests.contract import on_tensorflow, two_replicas


def to_numpy(x):
    return ops.convert_to_numpy(x)


STYLES = np.array([[1.0, 2.0], [3.0, 6.0]], "float32")


def test_hands_one_style_to_each_layer():
    layer = kg.layers.StyleAverage(3)
    found = to_numpy(layer(STYLES))
    assert found.shape == (2, 3, 2) == layer.compute_output_shape((2, 2))
    np.testing.assert_array_equal(found, np.repeat(STYLES[:, None], 3, axis=1))
    assert not to_numpy(layer.average).any(), "only training moves it"


def test_average_converges_to_the_mean_style():
    layer = kg.layers.StyleAverage(3, decay=0.5)
    expected = np.zeros(2)
    for _ in range(3):
        layer(STYLES, training=True)
        expected = 0.5 * expected + 0.5 * np.array([2.0, 4.0])
        np.testing.assert_allclose(to_numpy(layer.average), expected, rtol=1e-6)
    for _ in range(30):
        layer(STYLES, training=True)
    np.testing.assert_allclose(to_numpy(layer.average), [2, 4], rtol=1e-6)


@pytest.mark.parametrize("layers", [None, 2, 3, 5])
def test_truncation_pulls_the_first_layers_to_the_average(layers):
    layer = kg.layers.StyleAverage(3)
    styles = layer(STYLES)
    layer.average.assign([1.0, -1.0])
    found = to_numpy(layer.truncated(styles, 0.25, layers))
    moved = 3 if layers is None else min(layers, 3)
    expected = np.array([1.0, -1.0]) + 0.25 * (STYLES - np.array([1.0, -1.0]))
    for i in range(3):
        np.testing.assert_allclose(found[:, i], expected if i < moved else STYLES)


@on_tensorflow
def test_average_is_that_of_all_replicas():
    strategy = two_replicas()
    with strategy.scope():
        layer = kg.layers.StyleAverage(3, decay=0.0)
        layer.build((None, 2))
    from keras_gans.core import gradients

    def step():
        shift = ops.cast(gradients.replica().index, "float32")
        layer(ops.convert_to_tensor(STYLES) + 10.0 * shift, training=True)

    strategy.run(step)
    for value in strategy.experimental_local_results(layer.average.value):
        np.testing.assert_allclose(value, [7.0, 9.0])


def test_configurations():
    for layer in (
        kg.layers.StyleAverage(3, decay=0.9, name="a"),
        kg.layers.LearnedConstant((4, 4, 2), "zeros", name="b"),
    ):
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        assert again.get_config() == layer.get_config()


def test_constant_is_the_same_for_each_sample():
    layer = kg.layers.LearnedConstant((4, 5, 2), "random_normal")
    found = to_numpy(layer(STYLES))
    assert found.shape == (2, 4, 5, 2) == layer.compute_output_shape((2, 2))
    np.testing.assert_array_equal(found, np.stack([to_numpy(layer.constant)] * 2))
    assert found.std() > 0
