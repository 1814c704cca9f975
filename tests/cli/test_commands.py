import pathlib
import shlex

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.cli import commands
from keras_gans.pictures import image_grid
from tests.systems import tiny_cgan


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """An untrained CGAN of three classes, as a preset."""
    folder = tmp_path_factory.mktemp("presets") / "cgan"
    tiny_cgan().save_to_preset(folder)
    return folder


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_sample_writes_a_grid(run, finished, tmp_path):
    out = tmp_path / "new" / "grid.png"
    result = run("sample", finished / "preset", "--num", 4, "--seed", 3, "--out", out)
    assert result.exit_code == 0, result.output
    assert str(out) in result.stdout
    images = kg.from_preset(finished / "preset").sample(4, seed=3)
    grid = image_grid(images, columns=2)
    np.testing.assert_array_equal(pixels(out), grid[..., 0])


def test_sample_writes_separate_files(run, classes, tmp_path):
    wanted = ["--num", 3, "--label", 2, "--label", 0, "--truncation", 1]
    result = run("sample", classes, *wanted[:-2], "--separate", tmp_path / "all")
    assert result.exit_code == 0, result.output
    images = kg.from_preset(classes).sample(3, seed=0, labels=[2, 0, 2])
    for i, image in enumerate(kg.data.to_uint8(images)):
        found = pixels(tmp_path / "all" / f"{i:04d}.png")
        np.testing.assert_array_equal(found, image[..., 0])


def test_sample_overwrites_only_when_told(run, refused, finished, tmp_path):
    out = tmp_path / "grid.png"
    out.write_text("precious")
    what = ["sample", finished / "preset", "--num", 1, "--out", out]
    assert "is there already" in refused(*what)
    assert out.read_text() == "precious"
    assert run(*what, "--overwrite").exit_code == 0
    assert pixels(out).ndim == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "3"], "Labels lie in [0, 3)"),
        (["--truncation", "1"], "no tail to truncate"),
        (["--out", "grid.gif"], "are PNG files"),
    ],
)
def test_sample_refuses(refused, classes, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("sample", classes, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_unknown_presets_are_refused(refused, tmp_path):
    assert "no such preset" in refused("sample", "nothing", "--out", tmp_path / "x.png")
    assert "no such preset" in refused("export", "nothing", tmp_path / "x")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModel")
def test_export_says_how_to_serve(run, refused, classes, tmp_path):
    result = run("export", classes, tmp_path / "some digits")
    assert result.exit_code == 0, result.output
    written = tmp_path / "some digits" / "1"
    assert (written / "saved_model.pb").is_file()
    assert f"Wrote {written}" in result.stdout
    assert "sample_png:      num_images, seed, labels -> image_bytes" in result.stdout
    docker = next(line for line in result.stdout.splitlines() if "docker" in line)
    volume = shlex.split(docker)[shlex.split(docker).index("-v") + 1]
    assert volume == f"{written.parent}:/models/some_digits"
    assert '"labels": [0]' in result.stdout
    assert "localhost:8501/v1/models/some_digits:predict" in result.stdout
    assert "not empty" in refused("export", classes, written)


def test_the_request_is_answered_in_shell_and_json():
    model = pathlib.Path("/served/digits")
    first, second = commands.request(model, None).split(" \\\n    | ")
    assert shlex.split(first)[:3] == ["curl", "-s", "-d"]
    assert "labels" not in first
    compile(shlex.split(second)[2], "decode", "exec")


def test_the_next_free_version(tmp_path):
    assert commands._next_version(tmp_path / "absent") == 1
    for name in ("1", "9", "10", "notes"):
        (tmp_path / name).mkdir()
    assert commands._next_version(tmp_path) == 11


def test_presets_and_systems_are_listed(run, refused, monkeypatch):
    found = {"one": "The first.", "second": "The second."}
    monkeypatch.setattr(kg, "list_presets", lambda system: {} if system else found)
    assert run("presets").stdout == "one     The first.\nsecond  The second.\n"
    assert "no pretrained models of dcgan" in run("presets", "--system", "dcgan").stdout
    assert "no system called 'x'" in refused("presets", "--system", "x")
    lines = run("systems").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(kg.list_systems())
