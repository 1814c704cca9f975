import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.cli import recipes
from tests.cli.test_translate import read

RECIPE = """\
system = "adain"

[arguments]
base_channels = 2
stages = 3

[data]
name = "digits"
also = ["digits"]
image_size = 8
second = "{paintings}"
style_size = 20
flip = true

[pretraining]
batch_size = 512
epochs = 1

[fit]
batch_size = 1024
epochs = 1
"""


def write_pictures(folder, *sizes):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for i, size in enumerate(sizes):
        pixels = random.integers(0, 256, (*size, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a short run, and its recipe."""
    folder = tmp_path_factory.mktemp("styles")
    write_pictures(folder / "paintings", (40, 30), (24, 24))
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(paintings=folder / "paintings"))
    return folder, recipe


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "adain"
    kg.AdaIN((8, 8, 3), base_channels=2, stages=2).save_to_preset(folder)
    return folder


def test_each_picture_is_drawn_in_the_style(run, preset, tmp_path):
    write_pictures(tmp_path / "in", (9, 8), (9, 8), (12, 31))
    write_pictures(tmp_path / "styles", (20, 10), (8, 8))
    first, second = (tmp_path / "styles" / name for name in ("0.png", "1.png"))
    arguments = ("stylize", preset, tmp_path / "in")
    done = run(*arguments, tmp_path / "out", "--style", first, "--alpha", 0.5)
    assert "Wrote 3 pictures" in done.output
    gan = kg.from_preset(preset)
    for name in ("1.png", "2.png"):
        content = read(tmp_path / "in" / name)[None]
        expected = kg.data.to_uint8(gan.stylize(content, read(first), alpha=0.5))[0]
        np.testing.assert_allclose(read(tmp_path / "out" / name), expected, atol=1)
    mixed = ("--style", first, "--style", second, "--weight", 3, "--weight", 1)
    run(*arguments, tmp_path / "mixed", *mixed, "--color", "coral")
    content = read(tmp_path / "in/2.png")[None]
    made = gan.stylize(content, [read(first), read(second)], 1.0, (3, 1), "coral")
    expected = kg.data.to_uint8(made)[0]
    np.testing.assert_allclose(read(tmp_path / "mixed/2.png"), expected, atol=1)


def test_what_cannot_be_stylised_is_said(run, refused, preset, tmp_path):
    write_pictures(tmp_path / "in", (9, 8))
    style = tmp_path / "in/0.png"
    arguments = ("stylize", preset, tmp_path / "in", tmp_path / "out", "--style")
    assert "2 styles take as many weights" in refused(
        *arguments, style, "--style", style, "--weight", 1
    )
    assert "method is one of" in refused(*arguments, style, "--color", "blue")
    assert "takes no styles" in refused(
        "stylize", "cgan_digits", tmp_path / "in", tmp_path / "out", "--style", style
    )
    (tmp_path / "none.png").write_bytes(b"no picture")
    assert "none.png" in refused(*arguments, tmp_path / "none.png")
    write_pictures(tmp_path / "small", (2, 8))
    assert "pictures from 3x3 on. Found: 2x8" in refused(
        "stylize", preset, tmp_path / "small", tmp_path / "out", "--style", style
    )
    assert not (tmp_path / "out").exists()
    run(*arguments, style)
    assert "there already" in refused(*arguments, style)
    said = refused("translate", preset, tmp_path / "in", tmp_path / "other")
    assert "keras-gans stylize" in said


def test_a_recipe_trains_the_encoder_first(run, refused, trained):
    folder, recipe = trained
    done = run("train", recipe, "--out", folder / "run")
    assert "what it looks with" in done.output and "stylize" in done.output
    gan = kg.from_preset(folder / "run/preset")
    # Rows of a content, a style and what is made of them.
    grid = read(folder / "run/samples/epoch_0001.png")
    assert grid.shape[0] // grid.shape[1] == 2
    again = recipes.read(folder / "run/preset/recipe.toml")
    assert again["data"]["also"] == ["digits"]
    assert again["pretraining"] == {"batch_size": 512, "epochs": 1}
    # Its encoder serves another training, whose contents have no labels.
    plain = RECIPE.format(paintings=folder / "paintings")
    plain = plain.replace('"digits"', f'"{folder / "paintings"}"')
    plain = plain.replace("batch_size = 1024", "batch_size = 2")
    recipe = folder / "plain.toml"
    recipe.write_text(plain)
    assert "pretraining.preset" in refused("train", recipe, "--out", folder / "no")
    preset = folder / "run/preset"
    recipe.write_text(
        plain.replace("[pretraining]", f'[pretraining]\npreset = "{preset}"')
    )
    run("train", recipe, "--out", folder / "second")
    second = kg.from_preset(folder / "second/preset")
    for own, other in zip(second.encoder.weights, gan.encoder.weights, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize(
    "old,new,message",
    [
        ("style_size = 20", "jitter = 9", "Styles take no data.jitter"),
        ('second = "{paintings}"', "", "data.second names the paintings"),
        ("image_size = 8", "", "come in 2 sizes"),
        ('system = "adain"', 'system = "dtn"', "no data.also"),
        ("epochs = 1\n\n[fit]", 'preset = "cgan_digits"\n[fit]', "Found: CGAN"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(
    refused, trained, tmp_path, old, new, message
):
    folder, _ = trained
    assert old in RECIPE
    text = RECIPE.replace(old, new).replace("{paintings}", str(folder / "paintings"))
    if old.startswith("system"):
        text = text.replace("base_channels = 2\nstages = 3\n", "")
    if old.startswith("image_size"):
        text = text.replace('also = ["digits"]', f'also = ["{folder / "paintings"}"]')
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text)
    said = refused("train", recipe, "--out", tmp_path / "run")
    assert message in said


def test_the_signatures_are_named(run, preset, tmp_path):
    done = run("export", preset, tmp_path / "served")
    assert "stylize_png:     content_bytes, style_bytes, alpha -> image_bytes" in (
        done.output
    )
