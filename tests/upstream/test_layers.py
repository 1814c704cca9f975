import keras
import numpy as np
import pytest
from keras import ops

from tests.upstream.still_broken import (
    X,
    Y,
    every_backend,
    numbers,
    on_jax,
    one_dense,
    still_broken,
)


@every_backend
def test_spectral_normalisation_rewrites_the_kernel():
    layer = keras.layers.SpectralNormalization(keras.layers.Dense(3, use_bias=False))
    layer.build((None, 2))
    layer.layer.kernel.assign([[1.0, 2.0, 3.0], [0.0, 5.0, -1.0]])
    before = numbers(layer.layer.kernel).copy()
    layer(X, training=False)
    np.testing.assert_array_equal(numbers(layer.layer.kernel), before)
    layer(X, training=True)
    with still_broken("a spectral normalisation of our own", "keras-team/keras#20309"):
        assert np.abs(numbers(layer.layer.kernel) - before).max() > 0.1


@every_backend
def test_resizing_puts_a_later_batch_norm_into_training_mode():
    norm = keras.layers.BatchNormalization()
    model = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Resizing(2, 2), norm]
    )
    images = ops.ones((3, 2, 2, 1))
    expected = 1 / (1 + 1e-3) ** 0.5
    explicit = numbers(model(images, training=False))
    np.testing.assert_allclose(explicit, expected, rtol=1e-5)
    with still_broken(
        "no Resizing or Random* layer in networks", "keras-team/keras#23166"
    ):
        np.testing.assert_allclose(numbers(model(images)), 0.0, atol=1e-5)
        np.testing.assert_allclose(numbers(norm.moving_mean), 0.01, rtol=1e-5)


@every_backend
@on_jax
def test_synchronised_batch_norm_is_refused_on_jax():
    with (
        still_broken("core.replicas:as_given"),
        pytest.raises(ValueError, match="only supported with the TensorFlow backend"),
    ):
        keras.layers.BatchNormalization(synchronized=True)


@every_backend
@on_jax
def test_assigned_variable_shares_a_buffer_that_training_gives_away():
    model = one_dense()
    kernel = model.layers[0].kernel
    copied, shared = keras.Variable([[0.0]] * 2), keras.Variable([[0.0]] * 2)
    copied.assign(ops.copy(kernel))
    shared.assign(kernel)
    model.fit(X, Y, verbose=0)
    assert np.isfinite(numbers(copied.value)).all()
    with (
        still_broken("core.moving_average:copy_weights"),
        pytest.raises(RuntimeError, match="has been deleted"),
    ):
        numbers(shared.value)
