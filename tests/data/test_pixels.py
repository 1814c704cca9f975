import numpy as np
import pytest
from PIL import Image

from keras_gans import data
from keras_gans.data.pixels import recolor


def test_every_pixel_value_survives_the_round_trip():
    pixels = np.arange(256, dtype="uint8")
    unit = data.to_unit(pixels)
    assert unit.dtype == np.float32
    assert unit.min() == -1 and unit.max() == 1
    np.testing.assert_allclose(unit, pixels / 127.5 - 1, atol=1e-7)
    np.testing.assert_array_equal(data.to_uint8(unit), pixels)


def test_to_uint8_rounds_and_clips():
    images = np.array([-7.0, -1.0, 0.4 / 127.5 - 1, 0.6 / 127.5 - 1, 7.0])
    assert data.to_uint8(images).tolist() == [0, 0, 0, 1, 255]


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match="float32"):
        data.to_unit(np.zeros(2, "float32"))
    with pytest.raises(TypeError, match="uint8"):
        data.to_uint8(np.zeros(2, "uint8"))
    with pytest.raises(ValueError, match="NaN"):
        data.to_uint8(np.array([np.nan]))


def test_to_uint8_takes_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    images = np.array([-1, 1], ml_dtypes.bfloat16)
    assert data.to_uint8(images).tolist() == [0, 255]


def test_resize_agrees_with_pillow():
    images = np.random.RandomState(0).randint(0, 256, (2, 20, 20, 3)).astype("uint8")
    resized = data.resize(images, (7, 7))
    for image, out in zip(images, resized, strict=True):
        kernel = Image.Resampling.BICUBIC
        expected = np.asarray(Image.fromarray(image).resize((7, 7), kernel))
        np.testing.assert_array_equal(out, expected)


def test_resize_crops_the_centre_instead_of_stretching():
    image = np.zeros((4, 12, 1), "uint8")
    image[:, 4:8] = 200  # the middle square
    np.testing.assert_array_equal(data.resize(image, 8), np.full((8, 8, 1), 200))
    tall = image.transpose(1, 0, 2)
    np.testing.assert_array_equal(data.resize(tall, 2), np.full((2, 2, 1), 200))
    wide = data.resize(image, (2, 6), antialias=False)
    assert wide[0, :, 0].tolist() == [0, 0, 200, 200, 0, 0]


def test_antialias_averages_and_nearest_invents_no_value():
    stripes = np.tile(np.array([0, 255], "uint8"), 16)[None, :, None]
    stripes = np.repeat(stripes, 32, axis=0)
    smooth = data.resize(stripes, 8)[2:-2, 2:-2]
    assert abs(smooth.astype(int) - 127).max() < 12
    assert set(np.unique(data.resize(stripes, 8, antialias=False))) <= {0, 255}


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_resize_treats_every_channel_alike(channels):
    plane = np.random.RandomState(1).randint(0, 256, (9, 9, 1)).astype("uint8")
    images = np.repeat(plane, channels, axis=-1)
    expected = np.repeat(data.resize(plane, 5), channels, axis=-1)
    np.testing.assert_array_equal(data.resize(images, 5), expected)


def test_resize_keeps_floats_floats():
    images = np.linspace(-1, 1, 64, dtype="float64").reshape(1, 8, 8, 1)
    resized = data.resize(images, 4)
    assert resized.dtype == np.float32 and resized.shape == (1, 4, 4, 1)
    assert len(np.unique(resized)) == 16


@pytest.mark.parametrize(
    ("images", "size", "message"),
    [
        (np.zeros((4, 4), "uint8"), 2, "shape"),
        (np.zeros((4, 0, 1), "uint8"), 2, "shape"),
        (np.zeros((4, 4, 1), "int32"), 2, "int32"),
        (np.zeros((4, 4, 1), "uint8"), 0, "at least 1"),
        (np.zeros((4, 4, 1), "uint8"), (2, 2.5), "at least 1"),
        (np.zeros((4, 4, 1), "uint8"), (2, 2, 2), "one int or"),
    ],
)
def test_resize_refuses(images, size, message):
    with pytest.raises(ValueError, match=message):
        data.resize(images, size)


def test_recolor_has_pillows_luma():
    images = np.random.RandomState(2).randint(0, 256, (3, 5, 5, 3)).astype("uint8")
    grey = recolor(images, "grey")
    for image, out in zip(images, grey, strict=True):
        expected = np.asarray(Image.fromarray(image).convert("L"))
        np.testing.assert_array_equal(out[..., 0], expected)
    np.testing.assert_array_equal(recolor(grey, "rgb")[..., 2], grey[..., 0])
    with pytest.raises(ValueError, match="got 4"):
        recolor(np.zeros((1, 2, 2, 4), "uint8"), "rgb")


@pytest.mark.parametrize(
    ("size", "multiple", "expected"),
    [
        (256, 256, 256),
        (1, 256, 256),
        (383, 256, 256),
        (384, 256, 256),
        (385, 256, 512),
        ((33, 31), 4, (32, 32)),
        ([30, 35], 4, (28, 36)),
        (7, 1, 7),
        (10, 5, 10),
        (12, 5, 10),
        (13, 5, 15),
    ],
)
def test_the_nearest_legal_size(size, multiple, expected):
    found = data.legal_size(size, multiple)
    assert found == expected and type(found) is type(expected)


def test_sides_that_a_network_cannot_halve_are_refused_with_the_nearest():
    data.check_side_multiple((512, 256, 3), 256, "It")
    data.check_side_multiple((None, 8, 3), 4, "It")
    with pytest.raises(
        ValueError,
        match=r"^A U-Net takes .* of 64\. Found: 250x300\..*256x320.*\(256, 3",
    ):
        data.check_side_multiple((250, 300, 3), 64, "A U-Net")
    with pytest.raises(ValueError, match="Found: Nonex9. The nearest size is 4x8"):
        data.check_side_multiple((None, 9), 4, "It")
    with pytest.raises(ValueError, match="`multiple`"):
        data.legal_size(5, 0)
