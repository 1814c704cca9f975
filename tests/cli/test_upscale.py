import types

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.cli.upscaling_sources import UpscalingSource


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "srgan"
    gan = kg.SRGAN(
        (16, 16, 3),
        architecture="srvgg",
        residual_blocks=1,
        base_channels=2,
        discriminator_channels=1,
    )
    gan.save_to_preset(folder)
    return folder


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    for name, shape in (("a.png", (9, 14, 3)), ("in/b.jpg", (12, 7, 3))):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, shape, "uint8")).save(path)
    return tmp_path / "pictures"


def test_a_folder(preset, pictures, tmp_path, run, refused):
    out = tmp_path / "large"
    result = run("upscale", preset, pictures, out)
    assert result.exit_code == 0, result.output
    assert f"Wrote 2 pictures, x4, to {out}." in result.stdout
    assert pixels_of(out / "a.png").shape == (36, 56, 3)
    assert pixels_of(out / "in/b.png").shape == (48, 28, 3)
    gan = kg.from_preset(preset)
    pixels = pixels_of(pictures / "a.png")
    expected = kg.data.to_uint8(gan.upscale(pixels[None]))[0]
    np.testing.assert_array_equal(pixels_of(out / "a.png"), expected)
    assert "is there already" in refused("upscale", preset, pictures, out)
    again = run("upscale", preset, pictures, out, "--overwrite", "--tile", 5)
    assert again.exit_code == 0, again.output
    tiled = pixels_of(out / "a.png").astype(int)
    assert np.abs(tiled - expected).max() <= 1


def test_one_picture_to_a_name(preset, pictures, tmp_path, run, refused):
    out = tmp_path / "large.png"
    run("upscale", preset, pictures / "a.png", out)
    assert pixels_of(out).shape == (36, 56, 3)
    run("upscale", preset, pictures / "a.png", tmp_path / "there")
    assert (tmp_path / "there" / "a.png").is_file()


def test_what_is_refused(preset, pictures, tmp_path, run, refused):
    (pictures / "a.jpg").write_bytes((pictures / "in/b.jpg").read_bytes())
    message = refused("upscale", preset, pictures, tmp_path / "out")
    assert "would both become" in message
    message = refused("upscale", "wgan_mnist", pictures / "in", tmp_path / "o")
    assert "enlarges no pictures" in message
    assert not (tmp_path / "o").exists()


def test_training_on_pictures_of_several_sizes(tmp_path, run):
    random = np.random.default_rng(0)
    for part, shapes in (("train", [(40, 36), (33, 50)]), ("set", [(24, 20)])):
        for i, shape in enumerate(shapes):
            path = tmp_path / part / f"{i}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(random.integers(0, 256, (*shape, 3), "uint8")).save(path)
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        f"""
        system = "srgan"
        [arguments]
        architecture = "srvgg"
        residual_blocks = 1
        base_channels = 2
        discriminator_channels = 1
        pretrain_steps = 3
        [data]
        name = "{tmp_path}/train"
        test = "{tmp_path}/set"
        image_size = 16
        crops = 4
        flip = true
        [fit]
        batch_size = 4
        epochs = 2
        [evaluation]
        every = 1
        """
    )
    result = run("train", recipe, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "2 images of 16x16x3" in result.stdout
    assert f"keras-gans upscale {tmp_path}/run/preset" in result.stdout
    gan = kg.from_preset(tmp_path / "run/preset")
    assert gan.image_shape == (16, 16, 3)
    assert gan.stage == "adversarial"
    history = (tmp_path / "run/history.csv").read_text("utf-8").splitlines()
    row = dict(zip(history[0].split(","), history[2].split(","), strict=True))
    assert float(row["discriminator_loss"]) > 0 and float(row["psnr"]) > 0
    # A crop of the low resolution, what is made of it, and the original.
    grid = pixels_of(tmp_path / "run/samples/epoch_0002.png")
    assert grid.shape[1] > 3 * 16
    assert (tmp_path / "run/best/metrics.json").is_file()
    # The same recipe of the folder says which crops they were.
    again = run("train", tmp_path / "run/recipe.toml", "--out", tmp_path / "run")
    assert "is finished" in again.stdout


def test_keys_that_make_no_sense(tmp_path, refused):
    recipe = tmp_path / "small.toml"
    for system, key, value in (
        ("srgan", "jitter", 3),
        ("srgan", "direction", '"ab"'),
        ("pix2pix", "crops", 3),
        ("dcgan", "test", '"x"'),
    ):
        recipe.write_text(f'system = "{system}"\n[data]\nname = "x"\n{key} = {value}\n')
        message = refused("train", recipe)
        assert f"{system} takes no data.{key}" in message


def test_how_low_resolutions_are_made(tmp_path):
    for i in range(2):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 34, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    options = {"name": str(tmp_path), "split": "train", "flip": False}
    source = UpscalingSource(options, 2)
    assert source.image_shape == (32, 32, 3)
    [(low, high)] = source.examples(5)
    np.testing.assert_array_equal(low, kg.data.shrink(high, 2))
    with pytest.raises(ValueError, match="split"):
        source.held_out()
    spoilt = UpscalingSource({**options, "degradation": "real_world"}, 2)
    [(rough, high)] = spoilt.examples(5)
    assert rough.shape == low.shape and (rough != low).any()
    low, high = spoilt.fit_arguments(types.SimpleNamespace(seed=1), 2)["x"][0]
    assert low.shape == (2, 16, 16, 3) and high.shape == (2, 32, 32, 3)
    other = UpscalingSource({**options, "degradation": "mosaic:8"}, 2)
    with pytest.raises(ValueError, match="or by degradation = 'real_world'"):
        other.fit_arguments(types.SimpleNamespace(seed=1), 2)
