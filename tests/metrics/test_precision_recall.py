import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from keras_gans import metrics
from keras_gans.metrics import neighbours

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(1000, 16)
Y = RANDOM.randn(800, 16) * 1.1 + 0.2


def _four(x, y, k):
    both = metrics.precision_recall(x, y, k), metrics.density_coverage(x, y, k)
    return [value for result in both for value in result.values.values()]


@pytest.mark.parametrize(
    ("k", "golden"),
    [(3, [0.6075, 0.888, 0.56083333, 0.617]), (5, [0.72, 0.942, 0.56375, 0.774])],
)
def test_golden_values(k, golden):
    assert _four(X, Y, k) == pytest.approx(golden, abs=5e-9)


@pytest.mark.parametrize("block", [1, 999, 10_000])
def test_blocks_change_nothing(monkeypatch, block):
    monkeypatch.setattr(neighbours, "_BLOCK", block)
    assert _four(X[:60], Y[:50], 2) == _four(X[:60][::-1], Y[:50][::-1], 2)
    monkeypatch.undo()
    whole = _four(X[:60], Y[:50], 2)
    monkeypatch.setattr(neighbours, "_BLOCK", block)
    assert _four(X[:60], Y[:50], 2) == whole


def test_collapse_is_precise_and_recalls_little():
    random = np.random.RandomState(0)
    generated, real = 0.1 * random.randn(200, 16), 3 * random.randn(200, 16)
    result = metrics.precision_recall(real, generated)
    assert result["precision"] > 0.8 and result["recall"] < 0.3


def test_identical_sets_score_one():
    assert _four(X, X, 5) == [1.0] * 4
    far = X[:100].astype("float32") + 1000
    assert _four(far, far.copy(), 3)[:2] == [1.0] * 2


def test_roles_change_places():
    one, other = metrics.precision_recall(X, Y), metrics.precision_recall(Y, X)
    assert (one["precision"], one["recall"]) == (other["recall"], other["precision"])


def test_equal_rows_are_at_zero_whatever_the_rounding():
    x = np.random.default_rng(0).standard_normal((50, 301))
    for rows, squares in neighbours.squared_distances(x[::-1], x):
        assert rows == slice(0, 50) and (np.diag(squares[::-1]) == 0).all()
        assert (squares == 0).sum() == 50


def test_duplicates_are_neighbours_of_each_other():
    """Balls of radius 0 hold their own points (<=), and no ball is open at 0 (<)."""
    same = np.full((9, 4), 0.3)
    assert _four(same, same, 3) == [1.0, 1.0, 0.0, 0.0]
    pairs = np.repeat(X[:20], 2, axis=0)
    precision, recall, density, coverage = _four(pairs, pairs, 1)
    assert (precision, recall, density, coverage) == (1.0, 1.0, 0.0, 0.0)
    assert _four(pairs, X[20:60], 1)[0] == 0.0


def test_a_common_shift_and_scale_change_nothing():
    found = _four(X, Y, 3)
    assert _four(X + 1e5, Y + 1e5, 3) == pytest.approx(found)
    assert _four(X * 1e-7, Y * 1e-7, 3) == pytest.approx(found)


def test_expected_coverage():
    assert metrics.expected_coverage(1000, 1000, 5) == pytest.approx(0.968984, abs=1e-6)
    random = np.random.default_rng(0)
    found = [
        metrics.density_coverage(*random.standard_normal((2, 200, 3)))["coverage"]
        for _ in range(20)
    ]
    error = np.std(found) / np.sqrt(20)
    assert abs(np.mean(found) - metrics.expected_coverage(200, 200)) < 4 * error


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_neighbours_equal_those_of_scikit_learn(offset):
    x, y = X + offset, Y[:50] + offset
    distances, indices = metrics.nearest_neighbours(y, x, k=3)
    theirs = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(X)
    expected, places = theirs.kneighbors(Y[:50])
    np.testing.assert_allclose(distances, expected, rtol=1e-9)
    np.testing.assert_array_equal(indices, places)


def test_equal_rows_have_distance_zero():
    distances, indices = metrics.nearest_neighbours(X[5:8], X)
    assert distances.tolist() == [[0.0]] * 3 and indices.tolist() == [[5], [6], [7]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _four(X[:3], Y, 3), "3 real samples.*no 3 other.*at least 4"),
        (lambda: metrics.precision_recall(X, Y[:3]), "3 generated samples"),
        (lambda: metrics.density_coverage(X, Y[:0]), "0 generated samples"),
        (lambda: _four(X, Y, 0), "k must be a positive"),
        (lambda: _four(X, Y[:, :3], 3), "3 dimensions, the others 16"),
        (lambda: metrics.nearest_neighbours(X, X[:2], 3), "2 reference samples"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_one_generated_sample_is_enough_for_density():
    result = metrics.density_coverage(X, X[:1])
    assert result["density"] > 0 and result.num_generated == 1
