"""The zoo is what it says, and `scripts/check_zoo` would notice if it were not."""

import importlib.machinery
import importlib.util
import json
import pathlib
import shutil
import sys

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
    "measured by other weights": lambda folder: measured_otherwise(folder),
    "metrics.json": lambda folder: (folder / "metrics.json").unlink(),
    "model.weights.h5: expected": lambda folder: (
        folder / "model.weights.h5"
    ).write_bytes(b""),
}


def measured_otherwise(folder):
    path = folder / "metrics.json"
    table = json.loads(path.read_text("utf-8"))
    table["protocol"]["weights_hash"] = "0" * 16
    path.write_text(json.dumps(table), "utf-8")


@pytest.mark.parametrize("problem", BREAKS)
def test_what_is_wrong_is_found(check_zoo, tmp_path, monkeypatch, problem):
    name = "dcgan_mnist"
    shutil.copytree(ROOT / "zoo" / name, tmp_path / name)
    (tmp_path / "mnist_cnn").symlink_to(ROOT / "zoo/mnist_cnn")
    monkeypatch.setattr(check_zoo, "ZOO", tmp_path)
    BREAKS[problem](tmp_path / name)
    found = " ".join(check_zoo.problems(name, INDEX[name]))
    assert problem in found
