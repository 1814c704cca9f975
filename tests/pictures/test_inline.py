import base64
import io

import numpy as np
import pytest
from PIL import Image

from keras_gans.pictures import inline_picture, inline_svg
from tests.systems import images


def opened(inline):
    head, _, text = inline.address.partition(";base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    assert head == f"data:image/{picture.format.lower()}"
    assert picture.size == (inline.width, inline.height)
    return picture


@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_lose_nothing(channels):
    (image,) = images(1, side=6, channels=channels)
    picture = opened(inline_picture(image))
    assert picture.format == "PNG"
    np.testing.assert_array_equal(np.asarray(picture).reshape(6, 6, -1), image)


def test_large_pictures_keep_within_bounds():
    (noise,) = images(1, side=300, channels=3)
    picture = opened(inline_picture(noise[:200], max_side=150))
    assert picture.size == (150, 100) and picture.format == "PNG"
    inline = inline_picture(noise, max_bytes=20_000)
    assert opened(inline).format == "JPEG" and 40 < inline.width < 300
    assert len(inline.address) < 20_000 * 4 / 3 + 30


def test_other_kinds_of_pixels_are_shown():
    palette = Image.fromarray(images(1, side=6)[0, ..., 0]).convert("P")
    assert opened(inline_picture(palette)).mode == "RGB"


def test_vector_pictures(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    assert inline_svg(tmp_path / "a.svg") == "data:image/svg+xml;base64,PHN2Zy8+"
