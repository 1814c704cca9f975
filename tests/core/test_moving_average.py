import numpy as np
import pytest

from tests.systems import tiny_cgan, tiny_stylegan2


@pytest.mark.every_backend
def test_averages_alone_make_the_same_images():
    gan = tiny_cgan(ema_decay=0.5)
    gan.compile()
    images = np.random.default_rng(0).integers(0, 256, (8, *gan.image_shape), "uint8")
    gan.fit(images, np.arange(8) % gan.num_classes, batch_size=4, verbose=0)
    alone = gan.without_averages()
    assert alone.ema_decay is None and not hasattr(alone, "ema_generator")
    np.testing.assert_array_equal(alone.sample(3, seed=1), gan.sample(3, seed=1))
    pairs = zip(alone.discriminator.weights, gan.discriminator.weights, strict=True)
    for new, old in pairs:
        np.testing.assert_array_equal(new, old)
    assert alone.without_averages() is alone
    styles = tiny_stylegan2()
    assert styles.without_averages() is styles, "it always keeps averages"
