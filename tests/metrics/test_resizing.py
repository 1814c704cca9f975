import numpy as np
import pytest

from keras_gans.metrics.resizing import RESIZE_MODES, resize

_random = np.random.RandomState(0)
NOISE = {
    size: _random.randint(0, 256, (2, *size, 3)).astype("uint8")
    for size in [(32, 32), (40, 23), (512, 512)]
}
EDGE = np.array([0, 1], "uint8")


@pytest.mark.parametrize("mode", RESIZE_MODES)
@pytest.mark.parametrize("size", [(299, 299), (5, 40)])
def test_a_constant_image_stays_constant(mode, size):
    found = resize(np.full((2, 17, 30, 3), 201, "uint8"), size, mode)
    assert found.shape == (2, *size, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found, 201, rtol=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("legacy_tensorflow", [0, 0.5, 1, 1]),
        ("legacy_pytorch", [0, 0.25, 0.75, 1]),
    ],
)
def test_where_pixels_are_taken_from(mode, expected):
    row = resize(EDGE.reshape(1, 1, 2, 1), (1, 4), mode)
    column = resize(EDGE.reshape(1, 2, 1, 1), (4, 1), mode)
    assert row.ravel().tolist() == expected == column.ravel().tolist()


def test_only_clean_keeps_a_checkerboard_from_aliasing():
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype("uint8")
    spread = {
        mode: resize(board[None, ..., None], (299, 299), mode).std()
        for mode in RESIZE_MODES
    }
    # Finer than the new pixels, black and white are grey.
    assert spread["clean"] < 0.1
    assert spread["legacy_tensorflow"] > 40 and spread["legacy_pytorch"] > 40


@pytest.mark.parametrize("old", NOISE)
@pytest.mark.parametrize("new", [(299, 299), (28, 61)])
def test_legacy_modes_equal_tensorflow(old, new):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    images = NOISE[old]
    floats = images.astype("float32")
    legacy = tf.compat.v1.image.resize_bilinear(floats, new, False, False).numpy()
    half_pixel = tf.image.resize(floats, new, "bilinear", antialias=False).numpy()
    # Equal on AVX-512; another processor may fuse products with sums.
    allowed = {"rtol": 0, "atol": 2 * np.spacing(np.float32(255))}
    found = resize(images, new, "legacy_tensorflow")
    np.testing.assert_allclose(found, legacy, **allowed)
    found = resize(images, new, "legacy_pytorch")
    np.testing.assert_allclose(found, half_pixel, **allowed)


def bicubic_matrix(old, new):
    """Keys' cubic with a = -1/2, stretched by the reduction, in float64."""
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    d = np.abs(np.arange(old) + 0.5 - centres) / max(scale, 1)
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    weights = np.where(d < 1, near, np.where(d < 2, far, 0))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("old", NOISE)
@pytest.mark.parametrize("new", [(299, 299), (28, 61)])
def test_clean_is_an_antialiased_bicubic(old, new):
    down, across = map(bicubic_matrix, old, new)
    image = NOISE[old][0].astype("float64")
    expected = np.einsum("ih,hwc,jw->ijc", down, image, across, optimize=True)
    found = resize(NOISE[old], new, "clean")[0]
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), rtol=0, atol=5e-5)


@pytest.mark.parametrize(("old", "tolerance"), [((32, 32), 4e-4), ((512, 512), 2.5e-3)])
def test_clean_equals_tensorflow(old, tolerance):
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    found = resize(NOISE[old], (299, 299), "clean")
    expected = tf.image.resize(NOISE[old], (299, 299), "bicubic", antialias=True)
    errors = np.abs(found - np.clip(expected.numpy(), 0, 255))
    # TensorFlow's float32 weights are what errs, a few pixels in a million by more.
    assert np.quantile(errors, 0.9999) < tolerance


def test_clean_is_clipped_and_not_rounded():
    found = resize(NOISE[32, 32], (299, 299), "clean")
    assert found.min() == 0 and found.max() == 255
    assert len(np.unique(found)) > 100_000


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_images_and_channels_do_not_see_each_other(mode):
    images = NOISE[40, 23]
    whole = resize(images, (28, 31), mode)
    for i in range(len(images)):
        for channel in range(3):
            grey = np.ascontiguousarray(images[i : i + 1, ..., channel : channel + 1])
            alone = resize(grey, (28, 31), mode)
            np.testing.assert_array_equal(alone[0, ..., 0], whole[i, ..., channel])


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_images_of_the_right_size_are_only_cast(mode):
    found = resize(NOISE[32, 32], (32, 32), mode)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, NOISE[32, 32])
    assert resize(NOISE[32, 32][:0], (8, 9), mode).shape == (0, 8, 9, 3)


@pytest.mark.parametrize(
    ("images", "size", "mode", "message"),
    [
        (
            NOISE[32, 32],
            (8, 8),
            "friendly",
            "'clean', 'legacy_tensorflow', 'legacy_pytorch'. Found: 'friendly'",
        ),
        (NOISE[32, 32] / 255, (8, 8), "clean", r"float64 \(2, 32, 32, 3\)"),
        (NOISE[32, 32][0], (8, 8), "clean", r"uint8 \(32, 32, 3\)"),
        (NOISE[32, 32][:, :0], (8, 8), "clean", r"uint8 \(2, 0, 32, 3\)"),
        (NOISE[32, 32], 8, "clean", "Found: 8"),
        (NOISE[32, 32], (8, 0), "clean", r"Found: \(8, 0\)"),
        (NOISE[32, 32], (8, 8.5), "clean", r"Found: \(8, 8.5\)"),
    ],
)
def test_what_cannot_be_resized_is_named(images, size, mode, message):
    with pytest.raises(ValueError, match=message):
        resize(images, size, mode)
