"""Volumes from the command line: trained by a recipe, drawn, and written as meshes."""

import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg

RECIPE = """\
system = "gan_3d"

[arguments]
latent_dim = 3
base_channels = 2
prior = "normal"
instance_noise = 0.3

[data]
name = "{data}"
only = "box"

[optimizers.generator]
class = "Adam"
learning_rate = 1e-3
beta_1 = 0.5

[training]
xla = false

[fit]
batch_size = 4
epochs = 1
"""


@pytest.fixture(scope="module")
def voxels(tmp_path_factory):
    """Nine volumes of 8x8x8 in two classes; one is empty."""
    path = tmp_path_factory.mktemp("data") / "shapes.npz"
    volumes = np.zeros((9, 8, 8, 8), "uint8")
    volumes[:8, 2:6, 2:6, 1:7] = 1
    np.savez(
        path,
        train_voxels=volumes,
        train_labels=np.array([0, 1, 0, 0, 0, 1, 1, 1, 0]),
        class_names=np.array(["box", "ball"]),
    )
    return path


@pytest.fixture(scope="module")
def finished(run, voxels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "recipe.toml").write_text(RECIPE.format(data=voxels))
    result = run("train", folder / "recipe.toml", "--out", folder / "run")
    assert result.exit_code == 0, result.output
    assert "4 volumes of 8x8x8" in result.output
    return folder / "run"


def test_a_recipe_trains_one_class(finished):
    gan = kg.from_preset(finished / "preset")
    assert isinstance(gan, kg.GAN3D)
    assert gan.image_shape == (8, 8, 8, 1) and gan.instance_noise == 0.3
    with Image.open(finished / "samples" / "epoch_0001.png") as grid:
        # Eight by eight pictures of 96 pixels.
        assert grid.size == (8 * 98 + 2, 8 * 98 + 2)
    header = (finished / "history.csv").read_text().splitlines()[0]
    assert "discriminator_updates" in header


def test_pictures_are_drawn_for_a_system_that_sees(run, voxels, tmp_path):
    recipe = RECIPE.format(data=voxels).replace("gan_3d", "vae_gan_3d")
    pictures = "picture_shape = [32, 32, 3]\nencoder_channels = 2"
    recipe = recipe.replace('prior = "normal"', pictures)
    (tmp_path / "recipe.toml").write_text(recipe)
    result = run("train", tmp_path / "recipe.toml", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    gan = kg.from_preset(tmp_path / "run" / "preset")
    photographs = np.zeros((2, 32, 32, 3), "uint8")
    assert gan.reconstruct(photographs).shape == (2, 8, 8, 8, 1)


def test_samples_are_pictures_and_meshes(run, finished, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    pytest.importorskip("skimage")
    out = ["--out", tmp_path / "grid.png", "--meshes", tmp_path / "meshes"]
    preset = finished / "preset"
    what = ["sample", preset, "--num", 2, "--seed", 1, "--mesh-format", "stl"]
    result = run(*what, *out)
    assert result.exit_code == 0, result.output
    filled = kg.from_preset(preset).volumes(2, seed=1).any(axis=(1, 2, 3))
    assert f"Wrote {filled.sum()} meshes" in result.output
    assert ("volumes are empty" in result.output) == (not filled.all())
    for i in np.flatnonzero(filled):
        mesh = trimesh.load(tmp_path / "meshes" / f"{i:04d}.stl", force="mesh")
        assert len(mesh.faces) and mesh.bounds.min() >= -1 and mesh.bounds.max() <= 8
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (2 * 98 + 2, 98 + 2)


def test_meshes_of_pictures_are_refused(refused, tmp_path):
    kg.DCGAN((8, 8, 1), 3, 2).save_to_preset(tmp_path / "flat")
    what = ["sample", tmp_path / "flat", "--out", tmp_path / "grid.png", "--meshes"]
    assert "draws no volumes" in refused(*what, tmp_path / "meshes")
    said = refused(*what, tmp_path / "meshes", "--mesh-format", "gltf")
    assert "Meshes are OBJ, STL, PLY files" in said
    assert not (tmp_path / "grid.png").exists()


@pytest.mark.parametrize("package", ["trimesh", "skimage"])
def test_without_its_packages_nothing_is_left_behind(
    refused, finished, tmp_path, monkeypatch, package
):
    monkeypatch.setitem(sys.modules, package, None)
    out = ["--out", tmp_path / "grid.png", "--meshes", tmp_path / "meshes"]
    assert "keras-gans[volumes]" in refused("sample", finished / "preset", *out)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("found", "changed", "message"),
    [
        ('only = "box"', 'only = "cone"', "has the classes box, ball. Found: cone"),
        ('only = "box"', "flip = true", "Volumes are not mirrored"),
        ("epochs = 1", "epochs = 1\n[evaluation]\nevery = 1", "Samples of images are"),
        ("latent_dim = 3", 'augmentation = "color"', "Augmentations are of pictures"),
    ],
)
def test_recipes_that_do_not_suit(refused, voxels, tmp_path, found, changed, message):
    recipe = RECIPE.format(data=voxels).replace(found, changed)
    (tmp_path / "recipe.toml").write_text(recipe)
    said = refused("train", tmp_path / "recipe.toml", "--out", tmp_path / "run")
    assert message in said


def test_pictures_are_no_volumes(refused, npz, tmp_path):
    said = refused("train", "gan_3d", "--data", npz, "--out", tmp_path / "run")
    assert "holds no volumes but images of 8x8x1" in said


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModel")
def test_export_lists_what_is_served(run, finished, tmp_path):
    result = run("export", finished / "preset", tmp_path / "served" / "1")
    assert result.exit_code == 0, result.output
    assert "sample_png" not in result.output and "num_images, seed" in result.output
