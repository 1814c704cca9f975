import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.pictures import image_grid


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "age_cgan"
    gan = kg.AgeCGAN((16, 16, 3), 4, 3, base_channels=4, gan_steps=0)
    gan.save_to_preset(folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in ("ann.png", "sub/bob.jpg"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (16, 16, 3), "uint8")
        Image.fromarray(pixels).save(path)
    return tmp_path / "in"


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_faces_are_drawn_at_the_age_asked_for(run, preset, folder, tmp_path):
    out = tmp_path / "out"
    options = ["--from-class", 0, "--target", "pixels", "--steps", 5]
    done = run("age", preset, folder, out, "--to-class", 2, *options)
    assert "Wrote 2 pictures" in done.output
    images = np.stack([read(folder / name) for name in ("ann.png", "sub/bob.jpg")])
    made = kg.from_preset(preset).age(images, 0, 2, target="pixels", steps=5)
    for path, image in zip(("ann.png", "sub/bob.png"), made, strict=True):
        drawn = image_grid(kg.data.to_uint8(image[None]), 1)
        np.testing.assert_array_equal(read(out / path), drawn)


def test_all_ages_stand_side_by_side(run, preset, folder, tmp_path):
    out = tmp_path / "out"
    options = ["--from-class", 1, "--search", "encoder", "--target", "pixels"]
    run("age", preset, folder / "ann.png", out, *options)
    image = read(folder / "ann.png")[None]
    made = kg.from_preset(preset).age(image, 1, search="encoder", target="pixels")
    drawn = image_grid(kg.data.to_uint8(made[0]), 3)
    np.testing.assert_array_equal(read(out / "ann.png"), drawn)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--from-class", 0], "recogniser is not trained"),
        (["--from-class", 3, "--target", "pixels"], "Labels lie in"),
        (["--from-class", 0, "--search", "newton"], "lbfgs, adam, encoder"),
    ],
)
def test_impossible_questions_write_nothing(
    refused, preset, folder, tmp_path, changes, message
):
    out = tmp_path / "out"
    assert message in refused("age", preset, folder, out, *changes)
    assert not out.exists()


def test_other_systems_and_sizes_are_named(run, refused, preset, folder, tmp_path):
    Image.fromarray(np.zeros((20, 20, 3), "uint8")).save(folder / "large.png")
    options = ["--from-class", 0, "--target", "pixels", "--search", "encoder"]
    out = tmp_path / "out"
    found = refused("age", preset, folder, out, *options)
    assert "large.png is 20x20, the nearest size is 16x16" in found
    run("age", preset, folder, out, *options, "--resize")
    assert (out / "large.png").exists()
    found = refused("age", "gan_mnist", folder, tmp_path / "new", *options)
    assert "GAN ages no faces" in found
