"""Texts from the command line: a folder with captions, trained, drawn and exported."""

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from tests.cli.conftest import assert_same_weights

TINY = ["--set", "base_channels=2", "--set", "discriminator_channels=2"]
TINY += ["--set", "latent_dim=3", "--set", "projected_dim=2", "--set", "text_dim=4"]
WORDS = ("red", "green", "blue", "white")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight pictures of 8x8, each with one caption or two beside it."""
    path = tmp_path_factory.mktemp("data") / "captioned"
    path.mkdir()
    rng = np.random.default_rng(0)
    for i in range(8):
        noise = rng.integers(0, 256, (8, 8, 3)).astype("uint8")
        Image.fromarray(noise).save(path / f"{i}.png")
        second = "\nanother line\n" if i % 2 else "\n"
        (path / f"{i}.txt").write_text(f"a {WORDS[i % 4]} one{second}")
    return path


@pytest.fixture(scope="module")
def train(run, folder):
    def train(out, *more, name="gan_cls"):
        fit = ["--batch-size", 4, "--epochs", 2, "--no-xla", "--out", out]
        return run("train", name, "--data", folder, *TINY, *fit, *more)

    return train


@pytest.fixture(scope="module")
def finished(train, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    result = train(out)
    assert result.exit_code == 0, result.output
    assert "8 images of 8x8x3 with 2 captions each" in result.output
    return out


def test_a_folder_of_pictures_and_captions_is_all_it_takes(finished):
    gan = kg.from_preset(finished / "preset")
    assert isinstance(gan, kg.GANCLS)
    assert gan.image_shape == (8, 8, 3) and gan.text_dim == 4
    assert gan.get_config()["text_encoder"] == "small_char_cnn_rnn"
    assert gan.prompts == tuple(f"a {word} one" for word in WORDS)
    assert gan.sample(1, seed=0, texts="a purple one").shape == (1, 8, 8, 3)


def test_an_augmentation_stays_in_words_in_the_recipe(train, tmp_path):
    result = train(tmp_path / "run", "--set", "augmentation=color")
    assert result.exit_code == 0, result.output
    preset = tmp_path / "run" / "preset"
    assert 'augmentation = "color"' in (preset / "recipe.toml").read_text()
    assert kg.from_preset(preset).augmentation is not None
    assert (
        "is finished" in train(tmp_path / "run", "--set", "augmentation=color").output
    )


def test_a_killed_run_embeds_by_the_encoder_it_trained(
    finished, train, tmp_path, monkeypatch
):
    class Killed(kg.callbacks.StopOnNaN):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kg.callbacks, "StopOnNaN", Killed)
        assert train(tmp_path / "run").exit_code == 130
    result = train(tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert_same_weights(finished, tmp_path / "run")


def test_mirrored_pictures(train, tmp_path):
    result = train(tmp_path / "run", "--flip", "--epochs", 1)
    assert result.exit_code == 0, result.output


def test_samples_of_texts(run, finished, tmp_path):
    preset = finished / "preset"
    texts = ["--text", "a red one", "--text", "a blue one"]
    out = ["--num", 4, "--seed", 1, "--separate", tmp_path / "drawn"]
    result = run("sample", preset, *texts, *out)
    assert result.exit_code == 0, result.output
    gan = kg.from_preset(preset)
    asked = ["a red one", "a blue one"] * 2
    expected = kg.data.to_uint8(gan.sample(4, seed=1, texts=asked))
    for i in range(4):
        with Image.open(tmp_path / "drawn" / f"{i:04d}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), expected[i])
    result = run("sample", preset, *texts, "--num", 4, "--out", tmp_path / "grid.png")
    assert result.exit_code == 0, result.output


def test_what_cannot_be_asked_for(refused, finished, tmp_path):
    out = ["--out", tmp_path / "grid.png"]
    said = refused("sample", finished / "preset", "--label", 1, *out)
    assert "GANCLS takes texts: give --text, no --label" in said
    kg.DCGAN((8, 8, 1), 3, 2).save_to_preset(tmp_path / "plain")
    said = refused("sample", tmp_path / "plain", "--text", "a red one", *out)
    assert "DCGAN takes no texts: leave --text out" in said


def test_export_says_how_to_ask(run, finished, tmp_path):
    result = run("export", finished / "preset", tmp_path / "served" / "1")
    assert result.exit_code == 0, result.output
    assert "sample_texts:    num_images, seed, texts -> images" in result.output
    assert '"signature_name": "sample_texts_png"' in result.output
    assert '"texts": ["a red circle"]' in result.output


def test_pictures_without_captions_are_refused(refused, folder, tmp_path):
    (tmp_path / "bare").mkdir()
    for name in ("0.png", "1.png"):
        (tmp_path / "bare" / name).write_bytes((folder / name).read_bytes())
    said = refused("train", "gan_cls", "--data", tmp_path / "bare", *TINY)
    assert "2 of 2 pictures" in said and "0.txt" in said
