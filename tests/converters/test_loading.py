import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.converters import loading


def variable(*shape):
    return keras.Variable(np.zeros(shape, "float32"))


def layout():
    return {
        "a.weight": (variable(2, 3), loading.dense),
        "a.bias": (variable(3), loading.same),
    }


def arrays(**changes):
    found = {
        "a.weight": np.arange(6, dtype="float32").reshape(3, 2),
        "a.bias": np.ones(3, "float32"),
    }
    return {**found, **changes}


def test_arrays_reach_their_variables():
    places = layout()
    loading.assign(places, arrays(tracked=np.ones(1)), ignored=["track.*"])
    kernel = ops.convert_to_numpy(places["a.weight"][0])
    np.testing.assert_array_equal(kernel, [[0, 2, 4], [1, 3, 5]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b": np.ones(1)}, "1 are unknown: b"),
        ({"a.bias": np.ones(2)}, r"1 do not fit: a.bias \(2,\) for .* \(3,\)"),
        ({"a.weight": np.ones((2, 3, 1))}, "1 do not fit: a.weight"),
    ],
)
def test_what_does_not_fit_is_listed_and_nothing_assigned(changes, message):
    places = layout()
    with pytest.raises(ValueError, match=message):
        loading.assign(places, arrays(**changes))
    for place, _ in places.values():
        assert not ops.convert_to_numpy(place).any()


def test_missing_names_and_all_problems_at_once():
    found = arrays(b=np.ones(1))
    del found["a.bias"]
    with pytest.raises(ValueError, match="1 are missing: a.bias; 1 are unknown: b"):
        loading.assign(layout(), found)


def test_a_transform_never_hides_an_array_of_another_rank():
    places = {"w": (variable(3, 3, 1, 2), loading.convolution)}
    with pytest.raises(ValueError, match="do not fit"):
        loading.assign(places, {"w": np.ones((2, 9))})


def test_dense_layers_next_to_maps():
    """Against the product written out on (C, H, W) maps."""
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(24, 5)), rng.normal(size=24)
    x = rng.normal(size=(2, 5))
    maps = (x @ weight.T + bias).reshape(2, 2, 3, 4).transpose(0, 2, 3, 1)
    move = loading.dense_to_map(2, 3, 4)
    ours = (x @ move(weight) + move(bias)).reshape(2, 3, 4, 2)
    np.testing.assert_allclose(ours, maps)
    weight = rng.normal(size=(5, 24))
    scores = maps.transpose(0, 3, 1, 2).reshape(2, -1) @ weight.T
    ours = maps.reshape(2, -1) @ loading.dense_from_map(2, 3, 4)(weight)
    np.testing.assert_allclose(ours, scores)
