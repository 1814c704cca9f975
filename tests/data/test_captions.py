"""Pictures with captions: drawn shapes, folders, archives, and names of classes."""

import numpy as np
import pytest

from keras_gans import data
from keras_gans.data import captioned_shapes, captions


def test_shapes_are_what_their_captions_say():
    images, texts, found = data.load_captioned_shapes(60, seed=3)
    assert images.shape == (60, 32, 32, 3) and images.dtype == np.uint8
    values = captioned_shapes.ATTRIBUTES
    for image, text, *row in zip(images, texts, *found.values(), strict=True):
        words = {n: values[n][i] for n, i in zip(values, row, strict=True)}
        assert text == "a {size} {color} {shape} in the {position}".format(**words)
        inside = np.abs(image.astype(int) - 60).max(axis=-1) > 30
        y, x = np.argwhere(inside).mean(axis=0)
        vertical, horizontal = words["position"].split()
        assert (y < 16) == (vertical == "top") and (x < 16) == (horizontal == "left")
        assert (inside.sum() > 75) == (words["size"] == "large")
        middle = image[round(y), round(x)]
        np.testing.assert_array_equal(middle, captioned_shapes._COLORS[words["color"]])
        # Circles fill pi/4 of their box, squares all of it, triangles half.
        box = np.ptp(np.argwhere(inside), axis=0) + 1
        share = inside.sum() / box.prod()
        kind = {"square": share > 0.93, "triangle": share < 0.7}
        assert kind.get(words["shape"], 0.7 < share < 0.93)


def test_shapes_follow_from_their_seed_and_size():
    first = data.load_captioned_shapes(5, seed=1)
    again, other = (data.load_captioned_shapes(5, seed=s) for s in (1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[1] != other[1]).any()
    large = data.load_captioned_shapes(5, size=64, seed=1)
    assert large[0].shape == (5, 64, 64, 3) and (large[1] == first[1]).all()
    halved = large[0].reshape(5, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(halved - first[0]).max() < 30


def test_shapes_have_parts(monkeypatch):
    monkeypatch.setattr(captions, "_SHAPES", {"train": (6, 0), "test": (4, 1)})
    train, test, both = (
        data.load_captioned("captioned_shapes", split=s)
        for s in ("train", "test", "all")
    )
    assert len(train.images) == 6 and test.captions.shape == (4, 1)
    assert len(both.labels) == 10
    distinct = {
        int(n): str(t) for n, t in zip(both.labels, both.captions[:, 0], strict=True)
    }
    assert len(set(distinct.values())) == len(distinct)
    with pytest.raises(ValueError, match="no split 'val'"):
        data.load_captioned("captioned_shapes", split="val")
    with pytest.raises(ValueError, match="are squares"):
        data.load_captioned("captioned_shapes", image_size=(8, 16))


def test_a_folder_with_texts(write_picture, tmp_path):
    for name, lines in (("a", "one\n\n two \n"), ("b", "\ufeffdrei"), ("c", "x\ny\nz")):
        write_picture(f"{name}.png")
        (tmp_path / f"{name}.txt").write_text(lines, "utf-8")
    found = data.load_captioned(tmp_path)
    assert found.images.shape == (3, 4, 6, 1) and found.labels is None
    expected = [["one", "two", "one"], ["drei"] * 3, ["x", "y", "z"]]
    assert found.captions.tolist() == expected


def test_a_folder_of_classes(write_picture, tmp_path):
    for name in ("cat/a.png", "cat/b.png", "dog/a.png"):
        write_picture(name)
    found = data.load_captioned(tmp_path)
    assert found.captions.tolist() == [["cat"], ["cat"], ["dog"]]
    assert found.labels.tolist() == [0, 0, 1]
    for name in ("cat/a", "cat/b", "dog/a"):
        (tmp_path / f"{name}.txt").write_text(f"this is {name}")
    found = data.load_captioned(tmp_path)
    assert found.captions[0, 0] == "this is cat/a" and found.labels.tolist() == [
        0,
        0,
        1,
    ]
    (tmp_path / "cat" / "b.txt").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 pictures .* cat/b.txt"):
        data.load_captioned(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\n \n", "a.txt is empty"),
        (b"\xff\xfe\x00", "a.txt is no text in UTF-8"),
        (b"x" * 70_000, "a.txt is larger than 64 kB"),
    ],
)
def test_files_that_are_no_captions(write_picture, tmp_path, text, message):
    write_picture("a.png")
    (tmp_path / "a.txt").write_bytes(text)
    with pytest.raises(ValueError, match=message):
        data.load_captioned(tmp_path)


def test_pictures_without_captions(write_picture, tmp_path):
    write_picture("a.png")
    with pytest.raises(ValueError, match=r"1 of 1 pictures .* have no captions"):
        data.load_captioned(tmp_path)


IMAGES = np.arange(4 * 4 * 4 * 3, dtype="uint8").reshape(4, 4, 4, 3)


def test_archives(tmp_path):
    path, texts = tmp_path / "set.npz", np.array(["a", "b c", "d"])
    parts = {"train_images": IMAGES[:3], "test_images": IMAGES[3:]}
    np.savez(path, **parts, train_captions=texts, test_captions=np.array(["e"]))
    train, test, both = (data.load_captioned(path, s) for s in ("train", "test", "all"))
    assert train.captions.tolist() == [["a"], ["b c"], ["d"]]
    assert test.captions.tolist() == [["e"]] and train.labels is None
    assert both.captions[:, 0].tolist() == ["a", "b c", "d", "e"]
    np.savez(path, images=IMAGES, captions=np.array([["ä".encode(), b"y"]] * 4))
    assert data.load_captioned(path).captions.tolist() == [["ä", "y"]] * 4
    np.savez(path, images=IMAGES, labels=[0, 1, 0, 1], class_names=["cat", "dog"])
    found = data.load_captioned(path)
    assert found.captions[:, 0].tolist() == ["cat", "dog", "cat", "dog"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"captions": np.zeros(4)}, "captions are float64"),
        ({"captions": np.array(["a"] * 3)}, "4 images and captions of 3"),
        ({}, "has no captions: write those of a.png to a.txt"),
    ],
)
def test_other_archives_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "set.npz", images=IMAGES, **arrays)
    with pytest.raises(ValueError, match=message):
        data.load_captioned(tmp_path / "set.npz")


def test_names_of_digits():
    found = data.load_captioned("digits", split="test")
    names = data.class_names("digits")
    assert [str(c) for c in found.captions[:5, 0]] == [
        names[n] for n in found.labels[:5]
    ]
