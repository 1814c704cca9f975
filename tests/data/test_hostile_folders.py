"""A folder from a stranger: nothing waits, nothing leaves it, nothing fills memory."""

import io
import os
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_gans import data
from keras_gans.data import decoding, picture_files


def png(width, height, raw=b""):
    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["pipe.png", "socket.png"])
def test_pipes_and_sockets_are_not_waited_for(write_picture, tmp_path, name):
    write_picture("sound.png")
    if name == "pipe.png":
        os.mkfifo(tmp_path / name)
    else:
        os.mknod(tmp_path / name, 0o140644)
    with pytest.raises(ValueError, match=f"{name} .no regular file"):
        data.load(tmp_path)
    with pytest.warns(UserWarning, match=name):
        assert len(data.load(tmp_path, on_damaged="skip")[0]) == 1


def test_pictures_of_very_many_pixels_are_refused_by_their_header(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png(7100, 7100))
    began = time.process_time()
    with pytest.raises(ValueError, match=r"bomb\.png \(7100x7100 pixels, more than 5"):
        data.load(tmp_path, image_size=8)
    (tmp_path / "bomb.png").write_bytes(png(2**31 - 1, 2**31 - 1))
    with pytest.raises(ValueError, match=r"bomb\.png"):
        data.load(tmp_path, image_size=8)
    assert time.process_time() - began < 2


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path):
    content = io.BytesIO()
    Image.new("L", (64, 64), 128).save(content, "jpeg", progressive=True)
    whole = content.getvalue()
    last = whole[whole.rindex(b"\xff\xda") : -2]
    for scans, sound in ((50, True), (100, False)):
        (tmp_path / "a.jpg").write_bytes(whole[:-2] + last * scans + whole[-2:])
        if sound:
            assert data.load(tmp_path)[0].shape == (1, 64, 64, 1)
    with pytest.raises(ValueError, match=r"a\.jpg \(a JPEG of more than 100 scans"):
        data.load(tmp_path)


def test_a_folder_that_fits_into_no_memory_is_one_error(write_picture, tmp_path):
    write_picture("a.png")
    with pytest.raises(ValueError, match=f"{tmp_path} do not fit.*image_size"):
        picture_files.room_for((10**9, 10**9, 3), tmp_path)


def test_large_pictures_share_the_room(tmp_path, monkeypatch):
    """However many threads there are, their pictures fit into it together."""
    for number in range(6):
        Image.new("L", (20, 20), number).save(tmp_path / f"{number}.png")
    now, most, lock = [0], [0], threading.Lock()
    decode = decoding._decoded

    def counted(picture, color_mode):
        with lock:
            now[0] += 1
            most[0] = max(now[0], most[0])
        time.sleep(0.02)
        try:
            return decode(picture, color_mode)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(decoding, "_decoded", counted)
    monkeypatch.setattr(decoding, "_ROOM", decoding._Room(800))
    monkeypatch.setattr(decoding, "_FEW_PIXELS", 10)
    images, _ = data.load(tmp_path)
    assert images[:, 0, 0, 0].tolist() == list(range(6))
    assert most[0] == 2


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "I;16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_bands_and_turns_are_what_pillow_makes_of_the_whole(
    tmp_path, monkeypatch, mode, orientation
):
    noise = np.random.RandomState(0).randint(0, 256, (9, 14, 4)).astype("uint8")
    picture = Image.fromarray(noise[..., :3])
    if mode == "RGBA":
        picture = Image.fromarray(noise)
    elif mode == "I;16":
        picture = Image.fromarray(noise[..., 0].astype("uint16") * 257)
    else:
        picture = picture.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    whole, _ = data.load(tmp_path, color_mode="rgb")
    monkeypatch.setattr(decoding, "_FEW_PIXELS", 30)  # bands of two rows
    banded, _ = data.load(tmp_path, color_mode="rgb")
    np.testing.assert_array_equal(banded, whole)
    if mode in ("L", "RGB", "P"):
        from PIL import ImageOps

        with Image.open(tmp_path / "a.png") as again:
            expected = np.asarray(ImageOps.exif_transpose(again).convert("RGB"))
        np.testing.assert_array_equal(banded[0], expected)


def test_links_in_circles_and_to_devices_are_named(write_picture, tmp_path):
    for name, goal, message in [
        ("self.png", "self.png", "leads nowhere"),
        ("zero.png", "/dev/zero", "leaves"),
        ("out", "/", "leaves"),
    ]:
        folder = tmp_path / name
        write_picture(f"{name}/a/sound.png")
        (folder / "a" / name).symlink_to(goal)
        with pytest.raises(
            ValueError, match=f"a/{name} is a symbolic link that {message}"
        ):
            data.load(folder)


def test_ways_do_not_multiply(write_picture, tmp_path):
    # Thirty levels of two links each: a billion ways to one picture.
    write_picture("30/sound.png")
    for level in range(30):
        (tmp_path / f"{level}").mkdir()
        for way in "xy":
            (tmp_path / f"{level}" / way).symlink_to(f"../{level + 1}")
    with pytest.raises(ValueError, match="another link led to"):
        data.load(tmp_path)


def test_very_deep_folders_are_refused(write_picture, tmp_path):
    write_picture("/".join("d" * 60) + "/sound.png")
    assert len(data.load(tmp_path)[0]) == 1
    write_picture("/".join("d" * 120) + "/sound.png")
    with pytest.raises(ValueError, match="nested deeper than 100 folders"):
        data.load(tmp_path)


def test_names_are_shown_without_control_characters(tmp_path):
    (tmp_path / "a\n\x1b[2J.png").write_bytes(b"")
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as file:
        file.write(b"")
    with pytest.raises(
        ValueError, match=r"'a\\n\\x1b\[2J\.png' \(empty file\)"
    ) as caught:
        data.load(tmp_path)
    assert str(caught.value).isprintable() and r"'\udcff.png'" in str(caught.value)


@pytest.mark.parametrize("name", ["~nobody_of_that_name/x", "x" * 300, "./a\0b"])
def test_names_that_no_file_can_have_are_not_found(name):
    with pytest.raises((FileNotFoundError, ValueError)):
        data.load(name)


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path):
    content = io.BytesIO()
    Image.new("RGB", (9, 9), (1, 2, 3)).save(content, "png")
    whole = content.getvalue()
    for at in range(len(whole)):
        flipped = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        (tmp_path / "a.png").write_bytes(flipped)
        try:
            images, _ = data.load(tmp_path, image_size=8)
        except ValueError as error:
            assert "a.png" in str(error)
        else:
            assert images.shape[:3] == (1, 8, 8)
