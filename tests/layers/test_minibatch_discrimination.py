import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests import golden


def layer_of(weights, kernels, dim):
    layer = kg.layers.MinibatchDiscrimination(kernels, dim)
    layer.build((None, weights["kernel"].shape[0]))
    for name, value in weights.items():
        getattr(layer, name).assign(value)
    return layer


@pytest.fixture
def reference():
    """Fixture F12a."""
    return layer_of(
        {
            # Of several outputs' axes the fill rule's product takes all but the first.
            "kernel": golden.fill("theta", (6, 3, 2)),
            "log_scale": golden.fill("log_weight_scale", (3, 2)),
            "bias": golden.fill("b", (3,)),
        },
        3,
        2,
    )


def features():
    i, b = np.arange(6), np.arange(4)[:, None]
    return np.cos(0.7 * i + 1.1 * b).astype("float32")


@pytest.mark.every_backend
def test_matches_reference(reference):
    assert float(reference.kernel[0, 0, 0]) == pytest.approx(0.9764089, abs=1e-6)
    assert float(reference.log_scale[0, 0]) == pytest.approx(1.063411, abs=1e-6)
    expected = [
        [-0.02547321, 0.6596243, 0.1295429],
        [0.0958766, 0.8737957, 0.1572127],
        [0.5608906, 1.019001, 0.0558611],
        [0.563369, 0.8925234, -0.06005502],
    ]
    found = ops.convert_to_numpy(reference(features()))
    np.testing.assert_array_equal(found[:, :6], features())
    np.testing.assert_allclose(found[:, 6:], expected, rtol=2e-5, atol=1e-6)
    assert reference.compute_output_shape((4, 6)) == (4, 9)


@pytest.mark.every_backend
def test_golden_closeness():
    """M = [[0, 0], [1, 0], [0, 2]]: distances 1, 2 and 3."""
    layer = layer_of({"kernel": np.eye(2).reshape(2, 1, 2), "bias": [0.0]}, 1, 2)
    m = np.array([[0, 0], [1, 0], [0, 2]], "float32")
    found = ops.convert_to_numpy(layer(m))[:, 2]
    np.testing.assert_allclose(found, [0.5032147, 0.4176664, 0.1851224], atol=1e-6)


def test_order_of_the_other_samples_has_no_part(reference):
    order = [0, 3, 1, 2]
    plain = ops.convert_to_numpy(reference(features()))
    mixed = ops.convert_to_numpy(reference(features()[order]))
    np.testing.assert_allclose(mixed, plain[order], atol=1e-6)


def test_samples_far_from_all_others_are_told_so(reference):
    """Nothing is left of the sum but the bias: a sample is no neighbour of itself."""
    far = ops.convert_to_numpy(reference(1e4 * features()))[:, 6:]
    np.testing.assert_allclose(far, np.tile(reference.bias, (4, 1)), atol=1e-6)


@pytest.mark.every_backend
def test_initialize_centres(reference):
    reference.initialize(features())
    found = ops.convert_to_numpy(reference(features()))[:, 6:]
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    assert found.std() > 0.1


def test_starts_at_minus_one_and_has_a_config():
    layer = kg.layers.MinibatchDiscrimination()
    layer.build((None, 4))
    assert layer.kernel.shape == (4, 100, 5)
    np.testing.assert_array_equal(layer.bias, np.full(100, -1.0))
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_half_precision_takes_distances_in_float32():
    # 300 dimensions of size 300 each: their sum has no place in float16.
    layer = kg.layers.MinibatchDiscrimination(1, 300, dtype="mixed_float16")
    layer.build((None, 2))
    layer.log_scale.assign(np.full((1, 300), np.log(300.0)))
    y = layer(np.eye(2, dtype="float32"))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    np.testing.assert_array_equal(ops.convert_to_numpy(y)[:, 2], [-1.0, -1.0])
