"""Maps of numbers in files, and the pictures beside them."""

import numpy as np
import pytest
from PIL import Image

from keras_gans.data import load_label_maps


@pytest.fixture
def streets(tmp_path):
    """Three maps of 8x8, instances beyond 255, and photographs twice as large."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (3, 8, 8)).astype("uint8")
    instances = random.integers(0, 3000, (3, 8, 8)).astype("uint16")
    images = random.integers(0, 256, (3, 16, 16, 3)).astype("uint8")
    folder = tmp_path / "streets"
    for kind, arrays in zip(
        ("label", "inst", "img"), (labels, instances, images), strict=True
    ):
        for split, rows in (("train", slice(2)), ("test", slice(2, 3))):
            (folder / f"{split}_{kind}").mkdir(parents=True)
            for i, array in enumerate(arrays[rows]):
                name = folder / f"{split}_{kind}" / f"{i}.png"
                Image.fromarray(array).save(name)
    return folder, labels, instances, images


def test_numbers_are_read_as_they_are(streets):
    folder, labels, instances, images = streets
    found = load_label_maps(str(folder), image_size=8)
    np.testing.assert_array_equal(found[0], labels[:2])
    np.testing.assert_array_equal(found[1], instances[:2])
    assert found[0].dtype == found[1].dtype == np.int32
    assert found[2].shape == (2, 8, 8, 3) and found[2].dtype == np.uint8
    # At the photographs' size each number fills four pixels, and no new one appears.
    labels_now, _, images_now = load_label_maps(str(folder), "all")
    np.testing.assert_array_equal(labels_now[:, ::2, ::2], labels)
    np.testing.assert_array_equal(labels_now[:, 1::2, 1::2], labels)
    np.testing.assert_array_equal(images_now, images)


def test_indices_of_a_palette_are_classes(streets):
    folder, labels, *_ = streets
    path = folder / "train_label" / "0.png"
    picture = Image.fromarray(labels[0], "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture.save(path)
    found = load_label_maps(str(folder), image_size=8)[0]
    np.testing.assert_array_equal(found[0], labels[0])


def test_instances_may_be_absent(streets):
    folder = streets[0]
    for split in ("train", "test"):
        (folder / f"{split}_inst").rename(folder / f"{split}_else")
    assert load_label_maps(str(folder))[1] is None


def test_what_is_no_map_is_named(streets):
    folder = streets[0]
    Image.new("RGB", (8, 8)).save(folder / "train_label" / "1.png")
    with pytest.raises(ValueError, match=r"1\.png: PNG of mode RGB; maps of numbers"):
        load_label_maps(str(folder))
    Image.new("L", (8, 4)).save(folder / "train_label" / "1.png")
    with pytest.raises(ValueError, match="different proportions"):
        load_label_maps(str(folder))
    (folder / "train_label" / "1.png").unlink()
    with pytest.raises(ValueError, match="1 of .* no counterpart"):
        load_label_maps(str(folder))
    with pytest.raises(ValueError, match="has the splits"):
        load_label_maps(str(folder), "val")
    with pytest.raises(ValueError, match="holds no label maps"):
        load_label_maps(str(folder / "train_img"))
