import numpy as np
import pytest
from scipy import ndimage

from keras_gans import metrics

_random = np.random.RandomState(0)
_image = _random.randint(0, 256, (64, 48, 3))
_noisy = np.clip(_image + _random.randint(-20, 21, _image.shape), 0, 255)
A, B = _image[None].astype("uint8"), _noisy[None].astype("uint8")


@pytest.mark.parametrize(
    ("luma", "crop", "psnr", "ssim"),
    [
        (False, 0, 26.862232, 0.98731488),
        (False, 4, 26.885582, 0.98740439),
        # BasicSR averages these squares in float32: 31.622084. In float64:
        (True, 0, 31.622081, 0.98732208),
        (True, 4, 31.629675, 0.98755498),
    ],
)
def test_golden_values(luma, crop, psnr, ssim):
    options = {"luma": luma, "crop": crop}
    assert metrics.psnr(A, B, **options).value == pytest.approx(psnr, abs=1e-6)
    assert metrics.ssim(A, B, **options).value == pytest.approx(ssim, abs=1e-8)


def test_bgr_is_not_rgb():
    swapped = metrics.psnr(A[..., ::-1], B[..., ::-1], luma=True, crop=4).value
    assert swapped == pytest.approx(31.58358, abs=1e-5)


def test_ssim_equals_a_filter_of_scipy():
    x, y = A[0, ..., 0].astype(float), B[0, ..., 0].astype(float)

    def blurred(image):
        smooth = ndimage.gaussian_filter(image, 1.5, radius=5)
        return smooth[5:-5, 5:-5]

    mean_x, mean_y = blurred(x), blurred(y)
    cov = blurred(x * y) - mean_x * mean_y
    var = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    c1, c2 = 2.55**2, 7.65**2
    expected = (2 * mean_x * mean_y + c1) * (2 * cov + c2)
    expected /= (mean_x**2 + mean_y**2 + c1) * (sum(var) + c2)
    found = metrics.ssim(A[..., :1], B[..., :1]).value
    assert found == pytest.approx(expected.mean(), abs=1e-12)


def test_equal_images():
    result = metrics.psnr(A, A)
    assert result.value == np.inf
    assert metrics.Result.from_json(result.to_json()) == result
    assert metrics.ssim(A, A).value == pytest.approx(1.0, abs=1e-12)


def test_floats_are_rounded_as_a_file_would():
    floats = [image.astype("float32") / 127.5 - 1 for image in (A, B)]
    options = {"data_range": (-1, 1)}
    found = metrics.psnr(*floats, **options).value
    assert found == pytest.approx(metrics.psnr(A, B).value, abs=1e-9)
    shifted = floats[0], np.clip(floats[1] + 0.3 / 127.5, -1, 1)
    raw = metrics.psnr(*shifted, quantise=False, **options)
    rounded = metrics.psnr(*shifted, **options)
    assert abs(rounded.value - found) < 1e-9 < abs(raw.value - found)
    with pytest.raises(ValueError, match="quantise differs"):
        metrics.compare(raw, rounded)


def test_it_is_the_mean_of_images_and_not_of_errors():
    real = np.zeros((2, 12, 12, 1), "uint8")
    fake = real + np.array([1, 100], "uint8").reshape(2, 1, 1, 1)
    each = metrics.psnr_per_image(real, fake)
    np.testing.assert_allclose(each, 20 * np.log10([255, 2.55]))
    assert metrics.psnr(real, fake).value == pytest.approx(each.mean())


def test_a_mask_leaves_out_what_is_outside(monkeypatch):
    real = _random.randint(0, 256, (5, 14, 13, 3)).astype("uint8")
    fake = _random.randint(0, 256, (5, 14, 13, 3)).astype("uint8")
    mask = np.zeros((5, 14, 13, 1), "uint8")
    mask[:, 3:9, 2:12] = 255
    inside = metrics.psnr(real[:, 3:9, 2:12], fake[:, 3:9, 2:12]).value
    found = metrics.psnr(real, fake, mask=mask)
    assert found.value == pytest.approx(inside, abs=1e-9)
    cropped = metrics.psnr(real, fake, mask=mask, crop=4).value
    expected = metrics.psnr(real[:, 4:9, 4:9], fake[:, 4:9, 4:9]).value
    assert cropped == pytest.approx(expected, abs=1e-9)
    monkeypatch.setattr(metrics.image_quality, "_CHUNK", 1)
    mask[2, 3:9, 2:12] = _random.randint(0, 2, (6, 10, 1))
    each = metrics.psnr_per_image(real, fake, mask=mask > 0)
    rows = mask[2, ..., 0] != 0
    error = np.square(real[2][rows].astype(float) - fake[2][rows]).mean()
    assert each[2] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)
    assert metrics.psnr(real, fake, mask=mask * 0 + 1).value == pytest.approx(
        metrics.psnr(real, fake).value, abs=1e-9
    )


def test_masked_figures_are_others():
    mask = np.ones((1, 64, 48, 1), bool)
    with pytest.raises(ValueError, match="masked differs"):
        metrics.compare(metrics.psnr(A, B, mask=mask), metrics.psnr(A, B))
    with pytest.raises(ValueError, match=r"shape \(1, 64, 48, 1\), found \(64, 48\)"):
        metrics.psnr(A, B, mask=mask[0, ..., 0])
    mask[:, 9:-9] = False
    with pytest.raises(ValueError, match="leaves nothing of 1 images.* number 0"):
        metrics.psnr(A, B, mask=mask, crop=9)
    with pytest.raises(ValueError, match="not the same for each batch"):
        metrics.PSNR(mask=mask)


@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_batches_and_merges_equal_the_whole(name, monkeypatch):
    real = _random.randint(0, 256, (9, 14, 13, 3)).astype("uint8")
    fake = _random.randint(0, 256, (9, 14, 13, 3)).astype("uint8")
    options = {"luma": True, "crop": 1}
    whole = getattr(metrics, name)(real, fake, **options)
    parts = [getattr(metrics, name.upper())(**options) for _ in range(2)]
    parts[0].update(real[:3], fake[:3])
    parts[1].update(real[3:5], fake[3:5])
    parts[1].update(real=real[5:], generated=fake[5:])
    parts[0].merge(parts[1])
    assert parts[0].result() == whole
    monkeypatch.setattr(metrics.image_quality, "_CHUNK", 1)
    assert getattr(metrics, name)(real, fake, **options) == whole
    other = getattr(metrics, name.upper())()
    with pytest.raises(ValueError, match="do not merge"):
        parts[0].merge(other)
    with pytest.raises(ValueError, match="no images"):
        other.result()


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (A, B[:, :9], {}, "two equal shapes"),
        (A[0], B[0], {}, "two equal shapes"),
        (A[:0], B[:0], {}, "two equal shapes"),
        (A / 255, B / 255, {}, "data_range"),
        (A.astype(int), B, {}, "Expected uint8"),
        (A / 127.5 - 1, B / 127.5 - 1, {"data_range": (0, 1)}, "Clip them"),
        (A * np.nan, B * 1.0, {"data_range": (0, 255)}, "must lie in"),
        (A[..., :1], B[..., :1], {"luma": True}, "needs RGB"),
        (A, B, {"crop": 24}, "leaves nothing"),
        (A, B, {"crop": -1}, "leaves nothing"),
    ],
)
def test_images_are_checked(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        metrics.psnr(a, b, **options)


def test_small_images_have_no_window():
    with pytest.raises(ValueError, match="11 x 11 pixels after cropping, found 50 x 3"):
        metrics.ssim(A[:, :, :17], B[:, :, :17], crop=7)
