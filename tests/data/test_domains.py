import numpy as np
import pytest

from keras_gans import data

RNG = np.random.default_rng(0)


def images(number=9):
    return RNG.integers(0, 256, (number, 5, 6, 2)).astype("uint8")


def rows_of(part, whole):
    return [next(i for i, row in enumerate(whole) if (row == x).all()) for x in part]


@pytest.mark.parametrize("transform", ["edges", "negatives"])
def test_halves_are_disjoint_and_complete(transform):
    x = images()
    a, b = data.split_domains(x, transform, seed=3)
    changed = getattr(data, transform)(x)
    first, second = rows_of(a, x), rows_of(b, changed)
    assert sorted(first + second) == list(range(9)) and len(first) == 5
    assert first != sorted(first)
    again, _ = data.split_domains(x, transform, seed=3)
    np.testing.assert_array_equal(a, again)
    other, _ = data.split_domains(x, transform, seed=4)
    assert rows_of(other, x) != first


def test_labels_follow_their_images():
    x, labels = images(), np.arange(9) * 10
    (a, labels_a), (b, labels_b) = data.split_domains(x, "negatives", 1, labels)
    np.testing.assert_array_equal(labels_a, 10 * np.array(rows_of(a, x)))
    np.testing.assert_array_equal(labels_b, 10 * np.array(rows_of(255 - b, x)))


def test_edges_by_hand():
    x = np.zeros((1, 4, 5, 1), "uint8")
    x[0, 1, 1] = 200
    x[0, 3, 4] = 30
    expected = [
        [200, 200, 200, 0, 0],
        [200, 0, 200, 0, 0],
        [200, 200, 200, 30, 30],
        [0, 0, 0, 30, 0],
    ]
    np.testing.assert_array_equal(data.edges(x)[0, :, :, 0], expected)
    # Channels by themselves.
    both = np.concatenate([x, 0 * x], axis=-1)
    assert data.edges(both)[..., 1].max() == 0


@pytest.mark.parametrize("transform", ["edges", "negatives"])
def test_floats_mean_what_bytes_mean(transform):
    x, change = images(), getattr(data, transform)
    from_bytes = data.to_unit(change(x))
    from_floats = change(data.to_unit(x))
    assert from_floats.dtype == np.float32
    np.testing.assert_allclose(from_floats, from_bytes, atol=1e-6)


def test_a_flat_image_has_no_edges():
    x = np.full((1, 4, 4, 1), 0.3, "float32")
    np.testing.assert_array_equal(data.edges(x), -np.ones_like(x))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="'edges', 'negatives'. Found: 'egdes'"):
        data.split_domains(images(), "egdes")
    with pytest.raises(ValueError, match="Found: 1"):
        data.split_domains(images(1), "edges")
    with pytest.raises(ValueError, match="9 images and 3 labels"):
        data.split_domains(images(), "edges", labels=np.arange(3))
    with pytest.raises(ValueError, match="`seed`"):
        data.split_domains(images(), "edges", seed=-1)
    with pytest.raises(ValueError, match="`keep_per_class`"):
        data.hide_labels(np.arange(3), 0)


def test_a_few_labels_of_each_class_are_kept():
    labels = np.array([0, 1, 0, 0, 1, 0, 2] * 3)
    hidden = data.hide_labels(labels, keep_per_class=4, seed=5)
    kept = hidden >= 0
    np.testing.assert_array_equal(np.bincount(hidden[kept]), [4, 4, 3])
    np.testing.assert_array_equal(hidden[kept], labels[kept])
    assert (hidden[~kept] == -1).all()
    other = data.hide_labels(labels, keep_per_class=4, seed=6)
    assert (hidden != other).any()
