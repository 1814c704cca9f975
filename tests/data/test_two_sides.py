import numpy as np
import pytest

from keras_gans import data
from keras_gans.data.two_sides import archived_sides, side_folders

PICTURES = np.arange(4 * 5 * 6 * 3, dtype="uint8").reshape(4, 5, 6, 3)


def test_other_folders_have_no_sides(write_picture, tmp_path):
    write_picture("train/1.png")
    write_picture("A/1.png")  # without a B
    assert side_folders(tmp_path, "train") == []


def test_splits_in_their_own_order(write_picture, tmp_path):
    for name in ("valA", "valB", "testA", "testB", "trainA"):
        write_picture(f"{name}/1.png")
    found = side_folders(tmp_path, "all")
    assert [[path.name for path in part[:2]] for part in found] == [
        ["testA", "testB"],
        ["valA", "valB"],
    ]
    with pytest.raises(ValueError, match=r"splits \['test', 'val'\], got 'train'"):
        side_folders(tmp_path, "train")


def test_archives_without_sides_say_what_they_hold(tmp_path):
    np.savez(tmp_path / "set.npz", train_images=PICTURES, train_a=PICTURES)
    with pytest.raises(ValueError, match=r"two sides.*\['train_a', 'train_images'\]"):
        archived_sides(tmp_path / "set.npz", "train")
    np.savez(tmp_path / "set.npz", a=PICTURES, b=PICTURES / 255)
    with pytest.raises(ValueError, match="set.npz: b is float64"):
        archived_sides(tmp_path / "set.npz", "train")


def test_splits_win_over_the_whole(tmp_path):
    arrays = {"train_a": PICTURES[:1], "train_b": PICTURES[1:2]}
    np.savez(tmp_path / "set.npz", a=PICTURES, b=PICTURES, **arrays)
    [(a, b)] = archived_sides(tmp_path / "set.npz", "all")
    np.testing.assert_array_equal(a, PICTURES[:1])
    np.testing.assert_array_equal(b, PICTURES[1:2])


def test_splits_of_two_shapes_need_a_size(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(
        path,
        train_a=PICTURES,
        train_b=PICTURES,
        test_a=PICTURES[:, :4],
        test_b=PICTURES[:, :4],
    )
    for load in (data.load_pairs, data.load_unpaired):
        with pytest.raises(ValueError, match=r"\(5, 6, 3\), \(4, 6, 3\).*image_size"):
            load(path, "all")
        a, _ = load(path, "all", image_size=4)
        assert a.shape == (8, 4, 4, 3)
