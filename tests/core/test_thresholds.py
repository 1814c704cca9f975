import numpy as np
import pytest

from keras_gans.core.thresholds import threshold_at


def test_new_normal_images_exceed_it_as_often_as_stated():
    """Over the draw of all images: that of 19 scores is passed by one of 20."""
    random = np.random.default_rng(0)
    for n, rate in ((19, 0.05), (40, 0.1), (9, 0.5)):
        scores = random.normal(size=(20_000, n + 1))
        thresholds = [threshold_at(row[:-1], rate) for row in scores]
        above = (scores[:, -1] > thresholds).mean()
        # The nearest rank that keeps the rate, within four standard errors.
        exact = np.floor(rate * (n + 1)) / (n + 1)
        assert abs(above - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000)


def test_it_is_one_of_the_scores():
    scores = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 7.0, 6.0, 9.0, 8.0])
    assert threshold_at(scores, 0.1) == 9.0
    assert threshold_at(scores, 0.2) == 8.0
    assert threshold_at(scores, 0.5) == 5.0


def test_too_few_images():
    with pytest.raises(ValueError, match="9 normal images .* it takes 99"):
        threshold_at(np.arange(9), 0.01)
    threshold_at(np.arange(99), 0.01)
