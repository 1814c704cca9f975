"""Figures of videos: closed forms, and what the small network sees."""

import numpy as np
import pytest

from keras_gans import data, metrics
from keras_gans.metrics import video_network


def moving_square(num, frames=6, side=12):
    """A white square of 4x4 that moves one pixel a frame over black."""
    videos = np.zeros((num, frames, side, side, 1), "uint8")
    for frame in range(frames):
        videos[:, frame, 2:6, 1 + frame : 5 + frame] = 255
    return videos


def test_motion_energy():
    """Two columns of four pixels change by 2 in each step."""
    videos = moving_square(3)
    assert metrics.motion_energy(videos) == pytest.approx(2 * 8 / 144)
    floats = videos / np.float32(127.5) - 1
    assert metrics.motion_energy(floats) == pytest.approx(2 * 8 / 144)
    assert metrics.motion_energy(videos[:, :1].repeat(6, 1)) == 0
    with pytest.raises(ValueError, match="two frames or more"):
        metrics.motion_energy(videos[:, :1])


def test_figures():
    videos = moving_square(4)
    slow = videos.repeat(2, axis=1)
    found = metrics.video_figures(slow, videos)
    # A pause in all but one of the pairs of steps.
    assert found.motion_ratio == pytest.approx(5 / 11)
    assert found.still is None and found.mask is None
    # Eight to each side and of ten columns all four rows are touched.
    assert found.standing == found.real_standing == pytest.approx(1 - 4 * 9 / 144)


def test_still_where_the_mask_is_low():
    videos = moving_square(2)
    masks = (videos > 0).astype("float32")
    # Nothing moves where neither frame has the square.
    found = metrics.video_figures(videos, videos, masks)
    assert found.still == 0 and found.mask == pytest.approx(16 / 144)
    everywhere = metrics.video_figures(videos, videos, np.zeros_like(masks))
    assert everywhere.still == pytest.approx(1)
    nowhere = metrics.video_figures(videos, videos, np.ones_like(masks))
    assert nowhere.still is None
    with pytest.raises(ValueError, match="have one channel"):
        metrics.video_figures(videos, videos, masks[:, :-1])


def test_treatments():
    video, random = np.arange(8)[:, None], np.random.RandomState(0)
    assert (video_network.treated(video, 0, random) == video).all()
    assert len(set(video_network.treated(video, 1, random).ravel())) == 1
    shuffled = video_network.treated(video, 2, random).ravel()
    assert sorted(shuffled) == list(range(8)) and (np.diff(shuffled) < 0).any()


@pytest.fixture(scope="module")
def network():
    videos, labels = data.moving_digits(300, frames=8, side=16, seed=0)
    return metrics.train_video_network(videos, labels, epochs=3, base_channels=4)


def test_the_distance_tells_digits_from_noise(network):
    held_out, others = (
        data.moving_digits(150, frames=8, side=16, seed=seed)[0] for seed in (1, 2)
    )
    noise = np.random.default_rng(0).integers(0, 256, others.shape).astype("uint8")

    def distance(videos):
        return metrics.frechet_video_lite(videos, held_out, network).value

    real = distance(others)
    assert real < 0.5 * distance(noise)
    assert distance(held_out) == pytest.approx(0, abs=1e-3 * real)
    floats = others / np.float32(127.5) - 1
    assert distance(floats) == pytest.approx(real, rel=1e-3)


def test_the_network_follows_from_its_seed():
    videos, _ = data.moving_digits(40, frames=4, side=16, seed=0)
    first, again = (
        metrics.train_video_network(videos, epochs=1, base_channels=2, seed=3)
        for _ in range(2)
    )
    found = [video_network.video_features(videos[:4], one) for one in (first, again)]
    np.testing.assert_allclose(*found, atol=1e-5)
    assert first.output["label"].shape == (None, 1)
