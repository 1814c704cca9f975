"""Videos from arrays, films, GIFs and folders of frames; and digits that move."""

import importlib

import numpy as np
import pytest
from PIL import Image

from keras_gans import data, pictures

RNG = np.random.default_rng(0)
VIDEOS = RNG.integers(0, 256, (6, 5, 8, 8, 3)).astype("uint8")
LABELS = np.arange(6) % 2
# Not by `from`: the package has a function of that name.
module = importlib.import_module("keras_gans.data.moving_digits")


def grey_clip(frames, side=8, seed=0):
    """Grey frames, each of one brightness: what compression keeps."""
    shades = np.random.default_rng(seed).integers(0, 256, frames)
    return np.ones((frames, side, side, 1), "uint8") * shades[
        :, None, None, None
    ].astype("uint8")


def write_frames(folder, clip, name="{}.png"):
    folder.mkdir(parents=True)
    for i, frame in enumerate(clip):
        image = Image.fromarray(frame if frame.shape[-1] == 3 else frame[..., 0])
        image.save(folder / name.format(i))


def test_archives(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(
        path,
        train_videos=VIDEOS[:4],
        train_labels=LABELS[:4],
        test_videos=VIDEOS[4:],
        test_labels=LABELS[4:],
        class_names=np.array(["run", "walk"]),
    )
    videos, labels = data.load(path)
    np.testing.assert_array_equal(videos, VIDEOS[:4])
    np.testing.assert_array_equal(labels, LABELS[:4])
    np.testing.assert_array_equal(data.load(path, "all")[0], VIDEOS)
    assert data.class_names(path) == ("run", "walk")
    np.savez(path, videos=VIDEOS[..., 0])
    np.testing.assert_array_equal(data.load(path)[0], VIDEOS[..., :1])


def test_bare_arrays(tmp_path):
    np.save(tmp_path / "set.npy", VIDEOS)
    videos, labels = data.load(tmp_path / "set.npy", frames=2, stride=2)
    np.testing.assert_array_equal(videos, VIDEOS[:, [0, 2]])
    assert labels is None and data.class_names(tmp_path / "set.npy") is None
    with pytest.raises(ValueError, match="splits"):
        data.load(tmp_path / "set.npy", "test")
    (tmp_path / "set.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match="not a readable .npy"):
        data.load(tmp_path / "set.npy")


def test_frames_of_arrays(tmp_path):
    """Every so many, and the last again where there are too few."""
    np.savez(tmp_path / "set.npz", videos=VIDEOS)

    def load(**options):
        return data.load(tmp_path / "set.npz", **options)[0]

    np.testing.assert_array_equal(load(frames=3), VIDEOS[:, :3])
    np.testing.assert_array_equal(load(stride=2), VIDEOS[:, ::2])
    seven = load(frames=4, stride=2)
    np.testing.assert_array_equal(seven, VIDEOS[:, [0, 2, 4, 4]])
    small = load(image_size=4, color_mode="grey")
    assert small.shape == (6, 5, 4, 4, 1)
    expected = data.resize(VIDEOS[1, 2], 4)
    np.testing.assert_array_equal(load(image_size=4)[1, 2], expected)
    for options in ({"frames": 0}, {"stride": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            load(**options)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 4, 4, 4, 3), "float32"), "nothing is rescaled by guess"),
        (np.zeros((4, 4, 4), "uint8"), "expected .num_videos, frames, height, width"),
        (np.zeros((2, 4, 4, 4, 2), "uint8"), "expected .num_videos, frames"),
    ],
)
def test_other_arrays_are_no_videos(tmp_path, array, message):
    np.savez(tmp_path / "set.npz", videos=array)
    with pytest.raises(ValueError, match=message):
        data.load(tmp_path / "set.npz")


def test_frames_are_of_videos(tmp_path):
    np.savez(tmp_path / "set.npz", images=VIDEOS[:, 0])
    with pytest.raises(ValueError, match="holds pictures"):
        data.load(tmp_path / "set.npz", frames=4)


def test_folders_of_frames(tmp_path):
    """Numbered frames in their order, whatever the length of the numbers."""
    clip = RNG.integers(0, 256, (12, 8, 8, 3)).astype("uint8")
    write_frames(tmp_path / "a", clip)
    write_frames(tmp_path / "b", clip[:3])
    videos, labels = data.load(tmp_path, frames=12)
    assert labels is None
    np.testing.assert_array_equal(videos[0], clip)
    np.testing.assert_array_equal(videos[1], clip[[0, 1] + 10 * [2]])
    with pytest.raises(ValueError, match="come in 2 sizes"):
        write_frames(tmp_path / "c", VIDEOS[0, :, :4])
        data.load(tmp_path, frames=12)
    assert data.load(tmp_path, frames=2, image_size=4)[0].shape == (3, 2, 4, 4, 3)


def test_classes_and_splits(tmp_path):
    for name, seed in (("run/x", 0), ("run/y", 1), ("walk/x", 2)):
        write_frames(tmp_path / "train" / name, grey_clip(4, seed=seed), "f{:02d}.png")
    write_frames(tmp_path / "test" / "walk" / "z", grey_clip(4, seed=3))
    videos, labels = data.load(tmp_path, frames=4)
    assert videos.shape == (3, 4, 8, 8, 1) and labels.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(videos[2], grey_clip(4, seed=2))
    videos, labels = data.load(tmp_path, "test", frames=4, color_mode="rgb")
    assert videos.shape == (1, 4, 8, 8, 3) and labels.tolist() == [1]


