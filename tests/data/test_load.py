import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_gans import data


def _save(path, value, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = np.full((2, 3, 3, 1), value, "uint8")
    np.savez(path, train_images=images, train_labels=np.arange(2), **more)


def test_digits_are_the_scans():
    images, labels = data.load("digits", split="all", image_size=8)
    scans = load_digits()
    assert images.shape == (1797, 8, 8, 1) and images.dtype == np.uint8
    assert labels.dtype == np.int64
    expected = np.rint(scans.images * 255 / 16)
    np.testing.assert_array_equal(images[..., 0], expected)
    np.testing.assert_array_equal(labels, scans.target)
    assert images.max() == 255


def test_digits_grow_smoothly_to_32():
    images, _ = data.load("digits", split="test")
    small, _ = data.load("digits", split="test", image_size=8)
    assert images.shape == (360, 32, 32, 1) and images.dtype == np.uint8
    blocks = images.reshape(360, 8, 4, 8, 4).mean((2, 4))
    assert np.corrcoef(blocks.ravel(), small.ravel())[0, 1] > 0.98
    assert len(np.unique(images)) > 200  # a nearest-pixel enlargement has 17 values


def test_digits_splits_do_not_overlap_and_are_complete():
    parts = [data.load("digits", split=s) for s in ("train", "test")]
    whole = data.load("digits", split="all")
    for k in (0, 1):
        together = np.concatenate([part[k] for part in parts])
        np.testing.assert_array_equal(together, whole[k])
    assert set(parts[1][1]) == set(range(10))
    with pytest.raises(ValueError, match="'train', 'test', 'all'"):
        data.load("digits", split="validation")


def test_digits_in_colour_and_other_shapes():
    images, _ = data.load("digits", image_size=(16, 8), color_mode="rgb")
    assert images.shape == (1437, 16, 8, 3)
    np.testing.assert_array_equal(images[..., 0], images[..., 2])
    assert data.class_names("digits") == tuple("0123456789")


def test_bad_arguments_are_refused():
    for name in (None, 3, ""):
        with pytest.raises(ValueError, match="name or path"):
            data.load(name)
    with pytest.raises(ValueError, match="color_mode"):
        data.load("digits", color_mode="gray")
    with pytest.raises(ValueError, match="image_size"):
        data.load("digits", image_size=-1)


def test_data_folder_is_looked_up_by_name(tmp_path, monkeypatch, write_picture):
    _save(tmp_path / "stars.npz", 7, class_names=["far", "near"])
    write_picture("moons/full/a.png", 9)
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path))
    images, labels = data.load("stars")
    assert images.max() == 7 and labels.tolist() == [0, 1]
    assert data.class_names("stars") == ("far", "near")
    images, labels = data.load("moons")
    assert images.max() == 9 and labels.tolist() == [0]
    assert data.class_names("moons") == ("full",)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_name_cannot_climb_out_of_the_data_folder(tmp_path, monkeypatch, absolute):
    _save(tmp_path / "secret.npz", 1)
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setenv("KERAS_GANS_DATA", str(inside))
    name = str(tmp_path / "secret") if absolute else "../secret"
    with pytest.raises(ValueError, match="climb out of KERAS_GANS_DATA"):
        data.load(name)
    with pytest.raises(ValueError, match="climb out"):
        data.load("x/../../secret")


def test_a_path_wins_over_the_data_folder(tmp_path, monkeypatch):
    _save(tmp_path / "named" / "stars.npz", 1)
    _save(tmp_path / "mine" / "stars.npz", 2)
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path / "named"))
    assert data.load("stars")[0].max() == 1
    assert data.load(tmp_path / "mine" / "stars.npz")[0].max() == 2
    assert data.load(str(tmp_path / "mine" / "stars.npz"))[0].max() == 2


def test_data_folder_must_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="KERAS_GANS_DATA=.*gone"):
        data.load("mnist")


def test_missing_paths_are_not_asked_of_tfds(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    for name in (tmp_path / "gone", str(tmp_path / "gone"), "./gone", "gone.npz"):
        with pytest.raises(FileNotFoundError, match="no folder or file"):
            data.load(name)
    other = tmp_path / "notes.txt"
    other.write_text("x")
    with pytest.raises(ValueError, match="neither a folder"):
        data.load(other)


def test_without_tfds_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    _save(tmp_path / "fashion_mnist.npz", 1)
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path))
    with pytest.raises(ImportError) as caught:
        data.load("fashion_mnits")
    for part in (
        "pip install tensorflow-datasets",
        "KERAS_GANS_DATA",
        "Did you mean 'fashion_mnist'",
    ):
        assert part in str(caught.value)
