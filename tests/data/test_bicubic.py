import numpy as np
import pytest
from PIL import Image

from keras_gans.data import bicubic, enlarge, shrink, whole_part


def picture(height, width, channels=3):
    random = np.random.default_rng(0)
    return random.random((height, width, channels)).astype("float32")


@pytest.mark.parametrize("size", [(6, 9), (30, 40), (12, 7)])
def test_inside_it_is_pillows_bicubic(size):
    """Pillow has the same kernel, and weighs anew at borders in place of mirroring."""
    image = picture(24, 28)
    planes = [
        Image.fromarray(np.ascontiguousarray(image[..., c])).resize(
            size[::-1], Image.Resampling.BICUBIC
        )
        for c in range(3)
    ]
    expected, found = np.stack(planes, axis=-1), bicubic(image, size)
    assert found.shape == (*size, 3) and found.dtype == np.float32
    edge = 4
    inner = slice(edge, -edge) if min(size) > 2 * edge else slice(2, -2)
    np.testing.assert_allclose(found[inner, inner], expected[inner, inner], atol=1e-5)


def test_borders_are_mirrored():
    """What a picture makes is the middle of what it makes with its mirror around it."""
    image = picture(16, 20)
    around = np.pad(image, ((16, 16), (20, 20), (0, 0)), mode="symmetric")
    whole = shrink(around, 4)
    np.testing.assert_allclose(shrink(image, 4), whole[4:8, 5:10], atol=1e-6)
    whole = enlarge(around, 2)
    np.testing.assert_allclose(enlarge(image, 2), whole[32:64, 40:80], atol=1e-6)


def test_constants_stay_and_ramps_do_too():
    flat = np.full((12, 12, 1), 77, "uint8")
    np.testing.assert_array_equal(shrink(flat, 4), np.full((3, 3, 1), 77, "uint8"))
    ramp = np.broadcast_to(np.arange(32.0)[:, None, None], (32, 8, 1))
    found = enlarge(ramp.astype("float32"), 2)[8:-8, 4, 0]
    np.testing.assert_allclose(np.diff(found), 0.5, atol=1e-5)


def test_bytes_are_rounded_once_and_clipped():
    image = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), "uint8")
    found = shrink(image, 4)
    exact = shrink(image.astype("float32"), 4)
    np.testing.assert_array_equal(found, np.clip(np.rint(exact), 0, 255))
    edge = np.where(np.arange(16) < 8, 0, 255).astype("uint8")
    edge = np.broadcast_to(edge[:, None, None], (16, 4, 1))
    assert set(enlarge(edge, 4).ravel()) >= {0, 255}
    assert enlarge(edge.astype("float32"), 4).min() < -5


def test_whole_parts():
    image = picture(17, 23)
    np.testing.assert_array_equal(whole_part(image, 4), image[:16, :20])
    with pytest.raises(ValueError, match="smaller than 32"):
        whole_part(image, 32)


def test_what_is_refused():
    with pytest.raises(ValueError, match="no multiples of 4"):
        shrink(picture(17, 20), 4)
    with pytest.raises(ValueError, match="takes pictures"):
        bicubic(np.zeros((4, 4), "uint8"), (2, 2))
    with pytest.raises(ValueError, match="uint16"):
        bicubic(np.zeros((4, 4, 1), "uint16"), (2, 2))
    with pytest.raises(ValueError, match="`size`"):
        bicubic(picture(4, 4), (0, 2))
