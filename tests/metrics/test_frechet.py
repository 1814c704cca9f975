import numpy as np
import pytest
import scipy.linalg

from keras_gans import metrics

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(1000, 16)
Y = RANDOM.randn(800, 16) * 1.1 + 0.2


def _distance(x, y):
    return metrics.frechet_distance(x, y).value


def _statistics(rows, protocol=None):
    found = metrics.FeatureStatistics(protocol)
    found.update(rows)
    return found


def _by_sqrtm(x, y):
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(cov_x @ cov_y).real
    gap = x.mean(axis=0) - y.mean(axis=0)
    return gap @ gap + np.trace(cov_x + cov_y - 2 * root)


def _by_symmetric_eigenvalues(cov_x, cov_y):
    values, vectors = np.linalg.eigh(cov_x)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.maximum(np.linalg.eigvalsh(root @ cov_y @ root), 0)
    return np.trace(cov_x) + np.trace(cov_y) - 2 * np.sqrt(shared).sum()


def test_golden_value():
    assert _distance(X, Y) == pytest.approx(1.0784632891921, abs=1e-9)


def test_one_dimension_is_closed_form():
    """N(0, 1) and N(1, 4): (0 - 1)^2 + (1 - 2)^2."""
    one = metrics.FeatureStatistics.from_moments([0.0], [[1.0]])
    four = metrics.FeatureStatistics.from_moments([1.0], [[4.0]])
    assert _distance(one, four) == 2.0


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_the_matrix_square_root(seed):
    random = np.random.default_rng(seed)
    x = random.standard_normal((300, 24)) @ random.standard_normal((24, 24))
    y = random.standard_normal((200, 24)) @ random.standard_normal((24, 24)) + 1
    assert _distance(x, y) == pytest.approx(_by_sqrtm(x, y), abs=1e-6)


def test_tiny_eigenvalues_keep_their_digits():
    """Covariances that commute have a closed form; here twelve decades of variance."""
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((128, 128)))[0]
    a = np.logspace(0, -12, 128)
    b = np.random.default_rng(1).permutation(a)
    sides = [(q * spectrum) @ q.T for spectrum in (a, b)]
    exact = np.square(np.sqrt(a) - np.sqrt(b)).sum()
    found = _distance(
        *(metrics.FeatureStatistics.from_moments(np.zeros(128), s) for s in sides)
    )
    assert found == pytest.approx(exact, abs=1e-11)
    assert abs(_by_symmetric_eigenvalues(*sides) - exact) > 100 * abs(found - exact)


def test_few_samples_agree_with_the_covariance_form():
    random = np.random.default_rng(0)
    x, y = random.standard_normal((50, 128)), random.standard_normal((40, 128))
    exact = metrics.frechet_distance(x, y)
    forms = [_distance(_statistics(x), _statistics(y)), _distance(_statistics(x), y)]
    assert forms == pytest.approx([exact.value] * 2, abs=1e-9)
    gap = x.mean(axis=0) - y.mean(axis=0)
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    reference = gap @ gap + _by_symmetric_eigenvalues(cov_x, cov_y)
    assert exact.value == pytest.approx(reference, abs=1e-4)
    assert "40 samples in 128 dimensions" in exact.notes[0]
    assert not metrics.frechet_distance(X, Y).notes


@pytest.mark.parametrize("shape", [(1000, 16), (20, 64), (64, 64), (2, 3)])
def test_identical_sets_have_no_distance(shape):
    x = np.random.default_rng(0).standard_normal(shape) * 30 + 100
    assert _distance(x, x) < 1e-6
    assert _distance(_statistics(x), _statistics(x)) < 1e-6
    assert _distance(_statistics(x), x[::-1]) < 1e-6


def test_rounding_never_makes_it_negative():
    for seed in range(20):
        x = np.random.default_rng(seed).standard_normal((40, 6))
        assert 0 <= _distance(x, x[::-1]) < 1e-12


def test_symmetry_motion_and_scale():
    found = _distance(X, Y)
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0]
    assert _distance(Y, X) == pytest.approx(found, rel=1e-10)
    assert _distance(X[::-1], Y) == pytest.approx(found, rel=1e-10)
    assert _distance(X @ q + 7, Y @ q + 7) == pytest.approx(found, rel=1e-9)
    assert _distance(3 * X, 3 * Y) == pytest.approx(9 * found, rel=1e-10)


