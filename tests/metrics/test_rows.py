import ml_dtypes
import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.metrics.rows import checked_rows

ROWS = np.random.default_rng(0).standard_normal((90, 4))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((4, 8, 8, 3)), r"found \(4, 8, 8, 3\). Put images through"),
        (np.zeros(4), r"found \(4,\)"),
        (np.zeros((4, 0)), r"found \(4, 0\)"),
        (np.zeros((4, 2), complex), "real numbers, not complex128"),
        ([["a"]], "real numbers, not <U1"),
        (np.zeros((4, 2), bool), "real numbers, not bool"),
        (
            [[0.0], [np.nan], [np.inf]],
            "hold 2 values that are not finite, first in row 1",
        ),
        (np.zeros((0, 2)), "Found 0 real samples; at least 1"),
    ],
)
def test_wrong_features_are_named(features, message):
    with pytest.raises(ValueError, match=message):
        checked_rows("real", features, 1)


@pytest.mark.parametrize(
    ("dtype", "found"),
    [
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("int64", "float64"),
        ("uint8", "float32"),
        (ml_dtypes.bfloat16, "float32"),
    ],
)
def test_no_digit_is_lost(dtype, found):
    rows = checked_rows("real", np.array([[1, 250]], dtype))
    assert rows.dtype == found and rows.tolist() == [[1, 250]]


def test_overflow_in_half_precision_is_seen():
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="float16"):
        checked_rows("real", np.array([[1e6]]).astype("float16"))


def test_rows_are_kept_in_order_and_copied():
    batch = ROWS[:7].copy()
    rows = metrics.FeatureRows()
    rows.update(batch)
    batch[:] = 0
    rows.update(ROWS[7:])
    np.testing.assert_array_equal(rows.array(), ROWS)
    with pytest.raises(ValueError, match="3 dimensions, the others 4"):
        rows.update(ROWS[:, :3])
    with pytest.raises(ValueError, match="call update first"):
        metrics.FeatureRows().array()


def test_merged_rows_are_all_rows():
    one, other = metrics.FeatureRows(), metrics.FeatureRows()
    one.update(ROWS[:40])
    other.update(ROWS[40:])
    one.merge(other)
    one.merge(metrics.FeatureRows())
    np.testing.assert_array_equal(one.array(), ROWS)


def test_a_reservoir_is_fair_and_bounded():
    """Each of 60 rows stays in 20 of 60 cases, whatever the batches and merges."""
    counts = np.zeros(60)
    numbers = np.arange(60.0)[:, None]
    for seed in range(300):
        first = metrics.FeatureRows(limit=20, seed=2 * seed)
        second = metrics.FeatureRows(limit=20, seed=2 * seed + 1)
        for start in range(0, 45, 9):
            first.update(numbers[start : start + 9])
        second.update(numbers[45:])
        first.merge(second)
        kept = first.array()[:, 0].astype(int)
        assert len(first) == 20 == len(set(kept.tolist())) and first.num_seen == 60
        counts[kept] += 1
    # Binomial: 300 draws of probability 1/3 have a standard deviation of 8.2.
    assert np.abs(counts - 100).max() < 4 * 8.2
    assert np.abs(counts[45:].mean() - 100) < 10


def test_reservoirs_of_one_seed_do_not_merge():
    with pytest.raises(ValueError, match="their seeds are not"):
        metrics.FeatureRows(3).merge(metrics.FeatureRows(3))
    with pytest.raises(ValueError, match="limit must be positive"):
        metrics.FeatureRows(0)
