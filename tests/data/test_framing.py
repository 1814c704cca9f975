import numpy as np
import pytest

from keras_gans import data
from keras_gans.data.framing import Framing

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (40, 6, 9, 2)).astype("uint8")


def _shown(framing, pictures):
    crops, flips = framing.draw(len(pictures), 3, 0)
    return framing.show(pictures, crops, flips), crops, flips


def test_nothing_asked_changes_nothing():
    shown, _, flips = _shown(Framing(PICTURES), PICTURES)
    assert not flips.any()
    np.testing.assert_array_equal(shown, PICTURES)


def test_mirroring_is_drawn_per_picture():
    shown, _, flips = _shown(Framing(PICTURES, flip=True), PICTURES)
    assert 8 < flips.sum() < 32
    np.testing.assert_array_equal(shown[~flips], PICTURES[~flips])
    np.testing.assert_array_equal(shown[flips], PICTURES[flips][:, :, ::-1])


def test_crops_reach_every_place_and_no_other():
    # Each pixel tells where it lies.
    where = np.stack(np.meshgrid(range(5), range(7), indexing="ij"), -1).astype("uint8")
    pictures = np.repeat(where[None], 300, axis=0)
    framing = Framing(pictures, image_size=(3, 4))
    shown, _, _ = _shown(framing, pictures)
    assert shown.shape == (300, 3, 4, 2)
    corners = {tuple(corner) for corner in shown[:, 0, 0].tolist()}
    assert corners == {(top, left) for top in range(3) for left in range(4)}
    expected = np.broadcast_to(where[:3, :4], shown.shape)
    np.testing.assert_array_equal(shown - shown[:, :1, :1], expected)


def test_jitter_is_a_bicubic_resize_before_the_crop():
    framing = Framing(PICTURES, jitter=(8, 12))
    shown, crops, _ = _shown(framing, PICTURES)
    large = data.resize(PICTURES, (8, 12))
    assert shown.shape == PICTURES.shape and shown.dtype == np.uint8
    for index in range(40):
        top, left = np.floor(crops[index] * [3, 4]).astype(int)
        cut = large[index, top : top + 6, left : left + 9]
        np.testing.assert_array_equal(shown[index], cut)


def test_one_number_is_the_shorter_side():
    as_int = _shown(Framing(PICTURES, jitter=8), PICTURES)[0]
    as_pair = _shown(Framing(PICTURES, jitter=(8, 12)), PICTURES)[0]
    np.testing.assert_array_equal(as_int, as_pair)


@pytest.mark.parametrize("size", [(8, 12), (9, 20), (6, 7)])
def test_label_maps_take_the_nearest_pixel_as_pillow_does(size):
    options = {"jitter": size, "image_size": (6, 7), "nearest": True}
    shown, crops, flips = _shown(Framing(PICTURES, **options), PICTURES)
    nearest = data.resize(PICTURES, size, antialias=False)
    unresized = Framing(nearest, image_size=(6, 7))
    np.testing.assert_array_equal(shown, unresized.show(nearest, crops, flips))
    wide = PICTURES.astype("int32") * 1000
    large, _, _ = _shown(Framing(wide, **options), wide)
    assert large.dtype == np.int32
    np.testing.assert_array_equal(large, shown.astype("int32") * 1000)


def test_draws_differ_by_epoch_and_domain_but_not_by_call():
    framing = Framing(PICTURES, jitter=8, flip=True)
    draws = [
        framing.draw(40, seed, epoch, domain)
        for seed, epoch, domain in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    ]
    assert len({crops.tobytes() for crops, _ in draws}) == 4
    assert len({flips.tobytes() for _, flips in draws}) == 4
    np.testing.assert_array_equal(framing.draw(40, 0, 0)[0], draws[0][0])


def test_the_draws_are_frozen():
    # These numbers may never change: runs in progress resume with them.
    crops, flips = Framing(PICTURES, flip=True).draw(3, seed=3, epoch=2)
    expected = [[0.29771704, 0.47030205], [0.68205236, 0.76468182]]
    np.testing.assert_allclose(crops[:2], expected, atol=1e-8)
    assert flips.astype(int).tolist() == [0, 0, 0]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="Crops of 7x9 do not fit into.*6x9"):
        Framing(PICTURES, image_size=(7, 9))
    with pytest.raises(ValueError, match="Crops of 6x9 do not fit into.*4x6"):
        Framing(PICTURES, jitter=4)
    with pytest.raises(ValueError, match="Found float32.*to_uint8"):
        Framing(data.to_unit(PICTURES), jitter=8)
    with pytest.raises(ValueError, match=r"Found shape \(40, 6, 9\)"):
        Framing(PICTURES[..., 0])
    with pytest.raises(ValueError, match="Label maps are integers. Found float32"):
        Framing(data.to_unit(PICTURES), nearest=True)
    with pytest.raises(ValueError, match="Found int32"):
        Framing(PICTURES.astype("int32"), jitter=8)
    floats = data.to_unit(PICTURES)
    shown, _, _ = _shown(Framing(floats, image_size=4, flip=True), floats)
    assert shown.shape == (40, 4, 4, 2) and shown.dtype == np.float32
