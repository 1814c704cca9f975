import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg

RNG = np.random.default_rng(0)
CASES = {
    "dense": (kg.layers.WeightNormalizedDense(3), (5,)),
    "conv": (kg.layers.WeightNormalizedConv2D(3, 3, 2, "valid"), (7, 6, 2)),
    "padded": (kg.layers.WeightNormalizedConv2D(3, 3, 2), (7, 6, 2)),
    "deconv": (kg.layers.WeightNormalizedConv2DTranspose(3, 5, 2, "valid"), (4, 5, 2)),
    "deconv_same": (kg.layers.WeightNormalizedConv2DTranspose(3, 5, 2), (4, 5, 2)),
    "deconv_small": (
        kg.layers.WeightNormalizedConv2DTranspose(3, 1, 2, "valid"),
        (4, 5, 2),
    ),
}


def keras_twin(layer):
    if isinstance(layer, kg.layers.WeightNormalizedDense):
        return keras.layers.Dense(layer.outputs)
    transposed = isinstance(layer, kg.layers.WeightNormalizedConv2DTranspose)
    kind = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    return kind(layer.outputs, layer.kernel_size, layer.strides, layer.padding)


def batch(shape, rows=4):
    return RNG.normal(size=(rows, *shape)).astype("float32")


@pytest.mark.every_backend
@pytest.mark.parametrize("case", CASES)
def test_equals_keras_layer_of_the_normalised_kernel(case):
    layer, shape = CASES[case]
    x = batch(shape)
    assert layer(x).shape == layer.compute_output_shape(x.shape)
    scale = np.array([0.5, 2.0, 3.0], "float32")
    layer.scale.assign(scale)
    layer.bias.assign([1.0, 2.0, 3.0])
    kernel = ops.convert_to_numpy(layer.kernel)
    axis = layer.output_axis % kernel.ndim
    others = tuple(i for i in range(kernel.ndim) if i != axis)
    lengths = np.linalg.norm(np.moveaxis(kernel, axis, 0).reshape(3, -1), axis=1)
    twin = keras_twin(layer)
    twin.build(x.shape)
    factor = np.expand_dims(scale / lengths, others)
    twin.set_weights([kernel * factor, ops.convert_to_numpy(layer.bias)])
    np.testing.assert_allclose(layer(x), twin(x), atol=1e-5)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.every_backend
@pytest.mark.parametrize("case", CASES)
def test_initialize_normalises_its_inputs(case):
    layer, shape = CASES[case]
    layer = type(layer).from_config({**layer.get_config(), "initial_std": 0.25})
    x = 3.0 + 2.0 * batch(shape, rows=50)
    layer.build(x.shape)
    if layer.output_axis == -1:
        layer.initialize(x)
        y = ops.convert_to_numpy(layer(x)).reshape(-1, 3)
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-4)
        np.testing.assert_allclose(y.std(0), 0.25, rtol=1e-3)
        # A second time changes nothing.
        scale = ops.convert_to_numpy(layer.scale).copy()
        layer.initialize(x)
        np.testing.assert_allclose(layer.scale, scale, rtol=1e-3)
    else:
        layer.initialize(x)
        y = ops.convert_to_numpy(layer(x)).reshape(-1, 3)
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-4)


def test_an_output_that_is_the_same_everywhere_keeps_its_scale():
    layer = kg.layers.WeightNormalizedDense(2)
    x = np.ones((4, 3), "float32")
    layer.build(x.shape)
    layer.initialize(x)
    np.testing.assert_array_equal(layer.scale, [1.0, 1.0])
    np.testing.assert_allclose(layer(x), 0, atol=1e-6)


def test_scale_is_trained_on_request_alone():
    for train_scale in (False, True):
        layer = kg.layers.WeightNormalizedDense(2, train_scale=train_scale)
        layer.build((None, 3))
        trained = [v.name for v in layer.trainable_variables]
        assert ("scale" in trained) == train_scale
        assert len(layer.variables) == 3


def test_length_of_the_kernel_has_no_part_unless_epsilon_has():
    for epsilon, same in ((0.0, True), (1.0, False)):
        layer = kg.layers.WeightNormalizedDense(2, epsilon=epsilon)
        x = batch((3,))
        before = ops.convert_to_numpy(layer(x)).copy()
        layer.kernel.assign(layer.kernel * 7.0)
        assert np.allclose(before, layer(x), atol=1e-6) == same


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_rounds_the_normalised_kernel_alone(policy):
    """Kernels whose squares have no place in float16 still have a direction."""
    layer = kg.layers.WeightNormalizedDense(2, dtype=policy)
    layer.build((None, 3))
    direction = np.array([[3.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
    layer.kernel.assign(direction * 1e-5)
    y = layer(np.array([[1.0, 1.0, 2.0]], "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == policy[6:]
    found = ops.convert_to_numpy(ops.cast(y, "float32"))
    np.testing.assert_allclose(found, [[1.4, 2.0]], rtol=1e-2)


@pytest.mark.every_backend
def test_a_network_is_initialised_from_below():
    images = keras.Input((6,))
    x = keras.layers.GaussianNoise(0.3)(images)
    x = kg.layers.WeightNormalizedDense(20, "relu", name="first")(x)
    x = keras.layers.BatchNormalization(scale=False)(x)
    x = kg.layers.WeightNormalizedDense(4, initial_std=0.1, name="second")(x)
    network = keras.Model(images, x)
    kg.layers.initialize_from_data(network, 2.0 + batch((6,), rows=400))
    y = ops.convert_to_numpy(network(2.0 + batch((6,), rows=400), training=True))
    # On other noise and other rows than it was initialised on.
    np.testing.assert_allclose(y.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(y.std(0), 0.1, rtol=0.15)
