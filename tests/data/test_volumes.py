"""Volumes from arrays, folders of arrays, `.binvox` files and meshes."""

import numpy as np
import pytest

from keras_gans import data
from keras_gans.data import volumes as module

RNG = np.random.default_rng(0)
FILLED = RNG.random((6, 8, 8, 8)) < 0.3
LABELS = np.arange(6) % 2


def as_bytes(volumes):
    return volumes.astype("uint8")[..., None] * np.uint8(255)


@pytest.mark.parametrize("kind", ["uint8", "bool", "int64"])
@pytest.mark.parametrize("channel", [False, True])
def test_occupancies_of_an_archive_become_bytes(tmp_path, kind, channel):
    stored = FILLED.astype(kind)[..., None] if channel else FILLED.astype(kind)
    path = tmp_path / "set.npz"
    np.savez(
        path,
        train_voxels=stored[:4],
        train_labels=LABELS[:4],
        test_voxels=stored[4:],
        test_labels=LABELS[4:],
        class_names=np.array(["chair", "monitor"]),
    )
    volumes, labels = data.load(path)
    assert volumes.dtype == np.uint8
    np.testing.assert_array_equal(volumes, as_bytes(FILLED[:4]))
    np.testing.assert_array_equal(labels, LABELS[:4])
    np.testing.assert_array_equal(data.load(path, "all")[0], as_bytes(FILLED))
    assert data.class_names(path) == ("chair", "monitor")
    np.savez(path, voxels=stored)
    np.testing.assert_array_equal(data.load(path)[0], as_bytes(FILLED))
    assert data.load(path)[1] is None


def test_bytes_stay(tmp_path):
    grey = RNG.integers(0, 256, (2, 4, 4, 4)).astype("uint8")
    np.savez(tmp_path / "set.npz", voxels=grey)
    np.testing.assert_array_equal(data.load(tmp_path / "set.npz")[0][..., 0], grey)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 4, 4, 4), "float32"), "nothing is rescaled by guess"),
        (np.full((2, 4, 4, 4), -1), "nothing is rescaled by guess"),
        (np.zeros((4, 4, 4), "uint8"), "expected .num_volumes, depth, height, width"),
        (np.zeros((2, 4, 4, 4, 3), "uint8"), "with or without one channel"),
    ],
)
def test_other_arrays_are_no_volumes(tmp_path, array, message):
    np.savez(tmp_path / "set.npz", voxels=array)
    with pytest.raises(ValueError, match=message):
        data.load(tmp_path / "set.npz")


def test_sizes_of_volumes(tmp_path):
    np.savez(tmp_path / "set.npz", voxels=FILLED)
    padded = data.load(tmp_path / "set.npz", image_size=11)[0]
    assert padded.shape == (6, 11, 11, 11, 1)
    np.testing.assert_array_equal(padded[:, 1:9, 1:9, 1:9], as_bytes(FILLED))
    assert padded.sum(dtype="int64") == 255 * FILLED.sum()
    reduced = data.load(tmp_path / "set.npz", image_size=4)[0]
    blocks = FILLED.reshape(6, 4, 2, 4, 2, 4, 2).any((2, 4, 6))
    np.testing.assert_array_equal(reduced, as_bytes(blocks))
    with pytest.raises(ValueError, match="do not fit into sides of 5"):
        data.load(tmp_path / "set.npz", image_size=5)
    with pytest.raises(ValueError, match="Volumes are cubes"):
        data.load(tmp_path / "set.npz", image_size=(4, 8))
    with pytest.raises(ValueError, match="Volumes have no colours"):
        data.load(tmp_path / "set.npz", color_mode="rgb")


def test_a_folder_of_arrays_has_classes_and_splits(tmp_path):
    for i, volume in enumerate(FILLED):
        split, name = ("test" if i > 3 else "train"), ("chair", "monitor")[LABELS[i]]
        folder = tmp_path / split / name
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{i}.npy", volume if i % 3 else volume.astype("uint8") * 255)
    volumes, labels = data.load(tmp_path)
    assert labels.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(volumes, as_bytes(FILLED[[0, 2, 1, 3]]))
    assert data.class_names(tmp_path) == ("chair", "monitor")
    assert len(data.load(tmp_path, "test")[0]) == 2


