import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core.gradients import value_and_gradients
from keras_gans.core.random import seeded
from keras_gans.layers import SNConv2D, SNConv3D, SNDense, SNEmbedding, fold
from tests.contract import on_tensorflow, two_replicas

RNG = np.random.default_rng(0)


def dense(kernel, u, **arguments):
    """A dense layer without bias of a kernel (inputs, outputs) and a vector u."""
    layer = SNDense(kernel.shape[1], use_bias=False, **arguments)
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    layer.u.assign(u)
    return layer


def layers_of_all_kinds():
    with seeded("spectral normalisation"):
        conv = SNConv2D(5, 3, kernel_initializer="he_normal")
        conv.build((None, 4, 4, 6))
        linear = SNDense(7)
        linear.build((None, 4))
        table = SNEmbedding(6, 5)
        table.build((None,))
        solid = SNConv3D(5, 2, kernel_initializer="he_normal")
        solid.build((None, 4, 4, 4, 6))
    return [conv, linear, table, solid]


def matrix_of(layer):
    """(outputs, everything else), as numpy."""
    return ops.convert_to_numpy(layer.as_columns()).T


@pytest.mark.every_backend
def test_golden_sequence():
    """W = [[3, 0], [4, 5]] from u = [1, 1]; the true value is 6.708204."""
    layer = dense(np.array([[3.0, 4.0], [0.0, 5.0]], "float32"), [1.0, 1.0])
    found = [float(layer.sigma(training=True)) for _ in range(3)]
    np.testing.assert_allclose(found, [6.627135, 6.707182, 6.708191], atol=2e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", range(4), ids=["conv", "dense", "embedding", "solid"])
def test_twenty_iterations_find_the_largest_singular_value(kind):
    layer = layers_of_all_kinds()[kind]
    for _ in range(20):
        sigma = layer.sigma(training=True)
    largest = np.linalg.svd(matrix_of(layer), compute_uv=False)[0]
    assert float(sigma) == pytest.approx(largest, rel=0.01)
    assert layer.u.shape == (matrix_of(layer).shape[0],)
    weight = layer.folded_weights()[0]
    norm = np.linalg.svd(weight.reshape(-1, weight.shape[-1]), compute_uv=False)[0]
    assert norm == pytest.approx(1.0, rel=0.01)


@pytest.mark.every_backend
def test_a_call_in_training_moves_u_once_and_another_does_not():
    layer = dense(RNG.normal(size=(3, 4)).astype("float32"), np.ones(4, "float32"))
    x = ops.convert_to_tensor(RNG.normal(size=(2, 3)).astype("float32"))
    matrix, u = matrix_of(layer), np.ones(4)
    quiet = ops.convert_to_numpy(layer(x, training=False))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.u), u)
    loud = ops.convert_to_numpy(layer(x, training=True))
    v = matrix.T @ u
    v /= np.linalg.norm(v)
    u = matrix @ v
    u /= np.linalg.norm(u)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.u), u, atol=1e-6)
    expected = ops.convert_to_numpy(x) @ matrix.T / (u @ matrix @ v)
    np.testing.assert_allclose(loud, expected, rtol=1e-5)
    # Inference takes the iteration too, and forgets it.
    np.testing.assert_allclose(quiet, expected, rtol=1e-5)
    layer.trainable = False
    layer(x, training=True)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.u), u, atol=1e-6)


@pytest.mark.every_backend
def test_stored_vectors_are_used_as_they_are():
    kernel = RNG.normal(size=(3, 4)).astype("float32")
    layer = dense(kernel, np.ones(4, "float32"), stored=True)
    u, v = RNG.normal(size=4), RNG.normal(size=3)
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    layer.u.assign(u)
    layer.v.assign(v)
    assert float(layer.sigma()) == pytest.approx(v @ kernel @ u, rel=1e-5)
    # Averages of unit vectors are shorter; the direction is what counts.
    layer.u.assign(0.5 * u)
    assert float(layer.sigma()) == pytest.approx(v @ kernel @ u, rel=1e-5)
    sigma = float(layer.sigma(training=True))
    assert float(layer.sigma()) == pytest.approx(sigma, rel=1e-5)


