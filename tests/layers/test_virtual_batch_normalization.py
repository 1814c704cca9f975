import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg

RNG = np.random.default_rng(0)


def batch(*shape):
    return (1.0 + 2.0 * RNG.normal(size=shape)).astype("float32")


@pytest.fixture
def layer():
    layer = kg.layers.VirtualBatchNormalization()
    layer.build(((None, 4, 4, 3), (None, 4, 4, 3)))
    layer.gamma.assign([1.0, 2.0, 0.5])
    layer.beta.assign([0.0, 1.0, -1.0])
    return layer


@pytest.mark.every_backend
def test_each_sample_is_one_more_of_the_reference(layer):
    """The blend of moments is exact: those of the reference and the sample together."""
    x, reference = batch(5, 4, 4, 3), batch(7, 4, 4, 3)
    y, _ = layer((x, reference))
    gamma, beta = np.array(layer.gamma), np.array(layer.beta)
    for i in range(5):
        together = np.concatenate([x[i : i + 1], reference])
        mean, variance = together.mean((0, 1, 2)), together.var((0, 1, 2))
        expected = (x[i] - mean) / np.sqrt(variance + 1e-5) * gamma + beta
        np.testing.assert_allclose(y[i], expected, atol=1e-4)


@pytest.mark.every_backend
def test_reference_is_normalised_by_itself(layer):
    reference = batch(7, 4, 4, 3)
    _, y = layer((batch(2, 4, 4, 3), reference))
    y = ops.convert_to_numpy(y).reshape(-1, 3)
    np.testing.assert_allclose(y.mean(0), layer.beta, atol=1e-4)
    np.testing.assert_allclose(y.std(0), layer.gamma, rtol=1e-4)


def test_other_samples_have_no_part(layer):
    x, reference = batch(5, 4, 4, 3), batch(7, 4, 4, 3)
    first = ops.convert_to_numpy(layer((x, reference))[0])
    changed = np.concatenate([x[:1], 10 * x[1:]])
    second = ops.convert_to_numpy(layer((changed, reference))[0])
    np.testing.assert_array_equal(first[0], second[0])
    third = ops.convert_to_numpy(layer((x, 10 * reference))[0])
    assert np.abs(first[0] - third[0]).max() > 0.1


def test_vectors():
    x, reference = batch(2, 3), batch(6, 3)
    layer = kg.layers.VirtualBatchNormalization()
    y, _ = layer((x, reference))
    together = np.concatenate([x[:1], reference])
    expected = (x[0] - together.mean(0)) / np.sqrt(together.var(0) + 1e-5)
    np.testing.assert_allclose(y[0], expected * layer.gamma, atol=1e-4)


def test_gamma_starts_near_one():
    layer = kg.layers.VirtualBatchNormalization()
    layer.build(((None, 2000), (None, 2000)))
    gamma = np.array(layer.gamma)
    assert gamma.mean() == pytest.approx(1.0, abs=2e-3)
    assert gamma.std() == pytest.approx(0.02, rel=0.1)


def test_in_a_network():
    z, reference = keras.Input((4,)), keras.Input((4,))
    dense = keras.layers.Dense(6)
    x, r = kg.layers.VirtualBatchNormalization()((dense(z), dense(reference)))
    network = keras.Model((z, reference), x)
    again = keras.Model.from_config(network.get_config())
    again.set_weights(network.get_weights())
    inputs = (batch(3, 4), batch(5, 4))
    np.testing.assert_array_equal(network(inputs), again(inputs))


def test_half_precision():
    layer = kg.layers.VirtualBatchNormalization(dtype="mixed_float16")
    x = np.full((2, 8), 300.0, "float32")  # whose square has no place in float16
    y, r = layer((x, x))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    np.testing.assert_allclose(ops.convert_to_numpy(y), 0, atol=1e-3)
