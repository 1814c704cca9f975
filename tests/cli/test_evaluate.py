"""`keras-gans evaluate` on the preset that comes with the package."""

import shutil

import pytest

import keras_gans as kg
from keras_gans.core.safe_config import zoo_folder
from keras_gans.metrics import Evaluation
from tests.systems import tiny_cgan, tiny_gan

# What is quick.
FEW = ["--num", 40, "--metric", "frechet_distance", "--metric", "label_agreement"]


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """A preset that draws no pictures."""
    folder = tmp_path_factory.mktemp("presets") / "points"
    tiny_gan(image_shape=(2,), latent_dim=2).save_to_preset(folder)
    return folder


@pytest.fixture
def undocumented(tmp_path):
    """A preset without a recipe, of pictures of ten classes."""
    gan = tiny_cgan(image_shape=(8, 8, 1), num_classes=10)
    gan.save_to_preset(tmp_path / "undocumented")
    return tmp_path / "undocumented"


def test_figures_are_printed_and_written(run, tmp_path):
    out = tmp_path / "metrics.json"
    result = run("evaluate", "cgan_digits", *FEW, "--seed", 3, "--json", out)
    assert result.exit_code == 0, result.output
    found = Evaluation.from_json(out.read_text("utf-8"))
    assert result.stdout == f"{found}\nWrote {out}.\n"
    first, head, distance, *_ = result.stdout.splitlines()
    assert first.startswith(
        "40 samples, seed 3, against digits/test through digits_cnn"
    )
    assert head.split() == ["samples", "real"]
    assert distance.split()[0] == "fd[digits_cnn]"
    assert [r.metric for r in found.results] == ["frechet_distance", "label_agreement"]
    assert {r.num_generated for r in found.results} == {40}
    assert {r.seed for r in found.results} == {3}
    assert (found.facts["data"], found.facts["training"]) == ("digits", "train")
    assert found["label_agreement"]["agreement"] > 0.9
    assert found.floor[1]["agreement"] > 0.95


def test_it_says_what_the_library_says(run, tmp_path):
    options = {"num_samples": 30, "k": 3, "resize": "legacy_pytorch", "image_size": 16}
    asked = ["--num", 30, "--k", 3, "--resize", "legacy_pytorch", "--image-size", 16]
    asked += ["--split", "train", "--training", "test", "--seed", 1]
    # Named, or data that were trained on are refused.
    asked += ["--data", "digits", "--metric", "precision_recall"]
    out = tmp_path / "metrics.json"
    result = run("evaluate", "cgan_digits", *asked, "--json", out)
    assert result.exit_code == 0, result.output
    wanted = kg.from_preset("cgan_digits").evaluate_samples(
        "digits",
        seed=1,
        split="train",
        training="test",
        metrics=["precision_recall"],
        **options,
    )
    assert Evaluation.from_json(out.read_text("utf-8")) == wanted


def test_without_training_images_there_is_neither_floor_nor_copies(run):
    asked = ["--num", 40, "--training", "none", "--metric", "frechet_distance"]
    result = run("evaluate", "cgan_digits", *asked, "--metric", "memorisation")
    assert result.exit_code == 0, result.output
    _, head, distance, *notes = result.stdout.splitlines()
    assert head.split() == ["samples"]
    assert distance.split()[0] == "fd[digits_cnn]" and len(distance.split()) == 2
    assert all(line.startswith("Note: ") for line in notes)


def test_copies_are_looked_for_in_features_and_pixels(run):
    result = run("evaluate", "cgan_digits", "--num", 20, "--metric", "memorisation")
    assert result.exit_code == 0, result.output
    rows = dict(line.rsplit(None, 1) for line in result.stdout.splitlines()[2:])
    assert rows["memorisation[digits_cnn] copies"] == "0"
    assert rows["memorisation[pixels] copies"] == "0"


def test_data_are_those_of_the_recipe_beside_a_preset(
    run, refused, undocumented, monkeypatch
):
    monkeypatch.chdir(undocumented.parent)
    asked = ["evaluate", "undocumented", "--num", 30, "--metric", "mode_coverage"]
    assert "undocumented does not say what it was trained on" in refused(*asked)
    recipe = zoo_folder() / "cgan_digits" / "recipe.toml"
    shutil.copy(recipe, undocumented / "recipe.toml")
    result = run(*asked)
    assert result.exit_code == 0, result.output
    assert "against digits/test through digits_cnn" in result.stdout
    given = run(*asked, "--data", "digits")
    assert given.exit_code == 0 and given.stdout == result.stdout
    text = recipe.read_text().replace(
        'name = "digits"', 'name = "digits"\nsplit = "all"'
    )
    (undocumented / "recipe.toml").write_text(text)
    assert "trained on the part 'all' of digits" in refused(*asked)


def test_data_that_are_given_come_before_those_of_the_recipe(run, refused, npz):
    asked = ["evaluate", "cgan_digits", "--data", npz, "--extractor", "digits_cnn"]
    assert f"{npz} has no images for split 'test'" in refused(*asked)
    result = run(
        *asked, "--split", "train", "--training", "none", "--metric", "frechet_distance"
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("12 samples, seed 0, against noise.npz/train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--extractor", "digit_cnn"], "There is no extractor 'digit_cnn'"),
        (["--extractor", "cgan_digits"], "holds a CGAN, not a ImageClassifier"),
        (["--data", "./nothing"], "There is no folder or file './nothing'"),
        (["--split", "validation"], "has the splits"),
        (["--training", "half"], "has the splits"),
        (["--metric", "fid"], "There is no metric fid. Known: frechet_distance"),
        (["--resize", "bicubic"], "resize is one of"),
        (["--json", "absent/metrics.json"], "absent/metrics.json is no name for"),
        (["--truncation", "-1"], "truncation is a positive number"),
        (["--num", "4", "--k", "5"], "at least 6"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    refused, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in refused("evaluate", "cgan_digits", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_presets_that_draw_no_pictures_or_are_none_are_refused(refused, points):
    asked = ["--data", "digits"]
    assert "draws (2,)" in refused("evaluate", points, *asked)
    assert "no such preset" in refused("evaluate", "nothing", *asked)


@pytest.mark.parametrize("option", [["--num", 0], ["--k", 0], ["--seed", -1]])
def test_numbers_out_of_range_are_refused(run, option):
    result = run("evaluate", "cgan_digits", *option)
    assert result.exit_code == 2 and "should be greater than or equal" in result.stderr
