import numpy as np
import pytest

from keras_gans.data import binarize


def test_grey_levels_are_probabilities():
    images = np.repeat(np.arange(0, 256, 51, dtype="uint8"), 4000).reshape(6, -1, 1)
    found = (binarize(images) > 0).mean(axis=(1, 2))
    assert found[0] == 0.0 and found[-1] == 1.0
    np.testing.assert_allclose(found, np.arange(6) / 5, atol=0.03)
    floats = images.astype("float32") / 127.5 - 1
    np.testing.assert_array_equal(binarize(floats, 7), binarize(images, 7))


def test_an_images_draw_depends_on_seed_and_row(monkeypatch):
    images = np.full((10, 3, 3, 1), 128, "uint8")
    many = binarize(images, 1)
    assert set(np.unique(many)) == {0, 255} and many.dtype == np.uint8
    np.testing.assert_array_equal(binarize(images[:4], 1), many[:4])
    assert (binarize(images, 2) != many).any()
    monkeypatch.setattr("keras_gans.data.binarizing._CHUNK", 3)
    np.testing.assert_array_equal(binarize(images, 1), many)


def test_nothing_is_left_grey():
    with pytest.raises(ValueError):
        binarize(np.zeros((2, 2), "uint8"), seed=-1)
