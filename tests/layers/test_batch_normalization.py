import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients

RNG = np.random.default_rng(0)

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="elsewhere it is Keras' own layer"
)


def pair(sides=(3, 5), **kwargs):
    """Ours and Keras' layer with equal weights."""
    layers = []
    for kind in (kg.layers.BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(momentum=0.9, epsilon=1e-3, **kwargs)
        layer.build((None, *sides, 4))
        weights = np.random.default_rng(1)
        layer.set_weights([weights.uniform(0.5, 2, 4) for _ in layer.weights])
        layers.append(layer)
    return layers


@on_tensorflow
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("sides", [(3, 5), (3, 2, 5)])
def test_equals_keras_forward_statistics_and_gradients(affine, sides):
    x = RNG.normal(2.0, 3.0, (6, *sides, 4)).astype("float32")
    weight = RNG.normal(size=x.shape).astype("float32")
    found = []
    for layer in pair(sides, center=affine, scale=affine):

        def objective(layer=layer):
            y = layer(x, training=True)
            return [ops.sum(weight * ops.square(y))], y

        y, (slopes,) = gradients.value_and_gradients(
            objective, [layer.trainable_variables]
        )
        slope = gradients.input_gradient(
            lambda t, layer=layer: weight * ops.square(layer(t, training=True)), x
        )
        found.append([y, slope, *slopes, *layer.weights, layer(x, training=False)])
    for ours, theirs in zip(*found, strict=True):
        ours, theirs = map(ops.convert_to_numpy, (ours, theirs))
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=5e-4)


def test_moving_variance_is_the_biased_one():
    layer = kg.layers.BatchNormalization(momentum=0.0)
    x = np.array([0.0, 2.0], "float32").reshape(2, 1, 1, 1)
    layer(x, training=True)
    assert float(layer.moving_variance[0]) == pytest.approx(1.0)
    assert float(layer.moving_mean[0]) == pytest.approx(1.0)


def test_computes_in_float32_under_mixed_precision():
    layer = kg.layers.BatchNormalization(dtype="mixed_bfloat16")
    y = layer(RNG.normal(300.0, 1.0, (64, 4, 4, 2)).astype("float32"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert float(ops.std(ops.cast(y, "float32"))) == pytest.approx(1.0, abs=0.05)


@on_tensorflow
@pytest.mark.parametrize("sides", [(3, 3), (3, 2, 3)])
def test_trains_by_the_fused_kernel_alone(sides):
    import tensorflow as tf

    layer = kg.layers.BatchNormalization()
    layer.build((None, *sides, 2))
    step = tf.function(lambda x: layer(x, training=True))
    graph = step.get_concrete_function(tf.TensorSpec((None, *sides, 2))).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert "FusedBatchNormV3" in kinds
    assert not kinds & {"Mean", "SquaredDifference", "Rsqrt"}
