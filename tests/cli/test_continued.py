import numpy as np
import pytest
from PIL import Image

import keras_gans as kg


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    for name in ("a.png", "in/b.png"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (32, 32), "uint8")).save(path)
    return tmp_path / "pictures"


def test_films_go_on_from_pictures(pictures, tmp_path, run, refused):
    preset, out = tmp_path / "preset", tmp_path / "films"
    gan = kg.VGANPrediction(
        image_shape=(8, 32, 32, 1), base_channels=2, initial_stddev=0.3, seed=0
    )
    gan.save_to_preset(preset)
    result = run("predict", preset, pictures, out)
    assert result.exit_code == 0, result.output
    assert f"Wrote 2 films of 8 frames to {out}." in result.stdout
    with Image.open(pictures / "in/b.png") as picture:
        first = np.asarray(picture)[None, ..., None]
    expected = kg.data.to_uint8(gan.predict_future(first))[0]
    with Image.open(out / "in/b.gif") as film:
        assert film.n_frames == 8
        film.seek(7)
        found = np.asarray(film.convert("L"))
    # A GIF's palette rounds.
    np.testing.assert_allclose(found, expected[7, ..., 0], atol=8)
    assert "is there already" in refused("predict", preset, pictures, out)
    assert "Films are GIF, MP4 files" in refused(
        "predict", preset, pictures, tmp_path / "x", "--format", "png"
    )
    Image.new("L", (40, 32)).save(pictures / "wide.png")
    assert "wide.png is 32x40, the nearest size is 32x32" in refused(
        "predict", preset, pictures, tmp_path / "x"
    )
    assert run("predict", preset, pictures, tmp_path / "x", "--resize").exit_code == 0
    assert "makes no volumes of pictures" in refused(
        "reconstruct", preset, pictures, tmp_path / "y"
    )


def test_meshes_of_what_pictures_show(pictures, tmp_path, run, refused):
    trimesh = pytest.importorskip("trimesh")
    preset, out = tmp_path / "preset", tmp_path / "meshes"
    gan = kg.VAEGAN3D(
        image_shape=(16, 16, 16, 1),
        picture_shape=(32, 32, 1),
        latent_dim=4,
        base_channels=2,
        encoder_channels=2,
        seed=0,
    )
    gan.save_to_preset(preset)
    result = run("reconstruct", preset, pictures, out, "--format", "stl")
    assert result.exit_code == 0, result.output
    assert f"Wrote 2 meshes to {out}." in result.stdout
    with Image.open(pictures / "a.png") as picture:
        volume = gan.reconstruct(np.asarray(picture)[None, ..., None])[0, ..., 0]
    expected = kg.data.to_mesh(0.5 + 0.5 * volume)
    found = trimesh.load_mesh(out / "a.stl")
    assert len(found.faces) == len(expected.faces)
    assert "predicts no videos" in refused("predict", preset, pictures, out / "z")
