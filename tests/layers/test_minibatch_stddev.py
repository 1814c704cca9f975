import numpy as np
import pytest
from keras import ops

import keras_gans as kg

pytestmark = pytest.mark.every_backend


def ramp(batch):
    """Two channels of values i and 10 i, constant over the map of sample i."""
    rows = np.arange(batch, dtype="float32")[:, None, None, None]
    return np.broadcast_to(rows * [1.0, 10.0], (batch, 2, 3, 2)).astype("float32")


def last_channel(x, **arguments):
    layer = kg.layers.MinibatchStandardDeviation(**arguments)
    found = ops.convert_to_numpy(layer(x))
    assert found.shape == layer.compute_output_shape(x.shape)
    np.testing.assert_array_equal(found[..., : x.shape[-1]], x)
    extra = found[..., x.shape[-1] :]
    np.testing.assert_array_equal(extra, extra[:, :1, :1] + 0 * extra)
    return extra[:, 0, 0]


def test_golden():
    found = last_channel(ramp(8))
    np.testing.assert_allclose(found, np.full((8, 1), 12.298374), rtol=1e-6)
    found = last_channel(ramp(8), consecutive=True, unbiased=True)
    np.testing.assert_allclose(found, np.full((8, 1), 7.100470), rtol=1e-6)


def deviations(x, groups, parts):
    expected = np.zeros((len(x), parts))
    for members in groups:
        deviation = np.sqrt(x[members].astype("float64").var(axis=0) + 1e-8)
        pieces = np.split(deviation, parts, axis=-1)
        expected[members] = [piece.mean() for piece in pieces]
    return expected


@pytest.mark.parametrize("parts", [1, 2])
def test_groups(parts):
    x = np.random.default_rng(0).normal(size=(6, 2, 3, 4)).astype("float32")
    strided = last_channel(x, group_size=3, num_channels=parts)
    expected = deviations(x, [[0, 2, 4], [1, 3, 5]], parts)
    np.testing.assert_allclose(strided, expected, rtol=1e-5)
    runs = last_channel(x, group_size=3, num_channels=parts, consecutive=True)
    expected = deviations(x, [[0, 1, 2], [3, 4, 5]], parts)
    np.testing.assert_allclose(runs, expected, rtol=1e-5)


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_other_batches_are_one_group(batch):
    x = np.random.default_rng(0).normal(size=(batch, 2, 3, 4)).astype("float32")
    expected = deviations(x, [list(range(batch))], 1)
    np.testing.assert_allclose(last_channel(x), expected, rtol=1e-5)


def test_batch_size_that_is_not_known():
    import keras

    images = keras.Input((2, 3, 4))
    for consecutive in (False, True):
        layer = kg.layers.MinibatchStandardDeviation(consecutive=consecutive)
        model = keras.Model(images, layer(images))
        for batch in (8, 5):
            x = np.random.default_rng(0).normal(size=(batch, 2, 3, 4))
            x = x.astype("float32")
            found = model.predict(x, batch_size=8, verbose=0)
            np.testing.assert_allclose(found, ops.convert_to_numpy(layer(x)), rtol=1e-6)


def test_deviation_is_computed_in_float32():
    x = np.random.default_rng(0).normal(size=(4, 2, 3, 4)) * 500
    x = x.astype("float16")
    layer = kg.layers.MinibatchStandardDeviation(dtype="float16")
    found = ops.convert_to_numpy(layer(x))[:, 0, 0, -1:]
    np.testing.assert_allclose(found, deviations(x, [[0, 1, 2, 3]], 1), rtol=1e-3)


def test_config():
    layer = kg.layers.MinibatchStandardDeviation(2, 3, True, True)
    assert layer.from_config(layer.get_config()).get_config() == layer.get_config()
