import numpy as np
import pytest

from keras_gans import metrics

LOGITS = np.random.RandomState(1).randn(500, 10) * 3


@pytest.mark.parametrize(
    ("options", "mean", "std"),
    [
        ({}, 3.68638965, 0.19692176),
        ({"num_splits": 1}, 3.80252920, 0.0),
        ({"shuffle_seed": 2020}, 3.66520143, 0.16523090),
    ],
)
def test_golden_values(options, mean, std):
    result = metrics.inception_score(LOGITS, **options)
    assert result.value == pytest.approx(mean, abs=1e-8)
    assert result["std"] == pytest.approx(std, abs=1e-8)


def test_bounds():
    certain = 1e4 * np.eye(10)  # each class once, with probability 1 exactly
    assert metrics.inception_score(certain, 1).value == pytest.approx(10.0, abs=1e-12)
    same = np.tile(LOGITS[:1], (20, 1))
    assert metrics.inception_score(same, 2).value == pytest.approx(1.0, abs=1e-12)


def test_probabilities_serve_by_their_logarithm():
    odds = np.exp(LOGITS)
    log_p = np.log(odds / odds.sum(axis=1, keepdims=True))
    found = metrics.inception_score(log_p).value
    assert found == pytest.approx(metrics.inception_score(LOGITS).value, abs=1e-12)


def test_shuffled_and_not_are_different_protocols():
    shuffled = metrics.inception_score(LOGITS, shuffle_seed=1)
    with pytest.raises(ValueError, match="shuffled differs"):
        metrics.compare(metrics.inception_score(LOGITS), shuffled)
    assert shuffled - metrics.inception_score(LOGITS, shuffle_seed=2) != 0


def test_options_are_checked():
    with pytest.raises(ValueError, match="at least 10 are needed, one per split"):
        metrics.inception_score(LOGITS[:9])
    with pytest.raises(ValueError, match="num_splits must be a positive"):
        metrics.inception_score(LOGITS, num_splits=0)
