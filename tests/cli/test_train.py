import csv
import shutil

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.cli import recipes
from tests.cli.conftest import TINY, assert_same_weights, names

ONE_EPOCH = [*TINY, "--batch-size", 4, "--epochs", 1]


@pytest.fixture
def pictures(tmp_path):
    """A folder of two classes, six pictures each."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, 256, (9, 8, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{i}.png")
    return tmp_path / "pets"


def test_what_a_run_leaves(finished):
    assert names(finished) == ["history.csv", "preset", "recipe.toml", "samples"]
    assert names(finished / "samples") == ["epoch_0001.png", "epoch_0002.png"]
    with open(finished / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert all(np.isfinite(float(row["generator_loss"])) for row in rows)
    recipe = recipes.read(finished / "recipe.toml")
    assert recipe["arguments"]["image_shape"] == [8, 8, 1]
    assert recipe["arguments"]["seed"] == 0
    assert recipe["fit"] == {"batch_size": 4, "epochs": 2}
    assert recipes.read(finished / "preset" / "recipe.toml") == recipe
    assert not kg.from_preset(finished / "preset").compiled


def test_the_last_line_names_preset_samples_and_what_to_try(train, tmp_path):
    last = train(tmp_path / "a run", "--epochs", 1).stdout.splitlines()[-1]
    assert f"keras-gans sample '{tmp_path}/a run/preset'" in last
    assert f"keras-gans export '{tmp_path}/a run/preset' served/1" in last
    assert f"{tmp_path}/a run/samples" in last


def test_a_preset_is_a_recipe(finished, run, tmp_path):
    result = run("train", finished / "preset", "--out", tmp_path / "again")
    assert result.exit_code == 0, result.output
    assert_same_weights(finished, tmp_path / "again")


def test_options_override_the_recipe(run, npz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(
        """
        system = "WGANGP"
        [arguments]
        image_shape = [28, 28, 1]
        architecture = "mlp"
        base_channels = 8
        critic_steps = 2
        [data]
        name = "digits"
        [fit]
        epochs = 7
        [training]
        precision = "mixed_bfloat16"
        [optimizers.critic]
        class = "SGD"
        learning_rate = 0.001
        """
    )
    changes = ["--data", npz, "--ema-decay", 0.5, *ONE_EPOCH, "--flip"]
    result = run("train", "mine.toml", *changes)
    assert result.exit_code == 0, result.output
    recipe = recipes.read(tmp_path / "runs" / "mine" / "recipe.toml")
    assert recipe["system"] == "wgan_gp"
    assert recipe["arguments"]["image_shape"] == [8, 8, 1]
    assert recipe["arguments"]["architecture"] == "mlp"
    assert recipe["arguments"]["base_channels"] == 2
    assert recipe["arguments"]["ema_decay"] == 0.5
    assert recipe["fit"] == {"batch_size": 4, "epochs": 1}
    assert recipe["training"] == {"precision": "mixed_bfloat16", "xla": False}
    assert recipe["optimizers"] == {"critic": {"class": "SGD", "learning_rate": 0.001}}
    assert recipe["data"]["flip"] is True


def test_classes_are_those_of_the_folder(run, pictures, tmp_path, monkeypatch):
    adapted = []

    def adapt(gan, images):
        adapted.append(images.shape)

    monkeypatch.setattr(kg.CGAN, "adapt", adapt)
    data = ["--data", pictures, "--image-size", 8, "--color-mode", "grey", "--flip"]
    out = ["--epochs", 1, "--batch-size", 4, "--no-xla", "--out", tmp_path / "run"]
    result = run("train", "cgan", *data, *out)
    assert result.exit_code == 0, result.output
    recipe = recipes.read(tmp_path / "run" / "recipe.toml")
    assert recipe["arguments"]["num_classes"] == 2
    assert recipe["arguments"]["image_shape"] == [8, 8, 1]
    assert adapted == [(12, 8, 8, 1)]


def test_a_folder_is_read_as_it_goes(run, pictures, tmp_path, monkeypatch):
    def load(*arguments, **options):
        raise AssertionError("the whole folder was loaded")

    monkeypatch.setattr(kg.data, "load", load)
    data = ["--data", pictures, "--image-size", 8]
    result = run("train", "dcgan", *data, *ONE_EPOCH, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "Training dcgan on 12 images of 8x8x3" in result.stdout


def test_damage_found_on_the_way_is_one_line(refused, run, pictures, tmp_path):
    damaged = pictures / "cats" / "3.png"
    damaged.write_bytes(damaged.read_bytes()[:150])
    data = ["--data", pictures, "--image-size", 8]
    out = ["--out", tmp_path / "run"]
    line = refused("train", "dcgan", *data, *ONE_EPOCH, *out)
    assert line.startswith(f"error: {damaged} is damaged")
    assert "--skip-damaged leaves damaged ones out" in line
    with pytest.warns(UserWarning, match="cats/3.png"):
        result = run("train", "dcgan", *data, *ONE_EPOCH, *out, "--skip-damaged")
    assert "on 11 images" in result.stdout and result.exit_code == 0


def test_a_diverged_run_saves_nothing(refused, npz, tmp_path):
    (tmp_path / "wild.toml").write_text(
        """
        system = "dcgan"
        [data]
        name = "NAME"
        [optimizers.discriminator]
        class = "SGD"
        learning_rate = 1e38
        """.replace("NAME", str(npz))
    )
    folder = tmp_path / "run"
    line = refused("train", tmp_path / "wild.toml", *ONE_EPOCH, "--out", folder)
    assert "The training diverged" in line
    assert not (folder / "preset").exists() and not (folder / "backup").exists()


def test_folders_of_others_are_refused(refused, finished, npz, tmp_path):
    what = ["train", "dcgan", "--data", npz]
    assert "holds a finished run" in refused(*what, "--out", finished)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("")
    assert "is no run" in refused(*what, "--out", tmp_path / "thesis")
    assert names(tmp_path / "thesis") == ["chapter1.tex"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nogan"], "no system called 'nogan'"),
        (["dcgan", "--data", "./absent"], "no folder or file './absent'"),
        (["none.toml"], "no recipe 'none.toml'"),
        (["."], "holds no recipe.toml"),
        (["dcgan", "--set", "base_chanels=2"], "did you mean base_channels?"),
        (["dcgan", "--set", "base_channels=few"], "base_channels must be a whole"),
        (["dcgan", "--set", "base_channels"], "--set takes NAME=VALUE"),
        (["dcgan", "--image-size", "30"], "Resize them to sides among"),
        (["dcgan", "--image-size", "-1"], "image_size must be pixels"),
        (["dcgan", "--batch-size", "99"], "lower --batch-size"),
        (["dcgan", "--split", "test"], "no images for split 'test'"),
        (["dcgan", "--precision", "half"], "precision must be one of float32"),
        (["dcgan", "--ema-decay", "1"], "ema_decay must be a number from 0 to below"),
        (["cgan", "--set", "num_classes=2"], "Labels lie in [0, 2)"),
    ],
)
def test_wrong_requests_are_one_line_and_leave_nothing(
    refused, npz, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(npz, "noise.npz")
    if "--data" not in arguments and "." not in arguments[0]:
        arguments = [*arguments, "--data", "noise.npz"]
    assert message in refused("train", *arguments)
    assert names(tmp_path) == ["noise.npz"]


def test_data_must_be_named(refused):
    assert "--data digits" in refused("train", "dcgan")


def test_classes_need_labels(refused, tmp_path):
    np.savez(tmp_path / "bare.npz", images=np.zeros((4, 8, 8, 1), "uint8"))
    line = refused("train", "cgan", "--data", tmp_path / "bare.npz")
    assert "bare.npz has no labels" in line


CLASSES_ARE_OPTIONAL = """
system = "r1_gan"
[arguments]
base_channels = 2
max_channels = 2
latent_dim = 3
{classes}
[data]
name = "{npz}"
[fit]
batch_size = 4
epochs = 1
[training]
xla = false
"""


@pytest.mark.parametrize(("classes", "number"), [("", None), ("num_classes = 3", 3)])
def test_classes_are_learned_if_a_system_needs_them_or_they_are_counted(
    run, npz, tmp_path, classes, number
):
    path = tmp_path / "recipe.toml"
    path.write_text(CLASSES_ARE_OPTIONAL.format(npz=npz, classes=classes))
    result = run("train", path, "--data", npz, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    recipe = recipes.read(tmp_path / "run" / "recipe.toml")
    assert recipe["arguments"].get("num_classes") == number
