import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import convolve

from keras_gans.data import CropBatches, RealWorld
from keras_gans.data.blur_kernels import (
    BETAS,
    FORMS,
    blur_kernel,
    draw_kernel,
    sinc_kernel,
)
from keras_gans.data.real_world import filtered


def photograph(side=64):
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(9 * x + c) * np.cos(7 * y) for c in range(3)]
    return (127.5 + 100 * np.stack(waves, axis=-1)).astype("uint8")


def test_gaussians_of_a_known_shape():
    """Their second moments are those of S, for a kernel that is large enough."""
    kernel = blur_kernel(41, (3.0, 1.5), angle=0.5)
    places = np.arange(41) - 20
    x, y = np.meshgrid(places, places)
    rotation = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    expected = rotation @ np.diag([9.0, 2.25]) @ rotation.T
    found = [[(a * b * kernel).sum() for a in (x, y)] for b in (x, y)]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("form", BETAS)
def test_kernels_sum_to_one_and_are_symmetric(form):
    kernel = blur_kernel(15, (2.0, 1.0), 0.7, form, beta=1.5)
    assert kernel.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-12)
    assert kernel.argmax() == kernel.size // 2


def test_beta_one_is_the_plain_form():
    options = (13, (1.7, 1.7))
    plain = blur_kernel(*options)
    np.testing.assert_allclose(plain, blur_kernel(*options, form="generalized"))
    plateau = blur_kernel(*options, form="plateau")
    assert plateau[0, 0] > plain[0, 0]


def test_a_sinc_passes_what_is_below_its_cutoff():
    kernel = sinc_kernel(21, np.pi / 2)
    assert kernel.sum() == pytest.approx(1.0)
    assert kernel.min() < 0
    line = np.arange(128)
    for frequency, low, high in ((0.6, 0.85, 1.15), (2.6, 0.0, 0.1)):
        wave = np.cos(frequency * line)[None, :, None] * np.ones((64, 1, 1))
        passed = filtered(wave, kernel)[20:-20, 20:-20]
        gain = passed.std() / wave[20:-20, 20:-20].std()
        assert low <= gain <= high


def test_filtering_is_scipys_convolution():
    x = np.random.default_rng(0).random((16, 18, 3))
    kernel = blur_kernel(7, (2.0, 1.0), 0.3)
    expected = convolve(x, kernel[:, :, None], mode="mirror")
    np.testing.assert_allclose(filtered(x, kernel), expected, atol=1e-10)


def test_forms_are_drawn_as_often_as_they_should():
    assert sum(share for *_, share in FORMS) == pytest.approx(1.0)
    random = np.random.RandomState(0)
    kernels = [draw_kernel(random, (0.2, 3.0)) for _ in range(400)]
    sizes = {len(kernel) for kernel in kernels}
    assert sizes == set(range(7, 22, 2))
    ringing = np.mean([kernel.min() < -1e-6 for kernel in kernels])
    assert 0.05 < ringing < 0.16


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_picture_is_spoilt_and_still_itself(scale):
    image, spoil = photograph(), RealWorld(scale)
    made = [spoil(image, np.random.RandomState(seed)) for seed in range(12)]
    assert all(m.shape == (64 // scale, 64 // scale, 3) for m in made)
    assert all(m.dtype == np.uint8 for m in made)
    again = spoil(image, np.random.RandomState(3))
    np.testing.assert_array_equal(made[3], again)
    assert len({m.tobytes() for m in made}) == 12
    small = np.asarray(Image.fromarray(image).resize((64 // scale,) * 2, 4))
    apart = [np.abs(m.astype(float) - small).mean() for m in made]
    assert np.mean(apart) > 3
    alike = [np.corrcoef(m.ravel(), small.ravel())[0, 1] for m in made]
    assert np.median(alike) > 0.8


def test_grey_pictures_and_batches():
    grey = photograph()[..., :1]
    assert RealWorld(2)(grey, np.random.RandomState(0)).shape == (32, 32, 1)
    batches = CropBatches(
        [photograph()], 2, 4, 32, crops=2, degradation=RealWorld(4), seed=1
    )
    low, high = batches[0]
    assert low.shape == (2, 8, 8, 3) and high.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(low, batches[0][0])


def test_what_is_refused():
    random = np.random.RandomState(0)
    with pytest.raises(ValueError, match="multiples of 4"):
        RealWorld(4)(np.zeros((30, 32, 3), "uint8"), random)
    with pytest.raises(ValueError, match="1 or 3"):
        RealWorld(4)(np.zeros((32, 32, 2), "uint8"), random)
    with pytest.raises(ValueError, match="`scale`"):
        RealWorld(0)
