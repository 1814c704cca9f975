import numpy as np
import pytest

from keras_gans import metrics

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(1000, 16)
Y = RANDOM.randn(800, 16) * 1.1 + 0.2


def test_golden_value_of_all_samples():
    result = metrics.kernel_distance(X, Y, num_subsets=None)
    assert result.value == pytest.approx(0.1657502084914606, abs=1e-9)
    assert result.seed is None and set(result.values) == {"kernel_distance"}


def test_golden_value_over_subsets():
    """The subsets, and so the figures, of torch-fidelity."""
    result = metrics.kernel_distance(X, Y, num_subsets=20, subset_size=500, seed=2020)
    assert result.value == pytest.approx(0.16428784, abs=1e-8)
    assert result["std"] == pytest.approx(0.01906538, abs=1e-8)


def test_halves_of_one_law():
    result = metrics.kernel_distance(X[:500], X[500:], num_subsets=None)
    assert result.value == pytest.approx(0.00117, abs=1e-5)


def test_blocks_equal_the_whole():
    """More rows than are held at once, against the formula on whole matrices."""
    random = np.random.default_rng(0)
    x, y = random.standard_normal((1500, 3)), random.standard_normal((1100, 3)) + 0.5

    def mean(a, b, pairs):
        kernel = (a @ b.T / 3 + 1) ** 3
        return (kernel.sum() - (a is b) * np.trace(kernel)) / pairs

    whole = mean(x, x, 1500 * 1499) + mean(y, y, 1100 * 1099)
    whole -= 2 * mean(x, y, 1500 * 1100)
    found = metrics.kernel_distance(x, y, num_subsets=None).value
    assert found == pytest.approx(whole, abs=1e-10)


def test_it_is_unbiased():
    random = np.random.default_rng(0)
    found = [
        metrics.kernel_distance(*random.standard_normal((2, 40, 8)), None).value
        for _ in range(200)
    ]
    error = np.std(found) / np.sqrt(200)
    assert abs(np.mean(found)) < 3 * error and min(found) < 0


def test_symmetry_and_order_of_rows():
    found = metrics.kernel_distance(X, Y, None).value
    assert metrics.kernel_distance(Y, X, None).value == pytest.approx(found, abs=1e-12)
    shuffled = metrics.kernel_distance(X[::-1], Y, None).value
    assert shuffled == pytest.approx(found, abs=1e-12)


def test_constant_features_and_other_degrees():
    ones = np.ones((5, 2))
    assert metrics.kernel_distance(ones, ones, None).value == 0.0
    linear = metrics.kernel_distance(ones, 3 * ones, None, degree=1)
    assert linear.value == pytest.approx((1 - 3) ** 2)


def test_seeds_repeat_and_differ():
    draws = [metrics.kernel_distance(X, Y, 3, 50, seed=s).value for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "800 generated samples; at least 1000.*lower subset_size"),
        ({"num_subsets": 0}, "num_subsets must be a positive"),
        ({"subset_size": 2.5}, "subset_size must be a positive"),
        ({"degree": 0}, "degree must be a positive"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        metrics.kernel_distance(X, Y, **options)


def test_one_sample_has_no_pairs():
    with pytest.raises(ValueError, match="at least 2"):
        metrics.kernel_distance(X[:1], Y, num_subsets=None)
