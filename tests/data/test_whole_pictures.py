import numpy as np
import pytest
from PIL import Image

from keras_gans.data import load_pictures


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name, shape in (("b", (5, 7, 3)), ("a", (4, 3, 3)), ("set/c", (6, 6))):
        path = tmp_path / "pictures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, shape, "uint8")).save(path)
    return tmp_path / "pictures"


def test_a_folder(folder):
    shapes = [picture.shape for picture in load_pictures(folder)]
    assert sorted(shapes) == [(4, 3, 3), (5, 7, 3), (6, 6, 3)]
    pixels = np.asarray(Image.open(folder / "a.png"))
    assert any(np.array_equal(p, pixels) for p in load_pictures(folder))
    assert all(p.shape[-1] == 1 for p in load_pictures(folder, color_mode="grey"))


def test_a_folder_by_its_name(folder, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_DATA", str(folder.parent))
    assert len(load_pictures("pictures/set")) == 1


def test_damaged_files(folder):
    (folder / "d.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"1 of 4 pictures .* d\.png"):
        load_pictures(folder)
    with pytest.warns(UserWarning, match="skipped"):
        assert len(load_pictures(folder, on_damaged="skip")) == 3


def test_an_archive(tmp_path):
    path = tmp_path / "pictures.npz"
    np.savez(
        path,
        train_0=np.zeros((4, 5, 3), "uint8"),
        train_1=np.ones((6, 3, 3), "uint8"),
        train_labels=np.zeros(2, "int64"),
        test_images=np.full((2, 8, 8, 3), 2, "uint8"),
    )
    assert [p.shape for p in load_pictures(path)] == [(4, 5, 3), (6, 3, 3)]
    assert [int(p.max()) for p in load_pictures(path, "test")] == [2, 2]
    assert len(load_pictures(path, "all")) == 4
    with pytest.raises(ValueError, match="no arrays val_"):
        load_pictures(path, "val")


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_pictures(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no folder of pictures"):
        load_pictures("digits")
