import numpy as np
import pytest
from PIL import Image

from keras_gans import pictures


def pole():
    """A pole that stands on the ground, with a foot towards +x."""
    volume = np.zeros((16, 16, 16), bool)
    volume[7:9, 7:9, :14] = True
    volume[9:15, 7:9, :2] = True
    return volume


def dark(picture):
    """Where something is drawn: rows and columns."""
    return np.argwhere(picture[..., 0] < 250)


def test_up_is_the_last_axis():
    drawn = pictures.draw_volumes(pole()[None], side=64, azimuth=0, elevation=0)
    assert drawn.shape == (1, 64, 64, 1) and drawn.dtype == np.uint8
    places = dark(drawn[0])
    lower = places[places[:, 0] > 46]
    upper = places[places[:, 0] < 40]
    # The foot lies below, and to the right, where +x is.
    assert np.ptp(lower[:, 1]) > 2 * np.ptp(upper[:, 1])
    assert lower[:, 1].max() > upper[:, 1].max() + 10
    assert abs(upper[:, 1].mean() - 31.5) < 2


def test_half_a_turn_mirrors_what_is_seen_from_the_side():
    front, back = (
        pictures.draw_volumes(pole()[None], 64, azimuth, elevation=0)[0]
        for azimuth in (0, 180)
    )
    ours, theirs = dark(front), dark(back)
    assert abs(ours[:, 1].max() - (63 - theirs[:, 1].min())) <= 2


def test_the_nearest_hides_the_rest():
    """Of two plates only the one in front is seen, whichever is drawn first."""
    for near, far in ((4, 10), (3, 12)):
        volume = np.zeros((16, 16, 16), bool)
        volume[2:14, near, 2:14] = True
        alone = pictures.draw_volumes(volume[None], 64, azimuth=0, elevation=0)
        volume[4:12, far, 4:12] = True
        both = pictures.draw_volumes(volume[None], 64, azimuth=0, elevation=0)
        np.testing.assert_array_equal(alone, both)


def test_solid_bodies_have_no_holes():
    volume = np.ones((1, 32, 32, 32), bool)
    for azimuth in (0, 20, 45):
        drawn = pictures.draw_volumes(volume, side=96, azimuth=azimuth)[0, ..., 0]
        assert (drawn[40:56, 40:56] < 250).all()


def test_thresholds_and_empty_volumes():
    volume = np.where(pole(), 0.4, 0.0)[None]
    assert (pictures.draw_volumes(volume) == 255).all()
    assert (pictures.draw_volumes(volume, threshold=0.3) < 250).any()
    with pytest.raises(ValueError, match="Volumes have the shape"):
        pictures.draw_volumes(pole())


def test_a_turntable_is_a_gif(tmp_path):
    frames = pictures.turntable(np.stack([pole()] * 3), frames=5, side=32)
    # Two columns, two rows, each with a border of two pixels.
    assert frames.shape == (5, 70, 70, 1)
    assert np.abs(np.diff(frames.astype(int), axis=0)).max() > 50
    pictures.save_gif(tmp_path / "turn.gif", frames, seconds=0.1)
    with Image.open(tmp_path / "turn.gif") as film:
        assert film.n_frames == 5 and film.size == (70, 70)
        assert film.info["duration"] == 100 and film.info["loop"] == 0
        film.seek(2)
        found = np.asarray(film.convert("L")).astype(int)
    assert np.abs(found - frames[2, ..., 0]).max() <= 8
