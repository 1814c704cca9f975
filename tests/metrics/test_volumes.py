import numpy as np
import pytest

from keras_gans import metrics

RNG = np.random.default_rng(0)


def test_intersection_over_union_is_the_counted_one():
    a, b = RNG.random((3, 4, 4, 4)) < 0.4, RNG.random((5, 4, 4, 4)) < 0.4
    found = metrics.intersection_over_union(a, b)
    expected = [[(x & y).sum() / (x | y).sum() for y in b] for x in a]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    nothing = np.zeros((1, 4, 4, 4), bool)
    assert metrics.intersection_over_union(nothing, nothing) == 1.0
    assert metrics.intersection_over_union(nothing, a).max() == 0.0


def corners(*lengths):
    volumes = np.zeros((len(lengths), 8, 8, 8), bool)
    for volume, length in zip(volumes, lengths, strict=True):
        volume[:length, :2, :2] = True
    return volumes


def test_volume_figures():
    real, samples = corners(2, 4, 8), corners(4, 8, 7, 2)
    samples[3, 7, 7, 7] = True  # a crumb far away
    found = metrics.volume_figures(
        samples, real, labels=[0, 1, 1], reference=corners(3, 8)
    )
    assert found.occupancy == pytest.approx((16 + 32 + 28 + 9) / 4 / 512)
    assert found.real_occupancy == pytest.approx((8 + 16 + 32) / 3 / 512)
    assert (found.one_body, found.real_one_body) == (0.75, 1.0)
    ious = [1.0, 1.0, 7 / 8, 8 / 9]
    assert found.nearest_iou == pytest.approx(
        np.percentile(ious, (5, 25, 50, 75, 95)), abs=1e-6
    )
    assert found.real_nearest_iou[-1] == pytest.approx(0.9875, abs=1e-6)
    assert found.classes == (0.25, 0.75)
    plain = metrics.volume_figures(samples, real)
    assert plain.classes is None and plain.real_nearest_iou is None


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="All volumes have one shape"):
        metrics.volume_figures(corners(1), corners(1)[:, :4])
    with pytest.raises(ValueError, match="no volumes to measure"):
        metrics.volume_figures(corners(1)[:0], corners(1))
