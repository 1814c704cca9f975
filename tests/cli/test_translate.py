import shutil

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.cli import recipes


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "pix2pix"
    gan = kg.Pix2Pix((32, 32, 3), base_channels=1, discriminator_channels=1)
    gan.save_to_preset(folder)
    return folder


def write_pictures(folder, *sizes):
    random = np.random.default_rng(0)
    for i, (height, width) in enumerate(sizes):
        path = folder / f"{'sub/' * (i % 2)}{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (height, width, 3), "uint8")
        Image.fromarray(pixels).save(path)


def read(path):
    return np.asarray(Image.open(path))


def test_each_picture_becomes_one_of_its_name(run, refused, preset, tmp_path):
    write_pictures(tmp_path / "in", (32, 32), (64, 32), (32, 32))
    done = run("translate", preset, tmp_path / "in", tmp_path / "out")
    assert "Wrote 3 pictures" in done.output
    found = sorted(
        p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.png")
    )
    assert [str(path) for path in found] == ["0.png", "2.png", "sub/1.png"]
    assert read(tmp_path / "out/sub/1.png").shape == (64, 32, 3)
    gan = kg.from_preset(preset)
    third = read(tmp_path / "in/2.png")[None]
    # Sorted by path, it is the second that was translated.
    expected = kg.data.to_uint8(gan.translate(third, first_row=1))[0]
    np.testing.assert_array_equal(read(tmp_path / "out/2.png"), expected)


def test_nothing_is_overwritten_unasked(run, refused, preset, tmp_path):
    write_pictures(tmp_path / "in", (32, 32))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0.png").write_bytes(b"mine")
    arguments = ("translate", preset, tmp_path / "in", tmp_path / "out")
    assert "there already" in refused(*arguments)
    assert (tmp_path / "out/0.png").read_bytes() == b"mine"
    run(*arguments, "--overwrite")
    assert read(tmp_path / "out/0.png").shape == (32, 32, 3)


def test_sizes_that_do_not_fit_are_named_before_anything_is_written(
    run, refused, preset, tmp_path
):
    write_pictures(tmp_path / "in", (32, 32), (30, 70))
    arguments = ("translate", preset, tmp_path / "in", tmp_path / "out")
    said = refused(*arguments)
    assert "nearest size is 32x64" in said and "--resize" in said
    assert not (tmp_path / "out").exists()
    run(*arguments, "--resize")
    assert read(tmp_path / "out/sub/1.png").shape == (32, 64, 3)


def test_what_cannot_be_translated_is_said(run, refused, preset, tmp_path):
    write_pictures(tmp_path / "in", (32, 32))
    out = tmp_path / "out"
    said = refused("translate", preset, tmp_path / "no", out)
    assert "no folder" in said
    options = ("--direction", "ba")
    said = refused("translate", preset, tmp_path / "in", out, *options)
    assert "takes no direction" in said
    (tmp_path / "in/0.jpg").write_bytes(b"no picture")
    said = refused("translate", preset, tmp_path / "in", out)
    assert "would both become" in said
    (tmp_path / "in/0.png").unlink()
    said = refused("translate", preset, tmp_path / "in", out)
    assert "0.jpg" in said
    said = refused("sample", preset)
    assert "keras-gans translate" in said
    said = refused("translate", "cgan_digits", tmp_path / "in", out)
    assert "translates no images" in said or "0.jpg" in said


def test_a_restoring_preset_degrades_what_it_is_shown(run, refused, tmp_path):
    gan = kg.Pix2Pix(
        (32, 32, 3), source_channels=4, base_channels=1, discriminator_channels=1
    )
    gan.save_to_preset(tmp_path / "preset")
    write_pictures(tmp_path / "in", (32, 32))
    arguments = ("translate", tmp_path / "preset", tmp_path / "in", tmp_path / "out")
    assert "--degradation" in refused(*arguments)
    run(*arguments, "--degradation", "mosaic:8")
    picture = read(tmp_path / "in/0.png")[None]
    source = kg.data.degrade(picture, "mosaic:8", 0)
    expected = kg.data.to_uint8(gan.translate(source))[0]
    np.testing.assert_allclose(read(tmp_path / "out/0.png"), expected, atol=1)


def test_training_on_pairs_and_on_domains(run, refused, tmp_path):
    write_pictures(tmp_path / "data", *[(32, 32)] * 6)
    for path in list((tmp_path / "data/sub").iterdir()):
        path.rename(tmp_path / "data" / path.name)
    small = ("--set", "base_channels=1", "--set", "discriminator_channels=1")
    fit = ("--epochs", 1, "--batch-size", 2)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'system = "pix2pix"\n[data]\n'
        f'name = "{tmp_path / "data"}"\nsplit = "all"\ndegradation = "mosaic:8"\n'
        "flip = true\n"
    )
    out = tmp_path / "run"
    done = run("train", recipe, *small, *fit, "--out", out)
    assert done.exit_code == 0, done.output
    assert f"keras-gans translate {out / 'preset'} IN_DIR OUT_DIR" in done.output
    assert kg.from_preset(out / "preset").source_channels == 4
    # Eight rows at most, of the source, the translation and the target.
    height, width, _ = read(out / "samples/epoch_0001.png").shape
    assert height > width
    recipe.write_text(
        'system = "cyclegan"\n[data]\n'
        f'name = "{tmp_path / "data"}"\nsecond = "{tmp_path / "data"}"\nsplit = "all"\n'
    )
    both = tmp_path / "both"
    small = (*small, "--set", "residual_blocks=1")
    done = run("train", recipe, *small, *fit, "--out", both)
    assert done.exit_code == 0, done.output
    assert (both / "samples/translate_ba/epoch_0001.png").is_file()
    recipe.write_text('system = "pix2pix"\n[data]\nname = "x"\nsecond = "edges"\n')
    assert "takes no data.second" in refused("train", recipe)


