"""Videos from the command line: trained by options and recipes, and drawn moving."""

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.cli import train as module

RECIPE = """\
system = "{system}"

[arguments]
base_channels = 2
initial_stddev = 0.02

[data]
name = "{data}"
stride = 2

[training]
xla = false

[fit]
batch_size = 4
epochs = 1
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Eight videos of eight frames of 8x8."""
    path = tmp_path_factory.mktemp("data") / "clips.npz"
    videos = np.zeros((8, 8, 8, 8, 3), "uint8")
    for frame in range(8):
        videos[:, frame, 2:5, frame % 4 : 3 + frame % 4] = 255
    np.savez(path, train_videos=videos)
    return path


def trained(run, clips, folder, system):
    (folder / "recipe.toml").write_text(RECIPE.format(system=system, data=clips))
    result = run("train", folder / "recipe.toml", "--out", folder / "run")
    assert result.exit_code == 0, result.output
    assert "8 videos of 4 frames of 8x8x3" in result.output
    return folder / "run"


@pytest.fixture(scope="module")
def finished(run, clips, tmp_path_factory):
    return trained(run, clips, tmp_path_factory.mktemp("runs"), "vgan")


def test_a_recipe_trains_on_every_other_frame(finished):
    gan = kg.from_preset(finished / "preset")
    assert isinstance(gan, kg.VGAN) and gan.image_shape == (4, 8, 8, 3)
    with Image.open(finished / "samples" / "epoch_0001.png") as grid:
        # Strips of four frames of eight pixels, twice as large.
        assert grid.size == (8 * (32 * 2 + 2) + 2, 8 * (8 * 2 + 2) + 2)
    with Image.open(finished / "samples" / "epoch_0001.gif") as grid:
        assert grid.n_frames > 1


def test_samples_as_films(run, finished, tmp_path):
    preset = finished / "preset"
    for name in ("grid.gif", "grid.png"):
        result = run("sample", preset, "--num", "4", "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).is_file()
    with Image.open(tmp_path / "grid.gif") as film:
        assert film.n_frames > 1 and film.size == (2 * 66 + 2, 2 * 66 + 2)
    result = run("sample", preset, "--num", "4", "--separate", tmp_path / "each")
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "each" / "0003.png") as strip:
        assert strip.size == (32, 8)


def test_samples_as_mp4(run, finished, tmp_path):
    pytest.importorskip("av")
    result = run(
        "sample", finished / "preset", "--num", "2", "--out", tmp_path / "grid.mp4"
    )
    assert result.exit_code == 0, result.output
    assert "Wrote 2 videos" in result.output and (tmp_path / "grid.mp4").is_file()


def test_a_prediction_is_trained_and_shown(run, clips, tmp_path):
    folder = trained(run, clips, tmp_path, "vgan_prediction")
    gan = kg.from_preset(folder / "preset")
    assert isinstance(gan, kg.VGANPrediction)
    with Image.open(folder / "samples" / "epoch_0001.png") as grid:
        assert grid.size[1] > 8


def test_images_are_refused(refused, tmp_path):
    images = np.zeros((4, 8, 8, 1), "uint8")
    np.savez(tmp_path / "set.npz", train_images=images)
    said = refused(
        "train", "vgan", "--data", tmp_path / "set.npz", "--out", tmp_path / "run"
    )
    assert "holds no videos" in said
    said = refused(
        "train", "dcgan", "--data", "digits", "--frames", "4", "--out", tmp_path / "run"
    )
    assert "takes no data.frames" in said
    said = refused(
        "train", "vgan", "--data", "moving_digits", "--flip", "--out", tmp_path / "run"
    )
    assert "not mirrored" in said


def test_other_frames_mean_another_shape():
    """A recipe's image_shape is a fact of the data that it names."""
    recipe = {
        "system": "vgan",
        "arguments": {"image_shape": [4, 8, 8, 3]},
        "data": {"name": "clips.npz"},
    }
    given = dict.fromkeys(("name", "image_size", "color_mode"))
    found = module.overridden(recipe, {"data": {**given, "frames": 8}})
    assert "image_shape" not in found["arguments"]
    assert found["data"]["frames"] == 8
