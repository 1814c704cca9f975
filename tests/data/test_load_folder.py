import numpy as np
import pytest
from PIL import Image

from keras_gans import data


def _only(folder, **options):
    images, _ = data.load(folder, **options)
    assert len(images) == 1
    return images[0]


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "png", "bmp", "gif", "webp"])
def test_formats(write_picture, tmp_path, suffix):
    write_picture(f"a.{suffix}", (200, 40, 90), "RGB")
    image = _only(tmp_path, color_mode="rgb")
    assert image.shape == (4, 6, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - (200, 40, 90)).max() < 8


def test_a_gif_gives_its_first_frame(tmp_path):
    frames = [Image.new("L", (6, 4), color) for color in (50, 150, 250)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.unique(_only(tmp_path)).tolist() == [50]


def test_sub_folders_are_classes_in_sorted_order(write_picture, tmp_path):
    write_picture("zebra/1.png", 30)
    write_picture("ant/deep/er/2.png", 20)
    write_picture("ant/1.png", 10)
    (tmp_path / "nothing").mkdir()
    images, labels = data.load(tmp_path)
    assert images[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert labels.tolist() == [0, 0, 1] and labels.dtype == np.int64
    assert data.class_names(tmp_path) == ("ant", "zebra")


def test_a_flat_folder_has_no_labels(write_picture, tmp_path):
    for color in (3, 1, 2):
        write_picture(f"{color}.png", color)
    images, labels = data.load(tmp_path, split="all")
    assert images[:, 0, 0, 0].tolist() == [1, 2, 3] and labels is None
    assert data.class_names(tmp_path) is None
    with pytest.raises(ValueError, match=r"has the splits \['train'\], got 'test'"):
        data.load(tmp_path, split="test")


def test_split_folders_share_one_list_of_classes(write_picture, tmp_path):
    write_picture("train/a/1.png", 1)
    write_picture("train/c/1.png", 3)
    write_picture("test/b/1.png", 2)
    write_picture("test/c/1.png", 4)
    assert data.load(tmp_path)[1].tolist() == [0, 2]
    images, labels = data.load(tmp_path, split="test")
    assert labels.tolist() == [1, 2] and images[:, 0, 0, 0].tolist() == [2, 4]
    assert data.load(tmp_path, split="all")[1].tolist() == [0, 2, 1, 2]
    with pytest.raises(ValueError, match=r"\['train', 'test'\], got 'val'"):
        data.load(tmp_path, split="val")


def test_pictures_beside_class_folders_are_refused(write_picture, tmp_path):
    write_picture("a/1.png")
    write_picture("1.png")
    with pytest.raises(ValueError, match="beside and inside"):
        data.load(tmp_path)


def test_hidden_and_other_files_are_ignored(write_picture, tmp_path):
    write_picture("seen.png", 5)
    write_picture(".hidden.png", 6)
    write_picture(".git/c.png", 7)
    (tmp_path / "labels.csv").write_text("x")
    (tmp_path / "folder.png").mkdir()
    images, labels = data.load(tmp_path)
    assert np.unique(images).tolist() == [5] and labels is None


def test_an_empty_folder_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="holds no pictures"):
        data.load(tmp_path)


def test_links_must_not_leave_the_folder(write_picture, tmp_path):
    outside = write_picture("outside/x.png")
    for number, target in enumerate((outside, outside.parent)):
        write_picture(f"in{number}/a/1.png")
        link = tmp_path / f"in{number}" / "a" / "link.png"
        link.symlink_to(target)
        with pytest.raises(ValueError, match="link.png is a symbolic link that leaves"):
            data.load(tmp_path / f"in{number}")
    root = tmp_path / "root"
    write_picture("root/b/1.png")
    (root / "classes").symlink_to(outside.parent)
    with pytest.raises(ValueError, match="classes is a symbolic link that leaves"):
        data.load(root)


def test_links_inside_the_folder_are_followed_but_not_in_circles(
    write_picture, tmp_path
):
    write_picture("root/a/1.png", 1)
    (tmp_path / "root" / "a" / "2.png").symlink_to("1.png")
    (tmp_path / "alias").symlink_to("root")  # the folder itself may be a link
    assert len(data.load(tmp_path / "alias")[0]) == 2
    (tmp_path / "root" / "a" / "up").symlink_to("..")
    with pytest.raises(ValueError, match="folder that contains it"):
        data.load(tmp_path / "root")


def test_grey_only_if_all_are_grey(write_picture, tmp_path):
    write_picture("a.png", 100)
    write_picture("b.png", 1, "1")
    write_picture("c.png", (50, 255), "LA")
    images, _ = data.load(tmp_path)
    assert images.shape == (3, 4, 6, 1)
    assert images[:, 0, 0, 0].tolist() == [100, 255, 50]
    assert data.load(tmp_path, color_mode="rgb")[0].shape == (3, 4, 6, 3)
    write_picture("d.png", (255, 0, 0), "RGB")
    images, _ = data.load(tmp_path)
    assert images.shape == (4, 4, 6, 3)
    assert images[3, 0, 0].tolist() == [255, 0, 0]
    grey, _ = data.load(tmp_path, color_mode="grey")
    assert grey[:, 0, 0, 0].tolist() == [100, 255, 50, 76]


def test_transparency_lies_over_white(write_picture, tmp_path):
    write_picture("a.png", (255, 0, 0, 0), "RGBA")
    write_picture("b.png", (255, 0, 0, 255), "RGBA")
    write_picture("c.png", (0, 0, 0, 51), "RGBA")
    images, _ = data.load(tmp_path)
    assert images[:, 0, 0].tolist() == [[255] * 3, [255, 0, 0], [204] * 3]


def test_palettes_are_looked_up(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    picture.save(tmp_path / "a.png")
    assert _only(tmp_path).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    picture.save(tmp_path / "a.png", transparency=0)
    assert _only(tmp_path).tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.array([[0, 257, 128 * 257, 65535]], "uint16")
    Image.fromarray(values).save(tmp_path / "a.png")
    assert _only(tmp_path)[..., 0].tolist() == [[0, 1, 128, 255]]


def test_cmyk(write_picture, tmp_path):
    write_picture("a.jpg", (0, 255, 255, 0), "CMYK")
    red = _only(tmp_path)[0, 0].astype(int)
    assert red[0] > 240 and red[1] < 15 and red[2] < 15


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_orientation_is_applied(tmp_path, suffix):
    picture = Image.new("L", (16, 8))
    picture.paste(255, (0, 0, 8, 8))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned a quarter clockwise
    picture.save(tmp_path / f"a.{suffix}", exif=exif)
    image = _only(tmp_path, color_mode="grey")
    assert image.shape == (16, 8, 1)
    assert image[:7].min() > 240 and image[9:].max() < 15


def test_mixed_sizes_are_listed_and_image_size_mends_them(write_picture, tmp_path):
    for number in range(3):
        write_picture(f"{number}.png", 9, size=(6, 4))
    write_picture("x.png", 9, size=(5, 10))
    with pytest.raises(ValueError, match=r"2 sizes.*4x6 \(3\), 10x5 \(1\).*image_size"):
        data.load(tmp_path)
    images, _ = data.load(tmp_path, image_size=(2, 3))
    assert images.shape == (4, 2, 3, 1) and np.unique(images).tolist() == [9]


def test_resize_keeps_the_centre(tmp_path):
    pixels = np.zeros((4, 12), "uint8")
    pixels[:, 4:8] = 200
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.unique(_only(tmp_path, image_size=4)).tolist() == [200]
    mixed = _only(tmp_path, image_size=(2, 6), antialias=False)
    assert set(np.unique(mixed)) == {0, 200}


def test_progress_is_silent_when_not_on_a_terminal(
    write_picture, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr("keras_gans.data.picture_files._MANY", 1)
    for number in range(3):
        write_picture(f"{number}.png")
    data.load(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(write_picture, tmp_path, monkeypatch, capsys):
    for number in range(3):
        write_picture(f"{number}.png")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    data.load(tmp_path)
    assert capsys.readouterr().err == ""  # three files need no bar
    monkeypatch.setattr("keras_gans.data.picture_files._MANY", 1)
    data.load(tmp_path)
    assert "3/3" in capsys.readouterr().err
