"""The zoo is what it says, and `scripts/check_zoo` would notice if it were not."""

import importlib.machinery
import importlib.util
import json
import math
import pathlib
import shutil
import sys
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from keras_gans.core import safe_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
INDEX = safe_config.read_index()


@pytest.fixture(scope="module")
def check_zoo():
    """The script as a module."""
    sys.path.insert(0, str(ROOT / "scripts"))
    loader = importlib.machinery.SourceFileLoader(
        "check_zoo", str(ROOT / "scripts/check_zoo")
    )
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("check_zoo", loader)
    )
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(ROOT / "scripts"))
    return module


def test_index_table_and_size(check_zoo):
    assert list(check_zoo.whole_zoo(INDEX)) == []


@pytest.mark.parametrize("name", INDEX)
def test_every_preset_is_right(check_zoo, name):
    assert list(check_zoo.problems(name, INDEX[name])) == []


def edited(folder, file, before, after):
    path = folder / file
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


BREAKS = {
    "the figures on the card are not those": lambda folder: edited(
        folder, "README.md", "| `precision` | 0.", "| `precision` | 1."
    ),
    "interpolation.png is not there": lambda folder: (
        folder / "interpolation.png"
    ).unlink(),
    "the recipe says base_channels": lambda folder: edited(
        folder, "recipe.toml", "base_channels = ", "base_channels = 1"
    ),
    "measured by other weights": lambda folder: table_edited(folder, other_weights),
    "metrics.json": lambda folder: (folder / "metrics.json").unlink(),
    "model.weights.h5: expected": lambda folder: (
        folder / "model.weights.h5"
    ).write_bytes(b""),
}


def table_edited(folder, edit):
    path = folder / "metrics.json"
    table = json.loads(path.read_text("utf-8"))
    edit(table)
    path.write_text(json.dumps(table), "utf-8")


def other_weights(table):
    table["protocol"]["weights_hash"] = "0" * 16


@pytest.fixture
def broken(check_zoo, tmp_path, monkeypatch):
    """What is found of a preset after something was done to its folder."""

    def found(name, do):
        shutil.copytree(ROOT / "zoo" / name, tmp_path / name)
        (tmp_path / "mnist_cnn").symlink_to(ROOT / "zoo/mnist_cnn")
        monkeypatch.setattr(check_zoo, "ZOO", tmp_path)
        do(tmp_path / name)
        return " ".join(check_zoo.problems(name, INDEX[name]))

    return found


@pytest.mark.parametrize("problem", BREAKS)
def test_what_is_wrong_is_found(broken, problem):
    assert problem in broken("dcgan_mnist", BREAKS[problem])


def other_round_trip(table):
    (result,) = (r for r in table["results"] if r["metric"] == "round_trip")
    result["values"]["distance"] *= 1.01


def other_interval(table):
    table["protocol"]["spread"]["AUROC va target"][0] -= 0.1


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (other_round_trip, "not as metrics.json says"),
        (other_interval, "the figures on the card are not those"),
    ],
)
def test_what_is_wrong_with_a_preset_of_tables_is_found(broken, edit, problem):
    found = broken("radial_gan_heart", lambda folder: table_edited(folder, edit))
    assert problem in found


def test_means_over_seeds_and_their_intervals(check_zoo):
    def seed(a, b):
        scores = {"target": 0.5, "translated": a, "chosen": b, "combined": b}
        ways = {w: {"AUROC": s, "AUPRC": s} for w, s in scores.items()}
        return {"north": {**ways, "weight": 0.0}, "south": {**ways, "weight": 0.3}}

    found = check_zoo._row_translators.summary([seed(0.6, 0.5), seed(0.8, 0.5)])
    assert found["AUROC north"]["translated"] == pytest.approx(0.7)
    assert found["AUPRC less the table itself"]["translated"] == pytest.approx(0.2)
    # Of two seeds, 0.1 either side of the mean: t(0.975, 1) is tan(0.475 pi).
    reach = 0.1 * math.tan(0.475 * math.pi)
    spread = found.facts["spread"]
    assert spread["AUROC south translated"] == pytest.approx([0.7 - reach, 0.7 + reach])
    assert spread["AUROC mean of all target"] == [0.5, 0.5]
    assert found.facts["weights_chosen"] == {"0": 2, "0.3": 2}


class CompletesPerfectly:
    """Small regions are 1 off in every feature, completed ones no different."""

    def features(self, images, training):
        return images

    def pooled(self, features, boxes):
        self._small = self.is_small(Rows(boxes)).reshape(-1, 1, 1, 1)
        noise = np.random.default_rng(int(boxes.shape[0])).normal(
            0, 0.1, (boxes.shape[0] * boxes.shape[1], 2, 2, 3)
        )
        return (noise + self._small).astype("float32")

    def refined(self, pooled, features, rois, training):
        return pooled - self._small

    def is_small(self, rois):
        return (np.asarray(rois.boxes)[..., 2] <= 10).astype("float32")


class Rows(NamedTuple):
    boxes: Any


def test_how_well_completed_features_are_told_from_large_ones(check_zoo):
    sides = np.random.default_rng(0).choice([8.0, 30.0], (100, 3))
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], -1)
    labels = np.zeros((100, 3), int)
    labels[::3, 2] = -1  # Boxes that are not there count for nothing.
    boxes[::3, 2, 2] = 8.0
    objects = {"boxes": boxes, "labels": labels}
    images = np.zeros((100, 4, 4, 1), "uint8")
    told = check_zoo._cards._objects.told_from_large(
        CompletesPerfectly(), images, objects
    )
    assert (told["small_told"] == 1.0).all() and len(told["small_told"]) == 5
    assert 0.4 < told["completed_told"].mean() < 0.6


def test_shares_of_classes_among_samples(check_zoo, monkeypatch):
    script = check_zoo._cards._volumes
    volumes = np.zeros((6, 4, 4, 4), bool)
    volumes[:4, :2], volumes[4:, 2:] = True, True
    parts = {None: volumes, "low": volumes[:4], "high": volumes[4:]}
    monkeypatch.setattr(script, "_volumes", lambda data, split: parts[data.get("only")])
    monkeypatch.setattr(script.kg.data, "class_names", lambda name: ("low", "high"))
    gan = SimpleNamespace(image_shape=(4, 4, 4, 1), volumes=lambda num, seed: volumes)
    evaluation, _ = script.measure(gan, {"name": "toy"}, (0,))
    found = {one.metric: one.value for one in evaluation.results}
    assert found["class low"] == pytest.approx(4 / 6)
    assert found["class high"] == pytest.approx(2 / 6)
    assert found["one_body"] == 1.0
