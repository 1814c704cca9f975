import numpy as np
import pytest

from keras_gans import metrics


def pairs():
    random = np.random.default_rng(0)
    high = [
        random.integers(0, 255, shape, "uint8") for shape in ((24, 30, 3), (40, 24, 3))
    ]
    return high, [image + np.uint8(1) for image in high]


def test_means_over_pictures_of_different_sizes():
    high, made = pairs()
    made[1] = high[1][::-1]
    psnr, ssim = metrics.upscaling_scores(high, made, 4)
    one = [
        metrics.psnr_per_image(a[None], b[None], crop=4, luma=True)[0]
        for a, b in zip(high, made, strict=True)
    ]
    assert psnr.value == pytest.approx(np.mean(one))
    assert psnr.parameters["crop"] == 4 and psnr.parameters["luma"] is True
    assert psnr.num_real == 2 and ssim.metric == "ssim"


def test_known_distances():
    """A grey level off everywhere is 48.13 dB; itself, infinitely near."""
    high = [image[..., :1] for image in pairs()[0]]
    psnr, _ = metrics.upscaling_scores(high, [image + np.uint8(1) for image in high], 2)
    assert psnr.value == pytest.approx(48.13, abs=5e-3)
    assert not psnr.parameters["luma"]
    psnr, ssim = metrics.upscaling_scores(high, high, 2)
    assert np.isinf(psnr.value) and ssim.value == 1


def test_borders_do_not_count():
    high, _ = pairs()
    made = [image.copy() for image in high]
    for image in made:
        image[:4], image[:, -4:] = 0, 0
    assert np.isinf(metrics.upscaling_scores(high, made, 4)[0].value)


def test_lists_of_one_length():
    high, made = pairs()
    with pytest.raises(ValueError, match="2 originals for 1"):
        metrics.upscaling_scores(high, made[:1], 4)
