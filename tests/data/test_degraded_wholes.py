import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from keras_gans import data
from keras_gans.data import Bayer, Grey, Jpeg, LowRes, Noise

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 21, 18, 3)).astype("uint8")


def _spoilt(kind, images=IMAGES, seed=0):
    degraded, mask = kind(images, np.random.RandomState(seed))
    assert mask is None
    return degraded


def test_bayer_keeps_one_colour_per_pixel_in_the_pattern_rggb():
    sparse = _spoilt(Bayer())
    channel = np.array([[0, 1], [1, 2]])[
        np.arange(21)[:, None] % 2, np.arange(18)[None] % 2
    ]
    for index in range(3):
        kept = channel == index
        np.testing.assert_array_equal(sparse[:, kept, index], IMAGES[:, kept, index])
        assert not sparse[:, ~kept, index].any()
    np.testing.assert_array_equal(_spoilt(Bayer(1)), sparse.sum(-1, keepdims=True))


def test_bilinear_interpolation_returns_a_constant_colour():
    colour = np.array([200, 90, 33], "uint8")
    sparse = _spoilt(Bayer(), np.broadcast_to(colour, (1, 12, 14, 3)).copy())[0]
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    square = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    for channel, kernel in enumerate((square, cross, square)):
        plane = sparse[..., channel].astype(float)
        full = ndimage.convolve(plane, kernel, mode="constant")
        np.testing.assert_allclose(full[1:-1, 1:-1], colour[channel])


def test_low_res_is_pillows_reduction_and_enlargement():
    image = IMAGES[:1, :20, :16]
    found = _spoilt(LowRes(4), image)[0]
    picture = Image.fromarray(image[0])
    small = picture.resize((4, 5), Image.Resampling.BICUBIC)
    expected = np.asarray(small.resize((16, 20), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(_spoilt(LowRes(1)), IMAGES)


def test_low_res_shifts_no_picture_whose_sides_it_does_not_divide():
    rows, columns = np.mgrid[:23, :30]
    ramp = (4 * rows + 5 * columns).astype("uint8")[None, ..., None]
    found = _spoilt(LowRes(4), ramp)
    assert found.shape == ramp.shape
    inside = (slice(None), slice(6, -6), slice(6, -6))
    difference = found[inside].astype(int) - ramp[inside]
    # One pixel of shift would be 4 or 5; rounding twice is at most 1.
    assert np.abs(difference).max() <= 1


def test_scales_are_drawn():
    images = np.repeat(IMAGES[:1], 30, axis=0)
    found = {image.tobytes() for image in _spoilt(LowRes((2, 3)), images)}
    expected = {_spoilt(LowRes(scale))[0].tobytes() for scale in (2, 3)}
    assert found == expected


def test_grey_is_the_luminance():
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in IMAGES]
    np.testing.assert_array_equal(_spoilt(Grey())[..., 0], expected)


def test_noise_has_its_deviation_and_is_clipped():
    grey = np.full((1, 200, 200, 3), 128, "uint8")
    noise = _spoilt(Noise(10), grey).astype(float) - 128
    assert abs(noise.mean()) < 0.2 and abs(noise.std() - 10) < 0.2
    white = _spoilt(Noise(10), np.full((1, 200, 200, 3), 255, "uint8"))
    assert white.max() == 255 and white.min() > 190
    assert 0.45 < (white == 255).mean() < 0.6
    np.testing.assert_array_equal(_spoilt(Noise(0)), IMAGES)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_spoils_the_more_the_lower_its_quality(channels):
    smooth = data.resize(IMAGES, (64, 48))[..., :channels]
    errors = [
        np.square(_spoilt(Jpeg(quality), smooth) - smooth.astype(float)).mean()
        for quality in (5, 30, 95)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > 0


def test_channels_are_checked():
    for kind in (Bayer(), Grey()):
        with pytest.raises(ValueError, match="needs pictures of 3 channels. Found: 1"):
            _spoilt(kind, IMAGES[..., :1])
    with pytest.raises(ValueError, match="Jpeg needs .* 1 or 3 channels. Found: 2"):
        _spoilt(Jpeg(), IMAGES[..., :2])
