import numpy as np
import pytest

from keras_gans.data import Hole, Mosaic
from keras_gans.data.degraded_regions import draw_box

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 37, 50, 3)).astype("uint8")


def _spoilt(kind, images=IMAGES, seed=0):
    return kind(images, np.random.RandomState(seed))


def _box(mask):
    rows, columns = (
        np.flatnonzero(mask.any(axis=(1, 2))),
        np.flatnonzero(mask.any((0, 2))),
    )
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    assert (mask[box] == 255).all()
    return box


@pytest.mark.parametrize("kind", [Mosaic(), Mosaic(8), Hole(), Hole(0)])
def test_outside_the_mask_nothing_changes(kind):
    degraded, mask = _spoilt(kind)
    outside = np.broadcast_to(mask == 0, IMAGES.shape)
    np.testing.assert_array_equal(degraded[outside], IMAGES[outside])
    assert (degraded != IMAGES).any(axis=(1, 2, 3)).all()


def test_boxes_cover_a_tenth_to_six_tenths_and_reach_everywhere():
    random = np.random.RandomState(0)
    image = np.zeros((60, 90, 1), "uint8")
    boxes = [draw_box(image, random) for _ in range(2000)]
    covered, areas, shapes = np.zeros((60, 90)), [], []
    for box in boxes:
        covered[box] += 1
        height, width = covered[box].shape
        areas.append(height * width / 5400)
        shapes.append(height / width * 1.5)
    assert 0.09 < min(areas) < 0.12 and 0.57 < max(areas) < 0.61
    assert 0.33 < np.mean(areas) < 0.37
    assert 0.45 < min(shapes) < 0.6 and 1.7 < max(shapes) < 2.1
    assert covered.min() > 0
    assert max(box[0].stop for box in boxes) == 60
    assert max(box[1].stop for box in boxes) == 90


def test_a_box_has_a_pixel_even_of_a_tiny_image():
    random, image = np.random.RandomState(0), np.zeros((1, 2, 1))
    for _ in range(50):
        rows, columns = draw_box(image, random)
        assert rows == slice(0, 1) and 0 <= columns.start < columns.stop <= 2


def test_the_boxes_are_frozen():
    # These numbers may never change: runs in progress resume with them.
    box = draw_box(np.zeros((64, 64, 3)), np.random.RandomState(5))
    assert box == (slice(5, 43), slice(38, 61))


@pytest.mark.parametrize("block", [1, 4, 7, 64])
@pytest.mark.parametrize("region", ["box", "all"])
def test_a_mosaic_holds_the_means_of_its_blocks(block, region):
    degraded, mask = _spoilt(Mosaic(block, region))
    for image, spoilt, one_mask in zip(IMAGES, degraded, mask, strict=True):
        box = _box(one_mask)
        old, new = image[box], spoilt[box]
        for top in range(0, len(old), block):
            for left in range(0, old.shape[1], block):
                cell = slice(top, top + block), slice(left, left + block)
                mean = np.rint(old[cell].mean(axis=(0, 1)))
                assert (new[cell] == mean).all()


def test_a_mosaic_of_single_pixels_is_the_identity():
    np.testing.assert_array_equal(_spoilt(Mosaic(1))[0], IMAGES)


@pytest.mark.parametrize("region", ["box", "all"])
def test_a_second_equal_mosaic_changes_nothing(region):
    once, _ = _spoilt(Mosaic(8, region))
    twice, _ = _spoilt(Mosaic(8, region), once)
    np.testing.assert_array_equal(once, twice)


def test_everywhere_is_masked_everywhere():
    assert (_spoilt(Mosaic(8, "all"))[1] == 255).all()


def test_blocks_are_drawn_anew_for_each_image():
    flat = np.tile(np.arange(48, dtype="uint8")[None, None, :, None], (60, 48, 1, 1))
    degraded, _ = _spoilt(Mosaic((4, 8, 16), "all"), flat)
    widths = [48 // len(np.unique(image)) for image in degraded]
    counts = np.bincount(widths, minlength=17)
    assert counts[[4, 8, 16]].sum() == 60 and counts[[4, 8, 16]].min() > 8


@pytest.mark.parametrize("value", [128, 0, 255])
def test_a_hole_is_filled(value):
    degraded, mask = _spoilt(Hole(value))
    assert (degraded[np.broadcast_to(mask == 255, IMAGES.shape)] == value).all()
    assert (mask == 255).mean(axis=(1, 2, 3)).min() > 0.08
    assert Hole().value == 128