def test_gifs(tmp_path):
    clip = grey_clip(5)
    for folder in ("run", "walk"):
        (tmp_path / folder).mkdir()
        pictures.save_gif(tmp_path / folder / "clip.gif", clip)
    videos, labels = data.load(tmp_path, frames=3, stride=2)
    assert labels.tolist() == [0, 1]
    np.testing.assert_array_equal(videos, np.stack([clip[::2]] * 2))
    # Without frames they are pictures.
    assert data.load(tmp_path)[0].shape[:3] == (2, 8, 8)


def test_films(tmp_path):
    pytest.importorskip("av")
    clip = grey_clip(6, side=32)
    pictures.save_mp4(tmp_path / "clip.mp4", clip)
    videos, labels = data.load(tmp_path, frames=8, image_size=16, color_mode="grey")
    assert videos.shape == (1, 8, 16, 16, 1) and labels is None
    expected = clip[[0, 1, 2, 3, 4, 5, 5, 5], :16, :16]
    assert np.abs(videos[0].astype(int) - expected).max() < 8


@pytest.mark.parametrize("name", ["bad.gif", "bad.mp4"])
def test_damaged_films(tmp_path, name):
    if name.endswith("mp4"):
        pytest.importorskip("av")
    pictures.save_gif(tmp_path / "good.gif", grey_clip(3))
    (tmp_path / name).write_bytes(b"GIF89a no film")
    with pytest.raises(ValueError, match=f"1 of 2 videos .*{name}"):
        data.load(tmp_path, frames=3)
    with pytest.warns(UserWarning, match="1 of 2 videos"):
        videos, _ = data.load(tmp_path, frames=3, on_damaged="skip")
    assert len(videos) == 1


def test_moving_digits_move_and_nothing_else():
    videos, labels = data.moving_digits(20, frames=12, side=32, seed=5)
    assert videos.shape == (20, 12, 32, 32, 1) and videos.dtype == np.uint8
    assert labels.shape == (20,) and set(labels) <= set(range(10))
    darkest = videos.min(axis=1)
    # Where no digit ever comes the picture stands still.
    still = (videos == darkest[:, None]).all(axis=1)
    assert still.any(axis=(1, 2, 3)).all() and not still.all(axis=(1, 2, 3)).any()
    moves = (videos[:, 1:] != videos[:, :-1]).any(axis=(2, 3, 4))
    assert moves.mean() > 0.5
    black, _ = data.moving_digits(20, frames=12, side=32, seed=5, background=False)
    assert (black.min(axis=1) == 0).mean() > 0.5
    assert (videos >= black).all()


def test_moving_digits_follow_from_the_seed_and_the_row():
    many, _ = data.moving_digits(5, frames=4, seed=1)
    few, _ = data.moving_digits(2, frames=4, seed=1)
    np.testing.assert_array_equal(many[:2], few)
    other, _ = data.moving_digits(2, frames=4, seed=2)
    assert (other != few).any()


def test_moving_digits_stay_inside():
    """A white square in the place of digits: all of it is seen in every frame."""
    white = np.full((1, 8, 8, 1), 255, "uint8")
    videos, labels = data.moving_digits(
        30, frames=40, side=16, background=False, digits=white
    )
    assert labels is None
    assert ((videos == 255).sum(axis=(2, 3, 4)) == 64).all()


def test_moving_digits_by_name(monkeypatch):
    monkeypatch.setattr(module, "NUM_VIDEOS", {"train": 6, "test": 3})
    videos, labels = data.load("moving_digits", frames=4, stride=2)
    assert videos.shape == (6, 4, 32, 32, 1) and labels.shape == (6,)
    slow, _ = data.load("moving_digits", frames=7)
    np.testing.assert_array_equal(videos, slow[:, ::2])
    assert data.load("moving_digits", "all")[0].shape == (9, 16, 32, 32, 1)
    assert data.load("moving_digits", image_size=64)[0].shape == (6, 16, 64, 64, 1)
    assert data.class_names("moving_digits")[3] == "3"
    with pytest.raises(ValueError, match="splits"):
        data.load("moving_digits", "validation")
    with pytest.raises(ValueError, match="square"):
        data.load("moving_digits", image_size=(32, 64))


def test_moving_mnist_is_made_of_mnist(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "NUM_VIDEOS", {"train": 4, "test": 2})
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path))
    white = np.full((3, 28, 28), 255, "uint8")
    np.savez(
        tmp_path / "mnist.npz",
        train_images=white,
        train_labels=[4, 4, 4],
        test_images=white,
        test_labels=[7, 7, 7],
    )
    videos, labels = data.load("moving_mnist")
    assert labels.tolist() == [4] * 4
    assert ((videos == 255).sum(axis=(2, 3, 4)) == 256).all()
    assert data.load("moving_mnist", "test")[1].tolist() == [7, 7]
