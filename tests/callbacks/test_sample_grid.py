import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.callbacks.sample_grid import image_grid
from tests.contract import on_tensorflow
from tests.systems import images, tiny_cgan, tiny_dcgan


def test_grid_lays_images_out_row_by_row():
    batch = np.stack([np.full((4, 4, 1), v) for v in (-1.0, 0.0, 1.0)]).astype(
        "float32"
    )
    grid = image_grid(batch, columns=2, scale=1)
    assert grid.shape == (14, 14, 1) and grid.dtype == np.uint8
    assert (grid[2:6, 2:6] == 0).all() and (grid[2:6, 8:12] == 128).all()
    assert (grid[8:12, 2:6] == 255).all() and (grid[8:12, 8:12] == 128).all()


def test_grid_magnifies_small_images():
    assert image_grid(images(1, side=8), columns=1).shape == (68, 68, 1)


def test_grid_refuses_what_is_no_image():
    with pytest.raises(ValueError, match="num, height, width"):
        image_grid(np.zeros((3, 5)), columns=2)


def test_pictures_of_each_epoch_from_the_same_latents(tmp_path):
    gan = tiny_dcgan()
    gan.compile(
        **{f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in gan.players},
    )
    for norm in gan.generator.layers:
        if isinstance(norm, keras.layers.BatchNormalization):
            norm.momentum = 1.0
    grid = kg.callbacks.SampleGrid(tmp_path / "new" / "samples", rows=2, every=2)
    gan.fit(images(8, side=8), batch_size=4, epochs=3, callbacks=[grid], verbose=0)
    paths = sorted((tmp_path / "new" / "samples").iterdir())
    assert [p.name for p in paths] == ["epoch_0002.png", "epoch_0003.png"]
    first, second = (np.asarray(Image.open(p)) for p in paths)
    np.testing.assert_array_equal(first, second)
    assert first.std() > 0


def test_one_column_per_class(tmp_path):
    gan = tiny_cgan()
    gan.compile()
    grid = kg.callbacks.SampleGrid(tmp_path, rows=2, scale=1)
    data = images(6), np.arange(6) % 3
    gan.fit(*data, batch_size=3, callbacks=[grid], verbose=0)
    with Image.open(tmp_path / "epoch_0001.png") as picture:
        assert picture.size == (3 * 6 + 2, 2 * 6 + 2)


@on_tensorflow
def test_tensorboard_gets_the_grid(tmp_path):
    import tensorflow as tf

    gan = tiny_dcgan()
    gan.compile()
    grid = kg.callbacks.SampleGrid(tmp_path / "png", tensorboard=tmp_path / "logs")
    gan.fit(images(8, side=8), batch_size=4, callbacks=[grid], verbose=0)
    (path,) = (tmp_path / "logs").iterdir()
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
    assert any(b"samples" in record and b"PNG" in record for record in records)


def test_missing_tensorboard_is_one_sentence(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r"keras-gans\[tensorboard\]"):
        kg.callbacks.SampleGrid(tmp_path, tensorboard=tmp_path)
