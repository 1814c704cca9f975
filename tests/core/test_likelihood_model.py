"""Black and white out of grey: drawn anew, once, or cut at the middle."""

import numpy as np
import pytest
from keras import ops

import keras_gans as kg

GREY = np.full((2000, 2, 2, 1), 64, "uint8")


def model(binarization):
    vae = kg.VAE((2, 2, 1), 2, hidden_units=3, binarization=binarization)
    vae.compile()
    return vae


@pytest.mark.every_backend
def test_dynamic_images_are_drawn_anew():
    gan = model("dynamic")
    images = ops.convert_to_tensor(GREY)
    first, second = (ops.convert_to_numpy(gan.unpack(images)) for _ in range(2))
    assert set(np.unique(first)) == {-1.0, 1.0}
    assert (first > 0).mean() == pytest.approx(64 / 255, abs=0.02)
    assert (first != second).mean() > 0.2


def test_static_images_are_drawn_once():
    gan = model("static")
    drawn = gan.arrays_of(GREY, None)
    np.testing.assert_array_equal(drawn, gan.arrays_of(GREY, None))
    assert (drawn > 0).mean() == pytest.approx(64 / 255, abs=0.02)
    unpacked = ops.convert_to_numpy(gan.unpack(ops.convert_to_tensor(drawn)))
    np.testing.assert_array_equal(unpacked > 0, drawn > 0)
    with pytest.raises(ValueError, match=r"keras_gans.data.binarize"):
        gan.check_batch(GREY[:4], None)
    gan.check_batch(drawn[:4], None)


def test_thresholds_are_the_middle():
    gan = model("threshold")
    images = np.array([0, 127, 128, 255], "uint8").reshape(1, 2, 2, 1)
    expected = [False, False, True, True]
    unpacked = ops.convert_to_numpy(gan.unpack(ops.convert_to_tensor(images)))
    np.testing.assert_array_equal(unpacked.ravel() > 0, expected)
    np.testing.assert_array_equal(gan.as_modelled(images).ravel() > 0, expected)
    floats = images.astype("float32") / 127.5 - 1
    np.testing.assert_array_equal(gan.as_modelled(floats).ravel() > 0, expected)


def test_black_and_white_stays_as_it_is():
    images = (np.arange(16).reshape(4, 2, 2, 1) % 3 == 0) * np.uint8(255)
    for binarization in ("dynamic", "static", "threshold"):
        gan = model(binarization)
        np.testing.assert_array_equal(gan.as_modelled(images, seed=3), images)
        unpacked = ops.convert_to_numpy(gan.unpack(ops.convert_to_tensor(images)))
        np.testing.assert_array_equal(unpacked > 0, images > 0)


def test_augmentations_are_refused():
    with pytest.raises(ValueError, match="no judge"):
        kg.VAE((2, 2, 1), 2, hidden_units=3, augmentation="ada")


def test_measured_images_are_checked():
    with pytest.raises(ValueError, match="looks like"):
        model("dynamic").negative_log_likelihood(
            np.linspace(0, 1, 8).reshape(2, 2, 2, 1)
        )
