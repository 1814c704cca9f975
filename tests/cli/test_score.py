import csv

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.pictures import heat_colors


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "f_anogan"
    gan = kg.FAnoGAN((8, 8, 1), 4, base_channels=2, gan_steps=0, false_alarm_rate=0.2)
    gan.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "in", 5)


def write(folder, count, side=8):
    random = np.random.default_rng(count)
    for i in range(count):
        path = folder / f"{'sub/' * (i % 2)}{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (side, side), "uint8")).save(path)
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read(path):
    return np.asarray(Image.open(path))


def test_each_picture_has_a_line(run, preset, folder, tmp_path):
    out, seen = tmp_path / "scores.csv", tmp_path / "seen"
    done = run("score", preset, folder, "--out", out, "--heatmaps", seen)
    assert "scores of 5 pictures" in done.output and "no threshold" in done.output
    found = rows(out)
    names = ["0.png", "2.png", "4.png", "sub/1.png", "sub/3.png"]
    assert [row["file"] for row in found] == names
    assert list(found[0])[:2] == ["file", "score"] and "anomalous" not in found[0]
    images = np.stack([read(folder / name)[..., None] for name in names])
    expected = kg.from_preset(preset).examine(images)
    for name in ("score", "residual", "features", "latent_distance"):
        values = [float(row[name]) for row in found]
        np.testing.assert_allclose(values, expected[name], rtol=1e-5)
    pictures = heat_colors(expected["heatmap"])
    for name, picture in zip(names, pictures, strict=True):
        # A rounding up or down.
        np.testing.assert_allclose(read(seen / name), picture.astype(int), atol=1)


def test_a_threshold_is_chosen_on_normal_pictures(
    run, refused, preset, folder, tmp_path
):
    out = tmp_path / "scores.csv"
    normals = write(tmp_path / "normals", 9)
    done = run("score", preset, folder, "--out", out, "--normals", normals)
    assert "false-alarm rate of 0.2" in done.output
    found = rows(out)
    images = np.stack([read(p)[..., None] for p in sorted(normals.rglob("*.png"))])
    threshold = kg.from_preset(preset).calibrate(images)
    for row in found:
        assert int(row["anomalous"]) == (float(row["score"]) > threshold)
    above = sum(int(row["anomalous"]) for row in found)
    assert f" {above} lie above" in done.output
    arguments = ("score", preset, folder, "--out", tmp_path / "more.csv")
    rate = ("--false-alarm-rate", 0.01)
    assert "it takes 99" in refused(*arguments, "--normals", normals, *rate)
    assert "goes with --normals" in refused(*arguments, *rate)


def test_what_does_not_fit_is_named(run, refused, preset, folder, tmp_path, finished):
    out = tmp_path / "scores.csv"
    write(folder / "large", 1, side=16)
    said = refused("score", preset, folder, "--out", out)
    assert "is 16x16, the nearest size is 8x8" in said and not out.exists()
    assert run("score", preset, folder, "--out", out, "--resize").exit_code == 0
    assert len(rows(out)) == 6
    assert "there already" in refused("score", preset, folder, "--out", out)
    other = finished / "preset"
    out = tmp_path / "others.csv"
    assert "scores no images" in refused("score", other, folder, "--out", out)


@pytest.fixture(scope="module")
def normal_data(tmp_path_factory):
    """Images of two classes, the second one noise."""
    path = tmp_path_factory.mktemp("data") / "parts.npz"
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 8, 8, 1), "uint8")
    labels = np.arange(60) % 3 // 2
    images[labels == 0] //= 8
    np.savez(path, train_images=images, train_labels=labels)
    return path


TINY = ["--set", "base_channels=2", "--set", "latent_dim=3", "--no-xla"]


def test_a_recipe_trains_both_stages_on_normal_images(
    run, refused, normal_data, tmp_path
):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f"""system = "f_anogan"
[arguments]
gan_steps = 2
critic_steps = 1
false_alarm_rate = 0.3
[data]
name = "{normal_data}"
normal = 0
held_out = 0.2
repeats = 2
[fit]
batch_size = 16
epochs = 2
"""
    )
    done = run("train", recipe, *TINY, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    # 40 are of the class 0, of which 8 are held out.
    assert "on 32 images" in done.output
    assert "8 normal images held out" in done.output
    assert "keras-gans score" in done.output
    gan = kg.from_preset(tmp_path / "run/preset")
    assert gan.stage == "encoder" and gan.is_calibrated
    assert gan.false_alarm_rate == 0.3
    scored = run(
        "score", tmp_path / "run/preset", write(tmp_path / "in", 3),
        "--out", tmp_path / "scores.csv",
    )  # fmt: skip
    assert "rate of 0.3" in scored.output
    exported = run("export", tmp_path / "run/preset", tmp_path / "served")
    assert "score:" in exported.output and "heatmaps" in exported.output


def test_impossible_recipes_are_refused_at_once(run, refused, normal_data, tmp_path):
    arguments = ("train", "anogan", "--data", normal_data, *TINY)
    out = ("--out", tmp_path / "run")
    assert "it takes 19, or a higher rate" in refused(*arguments, *out)
    recipe = tmp_path / "recipe.toml"
    for table, complaint in (
        ("normal = 7", "has no images of the class 7"),
        ("held_out = 1.5", "a number from 0 to below 1"),
    ):
        text = f'system = "anogan"\n[data]\nname = "{normal_data}"\n{table}\n'
        recipe.write_text(text)
        assert complaint in refused("train", recipe, *TINY, *out)
    recipe.write_text(f'system = "dcgan"\n[data]\nname = "{normal_data}"\nnormal = 0\n')
    assert "dcgan takes no data.normal" in refused("train", recipe, *out)
    assert not (tmp_path / "run").exists()
