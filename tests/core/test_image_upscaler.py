import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.core.image_upscaler import parts_of


def tiny(**changes):
    options = {"architecture": "srvgg", "residual_blocks": 2, "base_channels": 3}
    return kg.SRGAN((16, 16, 3), **{**options, "discriminator_channels": 1, **changes})


def picture(*shape):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), "uint8")


@pytest.mark.parametrize("side", [1, 5, 16, 17, 40])
@pytest.mark.parametrize("overlap", [0, 3, 50])
def test_parts_cover_an_axis(side, overlap):
    parts = parts_of(side, 8, overlap)
    covered = np.concatenate([np.arange(side)[part.put(1)] for part in parts])
    np.testing.assert_array_equal(covered, np.arange(side))
    seen = {part.seen.stop - part.seen.start for part in parts}
    assert len(seen) == 1
    for part in parts:
        around = np.arange(max(0, part.start - overlap), min(side, part.stop + overlap))
        assert set(around) <= set(range(side)[part.seen])
        inside = np.arange(side)[part.seen][part.kept(1)]
        np.testing.assert_array_equal(inside, np.arange(side)[part.put(1)])


@pytest.mark.parametrize("size", [(31, 44), (9, 60), (23, 8)])
def test_parts_make_the_whole(size):
    gan, images = tiny(), picture(2, *size)
    whole = gan.upscale(images, tile=None)
    assert whole.shape == (2, 4 * size[0], 4 * size[1], 3)
    for tile in (7, 20):
        parts = gan.upscale(images, tile=tile, batch_size=3)
        np.testing.assert_allclose(parts, whole, atol=1e-4)
    # Without overlap there are seams, or the test above could not fail.
    seams = np.abs(gan.upscale(images, tile=7, overlap=0) - whole)
    assert seams.max() > 1e-3


def test_floats_and_bytes_become_the_same():
    gan, images = tiny(), picture(1, 10, 12)
    floats = kg.data.to_unit(images)
    np.testing.assert_allclose(gan.upscale(images), gan.upscale(floats), atol=1e-6)


def test_a_network_that_looks_at_whole_pictures():
    gan = tiny(architecture="srresnet_instance")
    assert gan.upscale(picture(1, 12, 12), tile=12).shape == (1, 48, 48, 3)
    with pytest.raises(ValueError, match="looks at whole pictures"):
        gan.upscale(picture(1, 12, 12), tile=8)
    assert gan.upscale(picture(1, 12, 12), tile=8, overlap=2).shape == (1, 48, 48, 3)


def test_what_is_refused():
    gan = tiny()
    for tile in (0, -3, 2.5, True):
        with pytest.raises(ValueError, match="tile is"):
            gan.upscale(picture(1, 12, 12), tile=tile)
    with pytest.raises(ValueError, match="overlap is"):
        gan.upscale(picture(1, 12, 12), tile=8, overlap=-1)
    with pytest.raises(ValueError, match="built for images of shape"):
        gan.upscale(picture(1, 12, 12)[..., :1])
    with pytest.raises(ValueError, match="looks like"):
        gan.upscale(picture(1, 12, 12) / 255.0)
    with pytest.raises(ValueError, match="scale is a whole number"):
        tiny(scale=2.5)
    low = keras.Input((None, None, 1))
    grey = keras.Model(low, keras.layers.UpSampling2D(4)(low))
    with pytest.raises(ValueError, match="makes images of 1 channels"):
        tiny(generator=grey)
    low = keras.Input((None, None, 3))
    twice = keras.Model(low, keras.layers.UpSampling2D(2)(low), name="generator")
    with pytest.raises(ValueError, match="makes 16x16 of 8x8 pixels; .* scale of 4"):
        tiny(generator=twice)
