"""What an archive claims must be what it holds; each refusal names file and array."""

import io
import os
import zipfile

import numpy as np
import pytest

from keras_gans import data
from keras_gans.data import archives


def header(shape, descr="|u1"):
    content = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(content, facts)
    return content.getvalue()


@pytest.fixture
def pack(tmp_path):
    """pack(raw) -> path of an archive that holds these bytes as its images."""

    def write(raw, method=zipfile.ZIP_DEFLATED, name="images.npy"):
        with zipfile.ZipFile(tmp_path / "set.npz", "w", method) as archive:
            archive.writestr(name, raw)
        return tmp_path / "set.npz"

    return write


@pytest.mark.parametrize(
    ("shape", "descr"),
    [
        ((10**6, 1024, 1024, 1), "|u1"),
        ((2**62, 2**62, 4, 1), "|u1"),
        ((-1, 8, 8, 1), "|u1"),
        ((1,), "|S1000000000"),
        ((2, 4, 4, 1), "<f8"),
    ],
)
def test_an_array_takes_the_bytes_it_says(pack, shape, descr):
    with pytest.raises(
        ValueError, match=r"set\.npz is damaged: 'images'.* takes .* has"
    ):
        data.load(pack(header(shape, descr) + b"\0" * 100))


def test_many_pictures_without_pixels_are_refused(pack):
    with pytest.raises(ValueError, match=r"set\.npz: images .* without pixels"):
        data.load(pack(header((10**12, 0, 0, 1))))
    with pytest.raises(ValueError, match=r"set\.npz: images is .*V0.* expected uint8"):
        data.load(pack(header((10**12, 8, 8, 1), "|V0")))


def test_what_is_packed_a_hundredfold_must_be_small(pack, monkeypatch):
    blank = header((100, 64, 64, 1)) + b"\0" * (100 * 64 * 64)
    assert data.load(pack(blank))[0].shape == (100, 64, 64, 1)
    monkeypatch.setattr(archives, "SMALL_BYTES", 1 << 18)
    with pytest.raises(ValueError, match=r"set\.npz: 'images' would unpack from \d+ b"):
        data.load(pack(blank))
    assert len(data.load(pack(blank, zipfile.ZIP_STORED))[0]) == 100


def test_a_directory_of_very_many_files_is_not_read(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for number in range(300):
            archive.writestr(f"a_rather_long_name_{number:08}.npy", b"")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 100)
    with pytest.raises(ValueError, match=r"set\.npz.*far too many files"):
        data.load(tmp_path / "set.npz")


@pytest.mark.parametrize(
    "head", [b"(" * 8000, b"\0" * 99, b"{'descr': 1}", b"\xff" * 50]
)
def test_headers_that_are_none_are_named(pack, head):
    magic = b"\x93NUMPY\2\0" + len(head).to_bytes(4, "little")
    with pytest.raises(ValueError, match=r"set\.npz is damaged: 'images'"):
        data.load(pack(magic + head))


def test_a_climbing_member_is_only_a_name(pack, tmp_path):
    path = pack(header((1, 8, 8, 1)) + b"\0" * 64, name="../../images.npy")
    with pytest.raises(ValueError, match=r"set\.npz has no images"):
        data.load(path)
    assert [p.name for p in tmp_path.iterdir()] == ["set.npz"]


def test_class_names_are_one_text_each(tmp_path):
    for names in (np.array(7), np.arange(3), np.array([["a"]])):
        np.savez(tmp_path / "set.npz", class_names=names)
        with pytest.raises(ValueError, match=r"set\.npz: class_names is"):
            data.class_names(tmp_path / "set.npz")


def test_a_pipe_is_no_archive(tmp_path):
    os.mkfifo(tmp_path / "set.npz")
    with pytest.raises(FileNotFoundError, match=r"set\.npz"):
        data.load(str(tmp_path / "set.npz"))
