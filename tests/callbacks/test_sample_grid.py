import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from tests.contract import on_tensorflow
from tests.systems import images, tiny_cgan, tiny_dcgan


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
