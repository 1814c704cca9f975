import csv
import math

import numpy as np
import pytest

import keras_gans as kg
from keras_gans.cli import recipes
from keras_gans.metrics import Evaluation


@pytest.fixture(scope="module")
def npz(tmp_path_factory):
    """12 images of 8x8 to train on, 12 to compare with."""
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 8, 8, 1)).astype("uint8")
    np.savez(path, train_images=images[0], test_images=images[1])
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, npz):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(
        f"""
        system = "dcgan"
        [arguments]
        base_channels = 2
        latent_dim = 3
        [data]
        name = "{npz}"
        [fit]
        batch_size = 4
        epochs = 3
        [training]
        xla = false
        [evaluation]
        every = 2
        extractor = "digits_cnn"
        monitor = "precision"
        """
    )
    return path


def test_a_run_that_measures_keeps_its_best_epoch(run, recipe, tmp_path):
    result = run("train", recipe, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    history = (tmp_path / "run/history.csv").read_text()
    rows = list(csv.DictReader(history.splitlines()))
    precision = [float(row["precision"]) for row in rows]
    assert [math.isnan(value) for value in precision] == [True, False, False]
    found = Evaluation.from_json((tmp_path / "run/best/metrics.json").read_text())
    # The first of equals.
    assert found["precision_recall"]["precision"] == max(precision[1:])
    assert found.facts["epoch"] == 2 + int(np.argmax(precision[1:]))
    assert kg.from_preset(tmp_path / "run/best").image_shape == (8, 8, 1)
    # As read, and as made by an option.
    assert recipes.read(tmp_path / "run/recipe.toml")["evaluation"]["every"] == 2


def test_evaluate_every_needs_an_extractor_first(run, npz, tmp_path, monkeypatch):
    def absent(resize):
        raise RuntimeError("inception_2015 could not be downloaded.")

    monkeypatch.setattr("keras_gans.metrics.inception.load_inception", absent)
    options = ["--set", "base_channels=2", "--set", "latent_dim=3", "--no-xla"]
    fit = ["--batch-size", 4, "--epochs", 1, "--out", tmp_path / "run"]
    given = ["--evaluate-every", 3]
    refused = run("train", "dcgan", "--data", npz, *options, *fit, *given)
    assert refused.exit_code == 2
    assert "inception_2015" in refused.stderr
    # Said before anything was trained.
    assert not (tmp_path / "run/history.csv").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("num_samples = 10", "lacks the key every"),
        ("every = 0", "evaluation.every must be a whole number from 1 on"),
        ("often = 3", "There is no key evaluation.often"),
        ('every = 1\nmonitor = "beauty"', "monitor is one of"),
        ('every = 1\nextractor = "no_cnn"', "There is no extractor 'no_cnn'"),
    ],
)
def test_wrong_tables_are_refused(refused, recipe, tmp_path, table, message):
    text = recipe.read_text().partition("[evaluation]")[0]
    changed = tmp_path / "changed.toml"
    changed.write_text(f"{text}[evaluation]\n{table}\n")
    assert message in refused("train", changed, "--out", tmp_path / "run")


def test_a_recipe_without_the_table_has_none():
    assert "evaluation" not in recipes.with_defaults({"system": "gan"})
