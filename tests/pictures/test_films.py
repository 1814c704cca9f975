"""Films: grids that move, as GIFs and as MP4s."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from keras_gans import pictures
from keras_gans.data.video_files import read_video

VIDEOS = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8, 1)).astype("uint8")


def test_a_grid_moves():
    film = pictures.video_grid(VIDEOS, columns=3, scale=2)
    assert film.dtype == np.uint8 and film.shape == (3, 2 * 18 + 2, 3 * 18 + 2, 1)
    for time, frame in enumerate(film):
        expected = pictures.image_grid(VIDEOS[:, time], 3, 2)
        np.testing.assert_array_equal(frame, expected)
    assert pictures.video_grid(VIDEOS, scale=1).shape[2] == 3 * 10 + 2
    floats = VIDEOS / np.float32(127.5) - 1
    np.testing.assert_array_equal(pictures.video_grid(floats, 3, 2), film)
    with pytest.raises(ValueError, match="shows videos of shape"):
        pictures.video_grid(VIDEOS[0])


def test_gif(tmp_path):
    film = pictures.video_grid(VIDEOS, columns=3)
    pictures.save_film(tmp_path / "film.gif", film, seconds=0.1)
    with Image.open(tmp_path / "film.gif") as stored:
        assert stored.info["duration"] == 100
        frames = [np.asarray(f.convert("L")) for f in ImageSequence.Iterator(stored)]
    np.testing.assert_array_equal(frames, film[..., 0])


@pytest.mark.parametrize("sides", [(20, 36), (21, 35)])
@pytest.mark.parametrize("channels", [1, 3])
def test_mp4(tmp_path, sides, channels):
    pytest.importorskip("av")
    height, width = sides
    film = np.zeros((6, height, width, channels), "uint8")
    for time, frame in enumerate(film):
        frame[4:12, 4 + 2 * time : 12 + 2 * time] = 255
    pictures.save_film(tmp_path / "film.mp4", film)
    found = read_video([tmp_path / "film.mp4"])
    assert found.shape == (6, height + height % 2, width + width % 2, 3)
    seen = found[:, :height, :width].astype(int)
    assert np.abs(seen - film).mean() < 6
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_other_films_are_refused(tmp_path):
    with pytest.raises(ValueError, match="GIF or MP4"):
        pictures.save_film(tmp_path / "film.avi", VIDEOS[0])