def test_damaged_volumes_are_named_and_can_be_skipped(tmp_path):
    np.save(tmp_path / "a.npy", FILLED[0])
    np.save(tmp_path / "b.npy", FILLED[1])
    whole = (tmp_path / "b.npy").read_bytes()
    (tmp_path / "b.npy").write_bytes(whole[:-5])
    np.save(tmp_path / "c.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "d.npy", np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"3 of 4 volumes .*b\.npy .*c\.npy .*d\.npy"):
        data.load(tmp_path)
    with pytest.warns(UserWarning, match="3 of 4 volumes"):
        volumes, _ = data.load(tmp_path, on_damaged="skip")
    np.testing.assert_array_equal(volumes, as_bytes(FILLED[:1]))


def test_mixed_sizes_need_one(tmp_path):
    np.save(tmp_path / "a.npy", FILLED[0])
    np.save(tmp_path / "b.npy", FILLED[1][:6, :6, :6])
    with pytest.raises(ValueError, match="come in 2 sizes.*image_size"):
        data.load(tmp_path)
    assert data.load(tmp_path, image_size=8)[0].shape == (2, 8, 8, 8, 1)


def test_a_folder_of_pictures_stays_one(tmp_path):
    np.save(tmp_path / "z.npy", FILLED[0])
    (tmp_path / "a.png").write_bytes(b"")
    assert not module.holds_volumes(tmp_path)
    (tmp_path / "a.png").unlink()
    assert module.holds_volumes(tmp_path)


def binvox(volume, dim=None):
    """The format: runs of (value, count), x slowest, then z, then y."""
    flat = volume.transpose(0, 2, 1).ravel().astype("uint8")
    sides = dim or " ".join(map(str, volume.shape))
    head = f"#binvox 1\ndim {sides}\ntranslate 0 0 0\nscale 1\ndata\n"
    return head.encode() + b"".join(bytes([value, 1]) for value in flat)


def test_binvox(tmp_path):
    pytest.importorskip("trimesh")
    for i in range(2):
        (tmp_path / f"{i}.binvox").write_bytes(binvox(FILLED[i]))
    np.testing.assert_array_equal(data.load(tmp_path)[0], as_bytes(FILLED[:2]))


@pytest.mark.parametrize("dim", ["999999 1 1", "4 4", "-4 4 4", "0 4 4"])
def test_binvox_that_claims_too_much_is_refused(tmp_path, dim):
    pytest.importorskip("trimesh")
    path = tmp_path / "a.binvox"
    path.write_bytes(binvox(FILLED[0], dim))
    with pytest.raises(ValueError, match="not three numbers from 1 to 512"):
        module.read_volume(path)
    path.write_bytes(b"PK" + binvox(FILLED[0]))
    with pytest.raises(ValueError, match="no .binvox file"):
        module.read_volume(path)
    path.write_bytes(binvox(FILLED[0])[:-100])
    with pytest.raises(ValueError, match="cannot be read"):
        module.read_volume(path)


OFF = """OFF
8 12 0
0 0 0
2 0 0
2 1 0
0 1 0
0 0 4
2 0 4
2 1 4
0 1 4
3 0 2 1
3 0 3 2
3 4 5 6
3 4 6 7
3 0 1 5
3 0 5 4
3 1 2 6
3 1 6 5
3 2 3 7
3 2 7 6
3 3 0 4
3 3 4 7
"""


def test_a_mesh_is_voxelised_in_the_middle(tmp_path):
    pytest.importorskip("trimesh")
    (tmp_path / "box.off").write_text(OFF)
    with pytest.raises(ValueError, match="a mesh has no voxels of its own"):
        data.load(tmp_path)
    volume = data.load(tmp_path, image_size=32)[0][0, ..., 0] > 0
    places = np.argwhere(volume)
    sides = np.ptp(places, axis=0) + 1
    # The longest side takes 26 of 32 voxels; the others are a half and a quarter.
    np.testing.assert_allclose(sides, (13.5, 7, 26), atol=1)
    np.testing.assert_allclose(places.mean(0), 15.5, atol=1)
    assert volume.sum() == np.prod(sides)  # it is filled
    with pytest.raises(ValueError, match="no extent|no mesh"):
        (tmp_path / "box.off").write_text("OFF\n0 0 0\n")
        data.voxelize(tmp_path / "box.off", 8)


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".ply"])
def test_a_written_mesh_is_the_volume(tmp_path, suffix):
    pytest.importorskip("skimage")
    trimesh = pytest.importorskip("trimesh")
    places = np.indices((16, 16, 16)) - 7.5
    distance = np.linalg.norm(places, axis=0)
    occupancies = np.clip(0.5 + (5.0 - distance), 0, 1)
    data.write_mesh(tmp_path / f"ball{suffix}", occupancies)
    mesh = trimesh.load(tmp_path / f"ball{suffix}", force="mesh")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 5.0**3, rel=0.02)
    np.testing.assert_allclose(mesh.centroid, 7.5, atol=0.01)
    again = data.voxelize(tmp_path / f"ball{suffix}", 16)
    assert again.shape == (16, 16, 16) and again[8, 8, 8]


def test_a_full_volume_has_a_closed_surface():
    pytest.importorskip("skimage")
    pytest.importorskip("trimesh")
    assert data.to_mesh(np.ones((3, 3, 3), bool)).is_watertight


def test_what_is_no_volume_makes_no_mesh(tmp_path):
    with pytest.raises(ValueError, match="there is no surface"):
        data.to_mesh(np.zeros((4, 4, 4)))
    with pytest.raises(ValueError, match="has the shape"):
        data.to_mesh(np.ones((4, 4)))
    with pytest.raises(ValueError, match=r"written as \.obj, \.stl, \.ply"):
        data.write_mesh(tmp_path / "a.gltf", np.ones((4, 4, 4)))


def test_without_trimesh_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "trimesh", None)
    (tmp_path / "box.off").write_text(OFF)
    with pytest.raises(ImportError, match=r"keras-gans\[volumes\]"):
        data.load(tmp_path, image_size=8)


def test_bodies():
    volume = np.zeros((6, 6, 6), bool)
    assert data.count_bodies(volume) == 0
    assert not data.largest_body(volume).any()
    volume[0, 0, 0] = volume[1, 1, 1] = True  # they touch at a corner
    volume[4:, 4:, 4:] = True
    assert data.count_bodies(volume) == 2
    largest = data.largest_body(volume)
    assert largest.sum() == 8 and largest[4:, 4:, 4:].all()
