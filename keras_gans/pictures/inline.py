"""Pictures as text inside a web page, so that the page needs no other file."""

import base64
import io
from typing import NamedTuple

import numpy as np
from PIL import Image


class Inline(NamedTuple):
    """A picture as a `data:` address, and its size in pixels."""

    address: str
    width: int
    height: int


def inline_picture(picture, max_side=1200, max_bytes=600_000):
    """A picture as an address of bounded length.

    It stays a PNG, without loss, if that is small enough. Else it becomes a JPEG,
    which is made smaller until it fits.

    Args:
        picture: `PIL.Image.Image`, or a uint8 array `(height, width, 1 or 3)`.
        max_side: Larger pictures are scaled down to this many pixels.
        max_bytes: Of the file; its text is a third longer.

    Returns:
        `Inline`.
    """
    if isinstance(picture, np.ndarray):
        flat = picture[..., 0] if picture.shape[-1] == 1 else picture
        picture = Image.fromarray(flat)
    # A JPEG knows no palette and no transparency.
    picture = picture.convert("L" if picture.mode == "L" else "RGB")
    picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    kind, content = "png", _encoded(picture, "PNG", optimize=True)
    while len(content) > max_bytes and max(picture.size) > 16:
        if kind == "jpeg":
            side = max(picture.size) * 3 // 4
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        kind, content = "jpeg", _encoded(picture, "JPEG", quality=90)
    return Inline(_address(f"image/{kind}", content), *picture.size)


def inline_svg(path):
    """An SVG file as a `data:` address, in which no script of it can run.

    Args:
        path: `pathlib.Path` of the file.
    """
    return _address("image/svg+xml", path.read_bytes())


def _encoded(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, format=form, **options)
    return file.getvalue()


def _address(media_type, content):
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