def gradients_of(layer, weight):
    """d sum(weight * W / sigma) / dW, by the kernel."""

    def objective():
        normalised = layer.as_columns() / layer.sigma(training=True)
        return [ops.sum(weight * normalised)], None

    _, ((gradient,),) = value_and_gradients(objective, [layer.trainable_weights[:1]])
    return ops.convert_to_numpy(gradient)


@pytest.mark.parametrize("kind", range(4), ids=["conv", "dense", "embedding", "solid"])
def test_gradient_is_that_of_the_quotient_with_fixed_vectors(kind):
    """d(G . W / s) = G / s - (G . W) / s^2 u v^T, u and v constants."""
    layer = layers_of_all_kinds()[kind]
    columns = matrix_of(layer).T.astype("float64")
    weight = RNG.normal(size=columns.shape).astype("float32")
    u = ops.convert_to_numpy(layer.u).astype("float64")
    found = gradients_of(layer, weight)
    v = columns @ u
    v /= np.linalg.norm(v)
    u = columns.T @ v
    u /= np.linalg.norm(u)
    sigma = v @ columns @ u
    product = (weight * columns).sum()
    expected = weight / sigma - product / sigma**2 * np.outer(v, u)
    found = found.T if kind == 2 else found.reshape(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    # The term that comes from sigma is no rounding.
    assert np.abs(expected - weight / sigma).max() > 0.01


@pytest.mark.every_backend
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(
    ("kind", "unnormalised", "sides"),
    [
        (SNConv2D, keras.layers.Conv2D, (7, 6)),
        (SNConv3D, keras.layers.Conv3D, (7, 6, 5)),
    ],
)
def test_folded_convolution(kind, unnormalised, sides, padding, strides):
    x = keras.Input((*sides, 3))
    y = kind(4, 3, strides, padding, kernel_initializer="he_normal")(x)
    network = keras.Model(x, y)
    network.layers[1].bias.assign(RNG.normal(size=4))
    plain = fold(network)
    assert type(plain.layers[1]) is unnormalised
    images = ops.convert_to_tensor(RNG.normal(size=(2, *sides, 3)).astype("float32"))
    first, second = (n(images, training=False) for n in (network, plain))
    assert y.shape[1:] == first.shape[1:]
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (first, second)), atol=1e-6)


@pytest.mark.every_backend
def test_config_round_trip():
    for layer in layers_of_all_kinds():
        config = keras.saving.serialize_keras_object(layer)
        again = keras.saving.deserialize_keras_object(config)
        assert again.get_config() == layer.get_config()


@pytest.mark.every_backend
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_sigma_is_float32_in_half_precision(policy):
    kernel = RNG.normal(size=(30, 40)).astype("float32")
    layer = dense(kernel, np.ones(40, "float32"), dtype=policy)
    exact = dense(kernel, np.ones(40, "float32"))
    assert float(layer.sigma(training=True)) == float(exact.sigma(training=True))
    y = layer(np.ones((2, 30), "float32"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(layer.kernel.dtype) == "float32"


@on_tensorflow
def test_replicas_keep_the_same_vector():
    strategy = two_replicas()
    with strategy.scope():
        layer = SNDense(4)
        layer.build((None, 3))
    single = dense(ops.convert_to_numpy(layer.kernel), ops.convert_to_numpy(layer.u))
    strategy.run(lambda: layer(np.ones((2, 3), "float32"), training=True))
    single(np.ones((2, 3), "float32"), training=True)
    copies = strategy.experimental_local_results(layer.u.value)
    assert len(copies) == 2
    for copy in copies:
        np.testing.assert_allclose(
            copy.numpy(), ops.convert_to_numpy(single.u), atol=1e-7
        )
