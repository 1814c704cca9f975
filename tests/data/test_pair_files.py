import numpy as np
import pytest

from keras_gans import data
from keras_gans.data.pair_files import check_proportions


def _fill(write_picture, folder, names, **options):
    for index, name in enumerate(names):
        write_picture(f"{folder}/{name}.png", 10 * index, **options)


def test_counts_and_first_mismatches_come_in_one_error(write_picture, tmp_path):
    _fill(write_picture, "a", ["0", "1", "in/2", *(f"a{i}" for i in range(7))])
    _fill(write_picture, "b", ["0", "1", "2"])
    with pytest.raises(ValueError) as caught:
        data.load_pairs((tmp_path / "a", tmp_path / "b"))
    message = str(caught.value)
    assert "a has 10 pictures" in message and "b has 3" in message
    assert "8 of" in message and "(a0, a1, a2, a3, a4, ...)" in message
    assert "1 of" in message and "(2)" in message and "load_unpaired" in message


def test_mismatches_are_told_before_anything_is_read(write_picture, tmp_path):
    for folder, name in (("a", "1"), ("b", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.png").write_text("no picture")
    with pytest.raises(ValueError, match="counterpart"):
        data.load_pairs((tmp_path / "a", tmp_path / "b"))


def test_names_that_mean_two_files_are_refused(write_picture, tmp_path):
    write_picture("a/1.png")
    write_picture("a/1.bmp")
    write_picture("b/1.png")
    with pytest.raises(ValueError, match="1.bmp and .*1.png differ in their suffixes"):
        data.load_pairs((tmp_path / "a", tmp_path / "b"))


def test_odd_widths_are_refused_by_name(write_picture, tmp_path):
    write_picture("x/even.png", size=(6, 5))
    write_picture("x/odd.png", size=(7, 5))
    with pytest.raises(
        ValueError, match=r"1 of 2 pictures .* odd width.*x/odd.png \(7"
    ):
        data.load_pairs(tmp_path, image_size=4)


def test_one_damaged_picture_takes_its_pair_along(
    write_picture, truncated_jpeg, tmp_path
):
    for side in ("A", "B"):
        for index in range(4):
            write_picture(f"{side}/{index}.png", 10 * index, size=(64, 64))
    (tmp_path / "A" / "1.png").write_text("no picture")
    (tmp_path / "B" / "2.png").unlink()
    truncated_jpeg("B/2.jpg")
    message = r"2 of 4 .* A/1.png \(.*A/2.png \(its counterpart B/2.jpg: .*truncated"
    with pytest.raises(ValueError, match=message):
        data.load_pairs(tmp_path, color_mode="grey")
    with pytest.warns(UserWarning, match="B/2.jpg.*; skipped"):
        a, b = data.load_pairs(tmp_path, color_mode="grey", on_damaged="skip")
    for side in (a, b):
        assert side[:, 0, 0, 0].tolist() == [0, 30]


def test_damage_side_by_side(write_picture, truncated_jpeg, tmp_path):
    write_picture("x/1.png", 10, size=(64, 32))
    truncated_jpeg("x/2.jpg", size=(64, 32))
    with pytest.raises(ValueError, match=r"1 of 2 .* x/2.jpg"):
        data.load_pairs(tmp_path)
    with pytest.warns(UserWarning, match="x/2.jpg.*; skipped"):
        a, b = data.load_pairs(tmp_path, on_damaged="skip", color_mode="grey")
    assert a.shape == b.shape == (1, 32, 32, 1) and a.min() == a.max() == 10


def test_sides_keep_their_own_colours(write_picture, tmp_path):
    write_picture("A/1.png", 7)
    write_picture("B/1.png", (1, 2, 3), "RGB")
    a, b = data.load_pairs(tmp_path)
    assert a.shape[-1] == 1 and b.shape[-1] == 3


def test_pairs_of_several_sizes_need_one(write_picture, tmp_path):
    for side in ("A", "B"):
        write_picture(f"{side}/1.png", size=(6, 4))
        write_picture(f"{side}/2.png", size=(9, 6))
    with pytest.raises(ValueError, match="2 sizes.*image_size"):
        data.load_pairs(tmp_path)
    a, b = data.load_pairs(tmp_path, image_size=4)
    assert a.shape == b.shape == (2, 4, 4, 1)


def test_pictures_that_do_not_lie_upon_each_other_are_refused(write_picture, tmp_path):
    write_picture("A/1.png", size=(60, 40))
    write_picture("B/1.png", size=(60, 44))
    with pytest.raises(ValueError, match="1.png is no pair: 40x60 and 44x60"):
        data.load_pairs(tmp_path, image_size=32)
    write_picture("B/1.png", size=(30, 20))
    a, b = data.load_pairs(tmp_path)
    assert a.shape[1:3] == (40, 60) and b.shape[1:3] == (20, 30)


ROUNDED = [(100, 151), (101, 150), (101, 151), (25, 37), (400, 603)]


@pytest.mark.parametrize("a", ROUNDED)
def test_rounded_sides_are_pairs(a):
    check_proportions(a, (100, 150), "It")
    check_proportions((100, 150), a, "It")


@pytest.mark.parametrize("a", [(100, 153), (150, 100), (50, 79), (400, 610)])
def test_other_proportions_are_none(a):
    with pytest.raises(ValueError, match="It is no pair: .*different proportions"):
        check_proportions(a, (100, 150), "It")
    with pytest.raises(ValueError, match="It is no pair"):
        check_proportions((100, 150), a, "It")


def test_links_may_not_leave_the_folder(write_picture, tmp_path):
    write_picture("else/1.png")
    write_picture("x/B/1.png")
    (tmp_path / "x" / "A").symlink_to(tmp_path / "else")
    with pytest.raises(ValueError, match="symbolic link that leaves"):
        data.load_pairs(tmp_path / "x")


def test_halves_are_their_own_memory_order(write_picture, tmp_path):
    write_picture("1.png", 3, size=(8, 4))
    a, _ = data.load_pairs(tmp_path)
    assert a[0].flags["C_CONTIGUOUS"] and np.unique(a).tolist() == [3]
