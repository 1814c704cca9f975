"""Tables on the command line: trained from a recipe, translated, augmented, served."""

import numpy as np
import pandas
import pytest

import keras_gans as kg
from keras_gans.cli import recipes
from tests.cli.conftest import names
from tests.contract import on_tensorflow

RECIPE = """
system = "radial_gan"
[arguments]
hidden_units = 3
latent_dim = 2
[data]
name = "{name}"
label = "ill"
categorical = ["stage"]
repeats = 2
{more}
[fit]
batch_size = 8
epochs = 2
[training]
xla = false
"""


def frames():
    rng = np.random.default_rng(0)
    found = {}
    for name, count in (("north", 40), ("south", 30)):
        ill = np.arange(count) % 2
        found[name] = pandas.DataFrame(
            {"age": rng.normal(50 + 10 * ill, 5), "stage": ill + 1, "ill": ill}
        )
    found["south"]["pulse"] = rng.normal(70, 5, 30)
    found["south"].loc[0, "pulse"] = np.nan
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CSV file for each of two domains."""
    path = tmp_path_factory.mktemp("hospitals")
    for name, frame in frames().items():
        frame.to_csv(path / f"{name}.csv", index=False)
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, folder):
    def write(more="", name=folder):
        path = tmp_path_factory.mktemp("recipes") / "two.toml"
        path.write_text(RECIPE.format(name=name, more=more))
        return path

    return write


@pytest.fixture(scope="module")
def preset(run, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "two"
    result = run("train", recipe(), "--out", out)
    assert result.exit_code == 0, result.output
    assert "Training radial_gan on 44 rows of 2 tables" in result.output
    assert "translate-rows" in result.output and "pictures" not in result.output
    return out / "preset"


def test_a_run_holds_what_was_learnt(run, preset):
    out = preset.parent
    assert names(out) == ["history.csv", "preset", "recipe.toml"]
    used = recipes.read(preset / "recipe.toml")["arguments"]
    assert [domain["name"] for domain in used["domains"]] == ["north", "south"]
    assert used["label"] == {"name": "ill", "classes": [0, 1]}
    # 24 training rows, twice, in batches of 8; the larger table has 25.
    logs = pandas.read_csv(out / "history.csv")
    assert len(logs) == 2 and "cycle_loss_1" in logs
    again = run("train", preset, "--out", out)
    assert "is finished" in again.output


def test_rows_are_translated(run, refused, preset, folder, tmp_path):
    out = tmp_path / "made.csv"
    command = ["translate-rows", preset, folder / "south.csv", out]
    command += ["--from", "south", "--to", "north"]
    result = run(*command)
    assert result.exit_code == 0, result.output
    made = pandas.read_csv(out)
    rows = pandas.read_csv(folder / "south.csv")
    expected = kg.from_preset(preset).translate(rows, "south", "north")
    pandas.testing.assert_frame_equal(made, expected, check_dtype=False)
    assert "is there already" in refused(*command)
    bare = tmp_path / "bare.csv"
    rows.drop(columns="ill").to_csv(bare, index=False)
    command[2:4] = [bare, tmp_path / "more.csv"]
    assert "give the column ill" in refused(*command)
    assert run(*command, "--prevalence").exit_code == 0
    assert list(pandas.read_csv(tmp_path / "more.csv")) == ["age", "stage"]
    command[2:4] = [tmp_path / "none.csv", tmp_path / "most.csv"]
    assert "no file" in refused(*command)


def test_tables_are_augmented(run, refused, preset, tmp_path):
    out = tmp_path / "more.csv"
    result = run("augment", preset, out, "--to", "north", "--weight", 0.5)
    assert result.exit_code == 0, result.output
    table = pandas.read_csv(out)
    assert table.origin.value_counts().to_dict() == {"north": 25, "south": 19}
    assert set(table.weight[table.origin == "south"]) == {0.5}
    assert list(table.columns) == ["age", "stage", "ill", "origin", "weight"]
    chosen = run("augment", preset, out, "--to", "north", "--overwrite")
    assert chosen.output.count("AUC") == 5 and "Translated rows have" in chosen.output
    assert "no domain 'west'" in refused(
        "augment", preset, tmp_path / "west.csv", "--to", "west"
    )


def test_what_makes_no_sense_is_refused(run, refused, recipe, preset, npz, tmp_path):
    out = ["--out", tmp_path / "run"]
    flipped = recipe("flip = true")
    assert "Tables take no data.flip" in refused("train", flipped, *out)
    assert "holds no tables" in refused("train", recipe(name=npz), *out)
    assert "draws no images" in refused("sample", preset)
    other = ["translate-rows", "cgan_digits", npz, tmp_path / "made.csv"]
    assert "knows no tables" in refused(*other, "--from", "a", "--to", "b")
    picture = tmp_path / "picture.toml"
    picture.write_text(f'system = "dcgan"\n[data]\nname = "{npz}"\nlabel = "ill"\n')
    assert "takes no data.label" in refused("train", picture, *out)
    assert not (tmp_path / "run").exists()


@on_tensorflow
def test_an_export_says_its_signatures(run, preset, tmp_path):
    result = run("export", preset, tmp_path / "served")
    assert result.exit_code == 0, result.output
    assert "translate_north_to_south: 2 columns, ill -> 3 columns, ill" in result.output
    assert "Ask for a picture" not in result.output
