"""Recipes of systems that learn two domains, or from few labels."""

import csv

import numpy as np
import pytest

import keras_gans as kg
from keras_gans.cli import recipes
from keras_gans.cli.sources import Source
from tests.cli.conftest import names

PAIR = """
system = "cogan"
[arguments]
latent_dim = 3
generator_channels = [3, 2, 2]
discriminator_channels = [2, 2, 3]
[data]
name = "{npz}"
{more}
[fit]
batch_size = 2
epochs = 1
[training]
xla = false
"""


@pytest.fixture(scope="module")
def npz(tmp_path_factory):
    """12 images of 16x16 in three classes, and as many to compare with."""
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    images = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 16, 1))
    images, labels = images.astype("uint8"), np.arange(12) % 3
    parts = {"train_images": images[0], "train_labels": labels}
    np.savez(path, **parts, test_images=images[1], test_labels=labels)
    return path


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """Five larger images in colour, of a second data set."""
    path = tmp_path_factory.mktemp("data") / "colours.npz"
    images = np.random.default_rng(1).integers(0, 256, (5, 20, 20, 3))
    np.savez(path, images=images.astype("uint8"))
    return path


@pytest.fixture
def recipe(tmp_path, npz):
    def write(more):
        path = tmp_path / "pair.toml"
        path.write_text(PAIR.format(npz=npz, more=more))
        return path

    return write


def test_half_of_the_images_as_another_domain(run, recipe, tmp_path):
    result = run("train", recipe('second = "edges"'), "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "Training cogan on 12 images of 16x16x1" in result.stdout
    found = recipes.read(tmp_path / "run" / "recipe.toml")
    assert found["data"]["second"] == "edges"
    assert "num_labels" not in found["arguments"]
    assert kg.from_preset(tmp_path / "run" / "preset").sample_pairs(1)[0].shape


def test_options_name_the_second_domain(run, recipe, npz, tmp_path):
    more = ["--second", "negatives", "--out", tmp_path / "run"]
    result = run("train", recipe('second = "edges"'), *more)
    assert result.exit_code == 0, result.output
    found = recipes.read(tmp_path / "run" / "recipe.toml")
    assert found["data"]["second"] == "negatives"


@pytest.mark.parametrize("flip", [False, True])
def test_other_data_are_the_second_domain(run, recipe, npz, colours, tmp_path, flip):
    path = recipe(f'second = "{colours}"\nflip = {str(flip).lower()}')
    more = ["--set", "num_labels=3", "--data", npz, "--out", tmp_path / "run"]
    result = run("train", path, *more)
    assert result.exit_code == 0, result.output
    assert "on 17 images of 16x16x1" in result.stdout
    with open(tmp_path / "run" / "history.csv") as file:
        (row,) = csv.DictReader(file)
    assert float(row["classification_loss"]) > 0
    found = recipes.read(tmp_path / "run" / "recipe.toml")
    assert found["arguments"]["num_labels"] == 3


def test_both_domains_are_compared_with(run, recipe, tmp_path):
    text = recipe('second = "negatives"').read_text() + (
        '[evaluation]\nevery = 1\nextractor = "pixels"\n'
    )
    (tmp_path / "measured.toml").write_text(text)
    result = run("train", tmp_path / "measured.toml", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    metrics = (tmp_path / "run" / "best" / "metrics.json").read_text()
    facts = kg.metrics.Evaluation.from_json(metrics).facts
    assert facts["num_samples"] == 12 and facts["extractor"] == "pixels"


def test_halves_follow_from_the_seed_and_keep_their_labels(npz):
    options = {"name": str(npz), "split": "train", "flip": False, "second": "negatives"}
    images, labels = kg.data.load(str(npz))
    source = Source(options, with_labels=True, whole=False, seed=5)
    a, b = kg.data.split_domains(images, "negatives", 5)
    (found, found_labels), second = (
        source.fit_arguments(None, 2)[key] for key in ("x", "y")
    )
    np.testing.assert_array_equal(found, a)
    np.testing.assert_array_equal(second, b)
    rows = [next(i for i in range(12) if (images[i] == x).all()) for x in a]
    np.testing.assert_array_equal(found_labels, labels[rows])
    both, domains = source.both_domains()
    np.testing.assert_array_equal(both, np.concatenate([a, b]))
    np.testing.assert_array_equal(domains, [0] * 6 + [1] * 6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cogan"], "cogan learns two domains: data.second names the other one"),
        (["dcgan", "--second", "edges"], "dcgan takes no data.second"),
        (["cgan", "--labels-per-class", 1], "cgan takes no data.labels_per_class"),
        (["cogan", "--second", "./absent"], "no folder or file './absent'"),
    ],
)
def test_data_that_a_system_does_not_take(
    refused, npz, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in refused("train", *arguments, "--data", npz)
    assert names(tmp_path) == []


def test_labels_are_hidden(run, npz, tmp_path, monkeypatch):
    learned = []
    check = kg.ImprovedGAN.check_batch

    def watched(gan, x, y):
        learned.append(np.array(y))
        return check(gan, x, y)

    monkeypatch.setattr(kg.ImprovedGAN, "check_batch", watched)
    out = ["--epochs", 1, "--batch-size", 4, "--no-xla", "--out", tmp_path / "run"]
    small = ["--set", "discriminator_units=[6]", "--set", "generator_units=[5]"]
    more = ["--labels-per-class", 2, "--flip", "--seed", 3]
    result = run("train", "improved_gan", "--data", npz, *small, *more, *out)
    assert result.exit_code == 0, result.output
    _, labels = kg.data.load(str(npz))
    np.testing.assert_array_equal(learned[0], kg.data.hide_labels(labels, 2, seed=3))
    found = recipes.read(tmp_path / "run" / "recipe.toml")
    assert found["arguments"]["num_labels"] == 3
    assert found["data"]["labels_per_class"] == 2
