import numpy as np
import pytest

from keras_gans.data import transfer_colors
from keras_gans.data.color_transfer import coral
from tests import golden_translation as translation

pytestmark = pytest.mark.every_backend


def images(*sizes):
    random = np.random.default_rng(0)
    mixing = 0.5 * np.eye(3) + random.uniform(0.0, 0.2, (3, 3))
    return [random.uniform(0, 1, (*size, 3)) @ mixing for size in sizes]


def pixels(image):
    return image.reshape(-1, 3).astype("float64")


def test_coral_matches_reference():
    """A4."""
    source = (translation.source(1, 8)[0] + 1) / 2
    target = 0.5 * (translation.target(1, (6, 10))[0] + 1) / 2 + 0.2
    found = coral(source, target, per_pixel=False)
    assert found.mean() == pytest.approx(0.451005, rel=1e-4)
    assert found.std() == pytest.approx(0.126646, rel=1e-4)
    expected = [[0.334303, 0.541659, 0.517619], [0.671888, 0.504196, 0.211480]]
    np.testing.assert_allclose([found[3, 5], found[0, 0]], expected, rtol=1e-4)
    expected = [0.491711, 0.467975, 0.393328]
    np.testing.assert_allclose(found.mean(axis=(0, 1)), expected, rtol=1e-4)


@pytest.mark.parametrize("method", ["histogram", "coral", "linear"])
def test_an_image_keeps_its_own_colours(method):
    (image,) = images((9, 7))
    np.testing.assert_allclose(transfer_colors(image, image, method), image, atol=1e-6)


def test_coral_gives_means_and_covariances():
    # The identity beside the covariances weighs less the more pixels there are.
    source, target = images((200, 300), (250, 200))
    found = pixels(coral(source, target))
    np.testing.assert_allclose(found.mean(axis=0), pixels(target).mean(axis=0))
    wanted = np.cov(pixels(target).T)
    np.testing.assert_allclose(np.cov(found.T), wanted, rtol=1e-3)
    # With as many pixels it is the reference's.
    other = target.reshape(200, 250, 3)[:, :10]
    np.testing.assert_allclose(
        coral(source[:20, :100], other), coral(source[:20, :100], other, False)
    )


def test_linear_gives_means_and_covariances():
    source, target = images((20, 30), (25, 10))
    # Such that nothing is clipped.
    target[0, 0], target[0, 1] = -9.0, 9.0
    found = pixels(transfer_colors(source, target, "linear"))
    np.testing.assert_allclose(
        found.mean(axis=0), pixels(target).mean(axis=0), atol=1e-5
    )
    wanted = np.cov(pixels(target).T)
    np.testing.assert_allclose(np.cov(found.T), wanted, rtol=1e-3)


def test_histograms_are_taken_over():
    source, target = images((30, 20), (30, 20))
    found = transfer_colors(source, target, "histogram")
    for i in range(3):
        # As many pixels, all different: the values are those of the target.
        np.testing.assert_allclose(
            np.sort(found[..., i], axis=None),
            np.sort(target[..., i], axis=None),
            rtol=1e-6,
        )
        order = np.argsort(source[..., i], axis=None)
        assert (np.diff(found[..., i].ravel()[order]) >= 0).all()
    constant = np.full((4, 5, 3), [0.2, 0.5, 0.9])
    found = transfer_colors(source, constant, "histogram")
    np.testing.assert_allclose(found, np.broadcast_to(constant[0, 0], found.shape))


def test_what_cannot_be_done_is_refused():
    image = np.zeros((4, 4, 3))
    with pytest.raises(ValueError, match="one of histogram, coral, linear. Found: 'b'"):
        transfer_colors(image, image, "b")
    with pytest.raises(ValueError, match="of as many channels fit"):
        transfer_colors(image, image[..., :1])


@pytest.mark.parametrize("method", ["histogram", "coral", "linear"])
def test_a_grey_image_is_no_trouble(method):
    source = np.full((6, 6, 3), 0.5)
    (target,) = images((8, 8))
    found = transfer_colors(source, target, method)
    assert np.isfinite(found).all()
    assert found.min() >= target.min() - 1e-6 and found.max() <= target.max() + 1e-6