@pytest.fixture
def two_hands(tmp_path):
    """Digits of two hands: labelled, and larger ones without labels."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, 12, 10, 10, 1), "uint8")
    labels = np.arange(12) % 3
    np.savez(tmp_path / "one.npz", train_images=images[0], train_labels=labels)
    np.savez(tmp_path / "other.npz", train_images=images[1])
    return str(tmp_path / "one.npz"), str(tmp_path / "other.npz")


def test_what_looks_at_the_images_is_trained_first(run, refused, two_hands, tmp_path):
    more = ("--image-size", 16, "--epochs", 1, "--batch-size", 4, "--no-xla")
    more += ("--set", "base_channels=2", "--out", tmp_path / "run")
    one, other = two_hands
    said = refused("train", "dtn", "--data", other, "--second", one, *more)
    assert f"{other} has no labels" in said
    done = run("train", "dtn", "--data", one, "--second", other, *more)
    assert done.exit_code == 0, done.output
    assert "First, for 5 epochs" in done.output
    recipe = recipes.read(tmp_path / "run" / "recipe.toml")
    assert recipe["pretraining"] == {"batch_size": 4, "epochs": 5}
    assert recipe["arguments"]["num_labels"] == 3
    assert recipe["arguments"]["source_channels"] == 1


def test_the_other_systems_have_nothing_to_train_first(refused, two_hands, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'system = "dcgan"\n[data]\nname = "{two_hands[0]}"\n[pretraining]\nepochs = 1'
    )
    assert "dcgan takes no table pretraining" in refused("train", path)


def test_what_is_trained_first_says_what_it_takes(refused, two_hands, tmp_path):
    path, (one, other) = tmp_path / "recipe.toml", two_hands
    path.write_text(
        f'system = "dtn"\n[data]\nname = "{one}"\nsecond = "{other}"\n'
        '[pretraining]\npreset = "dtn_mnist_usps"'
    )
    assert "dtn takes no pretraining.preset" in refused("train", path)


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    """Label maps, instance maps and photographs of 16x16."""
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data") / "streets"
    kinds = {"label": ((16, 16), 3), "inst": ((16, 16), 250), "img": ((16, 16, 3), 256)}
    for kind, (shape, count) in kinds.items():
        for split in ("train", "test"):
            (folder / f"{split}_{kind}").mkdir(parents=True)
            for i in range(2):
                pixels = random.integers(0, count, shape, "uint8")
                Image.fromarray(pixels).save(folder / f"{split}_{kind}" / f"{i}.png")
    return folder


def test_label_maps_from_training_to_pictures(run, refused, streets, tmp_path):
    tiny = ("base_channels=1", "discriminator_channels=1", "residual_blocks=1")
    more = [part for name in (*tiny, "halvings=2") for part in ("--set", name)]
    more += ["--epochs", 1, "--batch-size", 1, "--evaluate-every", 1, "--no-xla"]
    done = run(
        "train", "pix2pixhd", "--data", streets, *more, "--out", tmp_path / "run"
    )
    assert done.exit_code == 0, done.output
    assert "IN_DIR OUT_DIR --instances DIR, or" in done.stdout
    assert recipes.read(tmp_path / "run/recipe.toml")["arguments"]["num_labels"] == 3
    # Two rows of a map in colours, what was made of it, and the photograph.
    assert read(tmp_path / "run/samples/epoch_0001.png").ndim == 3
    assert (tmp_path / "run/best/metrics.json").exists()
    maps = ("translate", tmp_path / "run/preset", streets / "test_label")
    assert "also needs instance maps" in refused(*maps, tmp_path / "out")
    more = ("--instances", streets / "test_inst")
    done = run(*maps, tmp_path / "out", *more)
    assert done.exit_code == 0, done.output
    gan = kg.from_preset(tmp_path / "run/preset")
    labels, instances, _ = kg.data.load_label_maps(str(streets), "test")
    expected = kg.data.to_uint8(gan.translate((labels, instances)))
    for i in range(2):
        np.testing.assert_array_equal(read(tmp_path / f"out/{i}.png"), expected[i])
    said = refused(*maps, tmp_path / "other", *more, "--degradation", "grey")
    assert "takes no degradation" in said


def test_label_maps_without_instances(run, refused, streets, tmp_path):
    arguments = ("train", "pix2pixhd", "--data", streets, "--out", tmp_path / "run")
    assert "take no data.flip" in refused(*arguments[:4], "--flip", *arguments[4:])
    assert "take no data.color_mode" in refused(*arguments, "--color-mode", "grey")
    for kind in ("label", "img"):
        shutil.copytree(streets / f"train_{kind}", tmp_path / f"bare/train_{kind}")
    arguments = ("train", "pix2pixhd", "--data", tmp_path / "bare")
    assert "no instance maps" in refused(*arguments, "--out", tmp_path / "run")