def test_constant_and_one_dimensional_features():
    assert _distance(np.ones((5, 3)), np.zeros((4, 3))) == pytest.approx(3.0)
    assert _distance(np.ones((5, 1)), np.ones((5, 1))) == 0.0


def test_half_precision_features_are_taken_as_they_are():
    halves = X.astype("float16")
    assert _distance(halves, halves.astype("float64")) == pytest.approx(0, abs=1e-6)


def test_batches_of_seven_equal_the_whole():
    statistics = metrics.FeatureStatistics()
    for start in range(0, len(X), 7):
        statistics.update(X[start : start + 7])
    assert statistics.count == 1000
    np.testing.assert_allclose(statistics.mean, X.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(
        statistics.covariance, np.cov(X, rowvar=False), rtol=1e-10, atol=1e-14
    )


def test_merged_halves_equal_the_whole_far_from_zero():
    rows = X + 1e6
    first, second = _statistics(rows[:300]), _statistics(rows[300:])
    second.merge(metrics.FeatureStatistics())  # nothing
    first.merge(second)
    np.testing.assert_allclose(first.covariance, np.cov(X, rowvar=False), atol=1e-8)
    np.testing.assert_allclose(
        second.covariance, np.cov(X[300:], rowvar=False), atol=1e-8
    )


def test_merging_leaves_the_other_alone():
    first, second = metrics.FeatureStatistics(), _statistics(X)
    first.merge(second)
    first.update(Y)
    np.testing.assert_allclose(second.covariance, np.cov(X, rowvar=False), atol=1e-12)


def test_files_of_others_and_ours(tmp_path):
    protocol = metrics.Protocol("inception_2015", "6726825d", "clean", "cifar10/train")
    path = tmp_path / "ours.npz"
    _statistics(X, protocol).save(path)
    again = metrics.FeatureStatistics.load(path)
    assert again.count == 1000 and again.protocol == protocol
    result = metrics.frechet_distance(again, Y)
    assert result.value == pytest.approx(1.0784632891921, abs=1e-9)
    assert result.label == "fid" and result.num_real == 1000

    np.savez(tmp_path / "theirs.npz", mu=X.mean(0), sigma=np.cov(X, rowvar=False))
    theirs = metrics.FeatureStatistics.load(tmp_path / "theirs.npz")
    result = metrics.frechet_distance(theirs, Y)
    assert result.value == pytest.approx(1.0784632891921, abs=1e-9)
    assert result.num_real is None
    with pytest.raises(ValueError, match="how many samples"):
        theirs.update(X)
    np.savez(tmp_path / "other.npz", mu=X.mean(0))
    with pytest.raises(ValueError, match="holds no sigma"):
        metrics.FeatureStatistics.load(tmp_path / "other.npz")


def test_statistics_of_unlike_origin_are_refused():
    real = _statistics(X, metrics.Protocol("inception_2015", resize="clean"))
    fake = _statistics(Y, metrics.Protocol("inception_2015", resize="legacy_pytorch"))
    with pytest.raises(ValueError, match="resize is 'clean'.*'legacy_pytorch'"):
        metrics.frechet_distance(real, fake)
    with pytest.raises(ValueError, match="resize"):
        real.merge(fake)


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        ([0.0], [1.0], "covariance"),
        ([0.0, 0.0], [[1.0, 0.0], [0.5, 1.0]], "symmetric"),
        ([np.nan], [[1.0]], "not finite"),
    ],
)
def test_impossible_moments_are_refused(mean, covariance, message):
    with pytest.raises(ValueError, match=message):
        metrics.FeatureStatistics.from_moments(mean, covariance)


def test_one_sample_has_no_covariance():
    for one in (X[:1], _statistics(X[:1])):
        with pytest.raises(ValueError, match="at least 2"):
            metrics.frechet_distance(one, Y)


def test_dimensions_must_agree():
    with pytest.raises(ValueError, match="different extractors"):
        metrics.frechet_distance(X, Y[:, :5])
    statistics = _statistics(X)
    with pytest.raises(ValueError, match="5 dimensions, the others 16"):
        statistics.update(Y[:, :5])
    with pytest.raises(ValueError, match="different dimensions"):
        statistics.merge(_statistics(Y[:, :5]))
