import numpy as np
import pytest
from scipy import stats

from keras_gans import metrics

RANDOM = np.random.default_rng(0)
TRAINING = RANDOM.standard_normal((400, 8))
HELD_OUT = RANDOM.standard_normal((300, 8))


def test_fresh_samples_are_like_held_out_ones():
    fresh = RANDOM.standard_normal((350, 8))
    result = metrics.memorisation(fresh, TRAINING, HELD_OUT)
    assert result["copies"] == 0
    assert abs(result["z"]) < 3 and abs(result["nearer"] - 0.5) < 0.07
    assert result["median_ratio"] == pytest.approx(1, abs=0.1)
    assert result["below_percentile_1"] < 0.05


@pytest.mark.parametrize("noise", [0.0, 1e-5, 0.2])
def test_copies_are_found(noise):
    copies = TRAINING[:100] + noise * RANDOM.standard_normal((100, 8))
    result = metrics.memorisation(copies, TRAINING, HELD_OUT)
    assert result["z"] < -10 and result["nearer"] > 0.95
    assert result["copies"] == (100 if noise < 0.1 else 0)


def test_a_few_copies_among_many_are_counted():
    mixed = np.concatenate([RANDOM.standard_normal((200, 8)), TRAINING[7:10]])
    assert metrics.memorisation(mixed, TRAINING, HELD_OUT)["copies"] == 3


def test_the_score_is_that_of_mann_whitney():
    training = np.arange(0.0, 60, 3)[:, None]  # whole numbers: many ties
    generated = RANDOM.integers(0, 60, (40, 1)).astype(float)
    held_out = RANDOM.integers(-5, 65, (30, 1)).astype(float)
    result = metrics.memorisation(generated, training, held_out)
    ours, theirs = (
        metrics.nearest_neighbours(side, training)[0][:, 0]
        for side in (generated, held_out)
    )
    test = stats.mannwhitneyu(
        ours, theirs, use_continuity=False, alternative="less", method="asymptotic"
    )
    assert stats.norm.cdf(result["z"]) == pytest.approx(test.pvalue, rel=1e-9)
    assert result["nearer"] == pytest.approx(1 - test.statistic / (40 * 30))


def test_held_out_samples_that_are_copies_themselves():
    result = metrics.memorisation(TRAINING, TRAINING, TRAINING[:50])
    assert (result["z"], result["nearer"], result["copies"]) == (0.0, 0.5, 400)
    assert np.isnan(result["median_ratio"])
    assert metrics.Result.from_json(result.to_json()).to_json() == result.to_json()


def test_one_sample_of_each():
    result = metrics.memorisation([[1.0]], [[0.0]], [[2.0]])
    assert result["nearer"] == 1.0 and result["median_ratio"] == 0.5


def test_empty_sides_are_refused():
    with pytest.raises(ValueError, match="0 held-out samples"):
        metrics.memorisation(TRAINING, TRAINING, HELD_OUT[:0])
