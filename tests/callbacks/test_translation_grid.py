import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.pictures import translation_rows


@pytest.fixture(scope="module")
def pairs():
    random = np.random.default_rng(0)
    return tuple(random.integers(0, 256, (4, 32, 32, 1), "uint8") for _ in range(2))


def tiny():
    gan = kg.Pix2Pix((32, 32, 1), base_channels=1, discriminator_channels=1)
    gan.compile()
    return gan


def test_rows_hold_source_translation_and_target(pairs):
    gan = tiny()
    columns, images = translation_rows(gan, *pairs, mode="eval")
    assert columns == 3 and images.shape == (12, 32, 32, 1)
    np.testing.assert_array_equal(images[::3], pairs[0])
    made = kg.data.to_uint8(gan.translate(pairs[0], mode="eval"))
    np.testing.assert_array_equal(images[1::3], made)
    np.testing.assert_array_equal(images[2::3], pairs[1])
    columns, images = translation_rows(gan, pairs[0])
    assert columns == 2 and len(images) == 8


def test_a_picture_at_its_turn_and_at_the_end(pairs, tmp_path):
    grid = kg.callbacks.TranslationGrid(tmp_path, *pairs, every=2, scale=1)
    tiny().fit(*pairs, batch_size=2, epochs=3, callbacks=[grid], verbose=0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch_0002.png", "epoch_0003.png"]
    with Image.open(tmp_path / names[0]) as picture:
        assert picture.size == (3 * 34 + 2, 4 * 34 + 2)
