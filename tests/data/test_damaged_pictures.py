import numpy as np
import pytest
from PIL import Image

from keras_gans import data


@pytest.fixture
def damaged(write_picture, truncated_jpeg, tmp_path):
    """Two sound pictures and four damaged ones, in two classes."""
    write_picture("a/sound.png", (1, 1, 1), "RGB", (64, 64))
    write_picture("b/sound.png", (2, 2, 2), "RGB", (64, 64))
    truncated_jpeg("a/truncated.jpg")
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "a" / "text.png").write_text("this is no picture")
    (tmp_path / "b" / "broken.gif").symlink_to("gone.gif")
    return tmp_path


NAMES = ("a/truncated.jpg", "a/empty.png", "a/text.png", "b/broken.gif")


def test_damaged_files_are_all_listed(damaged):
    with pytest.raises(ValueError, match="4 of 6 pictures") as caught:
        data.load(damaged)
    for name in NAMES:
        assert name in str(caught.value)
    assert "empty.png (empty file)" in str(caught.value)
    assert "text.png (not a picture)" in str(caught.value)
    assert "broken.gif (no such file)" in str(caught.value)
    assert "on_damaged='skip'" in str(caught.value)


def test_skip_keeps_the_sound_ones_with_their_labels(damaged):
    with pytest.warns(UserWarning, match="4 of 6") as caught:
        images, labels = data.load(damaged, on_damaged="skip")
    assert images[:, 0, 0, 0].tolist() == [1, 2] and labels.tolist() == [0, 1]
    assert len(caught) == 1 and caught[0].filename == __file__
    for name in NAMES:
        assert name in str(caught[0].message)


def test_long_lists_are_cut_after_five(write_picture, tmp_path):
    write_picture("sound.png")
    for number in range(8):
        (tmp_path / f"bad{number}.png").write_bytes(b"")
    with pytest.raises(ValueError, match="8 of 9.* and 3 more") as caught:
        data.load(tmp_path)
    assert "bad4.png" in str(caught.value) and "bad5.png" not in str(caught.value)


@pytest.mark.parametrize("on_damaged", ["raise", "skip"])
def test_nothing_sound_is_an_error_either_way(tmp_path, on_damaged):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="1 of 1 pictures"):
        data.load(tmp_path, on_damaged=on_damaged)


def test_every_truncation_is_noticed(tmp_path):
    for suffix in ("jpg", "png", "bmp", "gif", "webp"):
        path = tmp_path / f"a.{suffix}"
        noise = np.random.RandomState(0).randint(0, 256, (32, 32, 3)).astype("uint8")
        Image.fromarray(noise).save(path)
        whole = path.read_bytes()
        for length in range(1, len(whole) - 64, 97):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=f"a.{suffix}"):
                data.load(tmp_path)
        path.unlink()


def test_unknown_choice_is_refused(write_picture, tmp_path):
    write_picture("a.png")
    with pytest.raises(ValueError, match="'ignore'"):
        data.load(tmp_path, on_damaged="ignore")
