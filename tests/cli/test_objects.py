"""Detectors from the command line: trained by a recipe, asked, measured."""

import json

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg

RECIPE = """\
system = "detector"

[arguments]
base_channels = 2
hidden_units = 4
roi_size = 3
rois_per_image = 8
rpn_samples = 8
pre_nms = 16
post_nms = 8
anchor_scales = [8]
anchor_ratios = [1.0]
score_threshold = 0.0
max_detections = 4

[data]
name = "{data}"
image_size = [16, 32]

[training]
xla = false

[fit]
batch_size = 4
epochs = 1

[evaluation]
every = 1
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Ten pictures of 32x32 pixels with a square each, as VOC has them."""
    folder = tmp_path_factory.mktemp("cells")
    for name in ("images", "annotations"):
        (folder / name).mkdir()
    for i in range(10):
        picture = np.full((32, 32, 3), 60, "uint8")
        picture[i : i + 12, 4:16] = 200
        Image.fromarray(picture).save(folder / "images" / f"{i}.png")
        corners = (
            f"<xmin>5</xmin><ymin>{i + 1}</ymin><xmax>16</xmax><ymax>{i + 12}</ymax>"
        )
        (folder / "annotations" / f"{i}.xml").write_text(
            f"<annotation><object><name>{'ab'[i % 2]}</name>"
            f"<bndbox>{corners}</bndbox></object></annotation>"
        )
    return folder


@pytest.fixture(scope="module")
def finished(run, cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "recipe.toml").write_text(RECIPE.format(data=cells))
    result = run("train", folder / "recipe.toml", "--out", folder / "run")
    assert result.exit_code == 0, result.output
    assert "8 objects of 2 classes in 8 images of 16x32x3" in result.output
    assert "keras-gans detect" in result.output
    return folder / "run"


def test_a_recipe_trains_a_detector(finished):
    detector = kg.from_preset(finished / "preset")
    assert isinstance(detector, kg.Detector)
    assert detector.image_shape == (16, 32, 3) and detector.class_names == ("a", "b")
    assert (finished / "samples" / "epoch_0001.png").is_file()
    header = (finished / "history.csv").read_text().splitlines()[0].split(",")
    assert {"class_loss", "ap", "ap_50", "recall"} <= set(header)
    assert kg.metrics.Evaluation.from_json(
        (finished / "best" / "metrics.json").read_text()
    )


def test_pictures_are_searched(run, finished, cells, tmp_path):
    out = tmp_path / "found"
    ask = ("detect", finished / "preset", cells / "images", "--out", out)
    result = run(*ask, "--threshold", 0.0)
    assert result.exit_code == 0, result.output
    listing = json.loads((out / "detections.json").read_text())
    assert [one["file"] for one in listing] == [f"{i}.png" for i in range(10)]
    assert {(one["height"], one["width"]) for one in listing} == {(32, 32)}
    objects = [found for one in listing for found in one["objects"]]
    assert objects and {one["class"] for one in objects} <= {"a", "b"}
    boxes = np.array([one["box_yxyx"] for one in objects])
    # In the picture as it was: of its letterbox nothing is left.
    assert boxes.min() >= 0 and boxes.max() <= 32 and boxes.max() > 16
    with Image.open(out / "3.png") as drawn:
        assert drawn.size == (320, 320)
    again = run(*ask)
    assert again.exit_code == 2 and "is there already" in again.stderr


def test_a_detector_is_measured(run, finished, tmp_path):
    result = run("evaluate", finished / "preset", "--json", tmp_path / "found.json")
    assert result.exit_code == 0, result.output
    assert "2 images of" in result.output and "ap_50" in result.output
    found = kg.metrics.Evaluation.from_json((tmp_path / "found.json").read_text())
    assert 0 <= found["ap"].value <= 1


def test_what_makes_no_sense_is_refused(refused, finished, cells, tmp_path):
    recipe = RECIPE.format(data=cells)
    wrong = {
        "flip = true": "not mirrored",
        "normal = 1": "takes no data.normal",
        'split = "other"': "has the splits",
    }
    for i, (line, message) in enumerate(wrong.items()):
        path = tmp_path / f"{i}.toml"
        path.write_text(recipe.replace("image_size", f"{line}\nimage_size"))
        assert message in refused("train", path, "--out", tmp_path / "run")
    ask = ("detect", finished / "preset", cells / "images", "--out", tmp_path / "x")
    assert "--fit is one of" in refused(*ask, "--fit", "crop")
