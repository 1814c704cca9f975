import numpy as np
import pytest

from keras_gans.data import CropBatches, shrink
from keras_gans.data.crop_batches import shown


def pictures():
    random = np.random.default_rng(0)
    shapes = [(33, 40, 3), (48, 25, 3), (24, 24, 3)]
    return [random.integers(0, 256, shape, "uint8") for shape in shapes]


def batches(**changes):
    options = {"batch_size": 4, "scale": 4, "image_size": 16, "crops": 4, "seed": 3}
    return CropBatches(pictures(), **{**options, **changes})


def test_crops_and_their_low_resolution_lie_at_one_place():
    """The low resolution is that of the whole picture, not of the crop."""
    found = batches()
    assert len(found) == 3
    whole = [p[: p.shape[0] // 4 * 4, : p.shape[1] // 4 * 4] for p in pictures()]
    for i in range(len(found)):
        low, high = found[i]
        assert low.shape == (4, 4, 4, 3) and high.shape == (4, 16, 16, 3)
        assert low.dtype == high.dtype == np.uint8
        for small, crop in zip(low, high, strict=True):
            assert any(holds(picture, small, crop) for picture in whole)


def holds(picture, small, crop):
    rows, columns = (side // 4 - 3 for side in picture.shape[:2])
    lowest = shrink(picture, 4)
    return any(
        np.array_equal(picture[4 * i : 4 * i + 16, 4 * j : 4 * j + 16], crop)
        and np.array_equal(lowest[i : i + 4, j : j + 4], small)
        for i in range(rows)
        for j in range(columns)
    )


def test_every_picture_comes_as_often():
    marked = [np.full((20, 20, 1), i, "uint8") for i in range(3)]
    found = CropBatches(marked, 4, 4, 16, crops=4)
    seen = np.concatenate([found[i][1][:, 0, 0, 0] for i in range(3)])
    np.testing.assert_array_equal(np.bincount(seen), [4, 4, 4])


def test_an_epoch_depends_on_seed_and_number_alone():
    first, second = batches(flip=True), batches(flip=True)
    second.set_epoch(5)
    assert (second[0][1] != first[0][1]).any()
    first.set_epoch(5)
    for ours, theirs in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = batches(flip=True, seed=4)
    other.set_epoch(5)
    assert (other[1][1] != first[1][1]).any()


def test_eight_ways_to_show_a_crop():
    image = np.arange(2 * 2).reshape(2, 2, 1)
    ways = {shown(image, way).tobytes() for way in range(8)}
    assert len(ways) == 8
    # Low and high resolution are turned alike.
    found = batches(flip=True, crops=16)
    flat = [np.zeros((16, 16, 1), "uint8")]
    flat[0][:8, :4] = 200
    found = CropBatches(flat, 16, 4, 16, crops=16, flip=True)
    low, high = found[0]
    np.testing.assert_array_equal(low > 100, high[:, 1::4, 1::4] > 100)
    assert len({crop.tobytes() for crop in high}) > 4


def test_a_degradation_sees_the_crop():
    seen = []

    def halved(crop, random):
        seen.append((crop.copy(), random.random_sample()))
        return crop[::4, ::4]

    low, high = batches(degradation=halved)[0]
    np.testing.assert_array_equal(low, high[:, ::4, ::4])
    assert len({draw for _, draw in seen}) == 4


def test_what_is_refused():
    with pytest.raises(ValueError, match="choose a multiple of 4"):
        batches(image_size=18)
    with pytest.raises(ValueError, match="do not fit into a picture of 48x25"):
        batches(image_size=32)
    with pytest.raises(ValueError, match="uint8 arrays"):
        CropBatches([np.zeros((32, 32, 3))], 1, 4, 16)
    with pytest.raises(ValueError, match="do not fill one batch"):
        CropBatches([], 1, 4, 16)
