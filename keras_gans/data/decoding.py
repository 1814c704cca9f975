"""One picture file to 8-bit pixels, the same way for every reader."""

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Named, because Pillow would otherwise offer a file's bytes to all its decoders.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")
_GREY_MODES = {"1", "L", "LA", "La", "I", "F"}
_ORIENTATION = 0x0112
_TURNED_SIDEWAYS = (5, 6, 7, 8)


class DamagedPicture(Exception):
    """A file that Pillow cannot decode; the text is the reason."""


def read_header(path):
    """Returns `((height, width), is_grey)` without decoding pixels.

    Raises:
        DamagedPicture: If the file is no picture.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            width, height = picture.size
            # PNG: getexif() would decode the whole picture to look for a late chunk.
            tagged = picture.format != "PNG" or "exif" in picture.info
            exif = picture.getexif() if tagged else {}
            if exif.get(_ORIENTATION) in _TURNED_SIDEWAYS:
                height, width = width, height
            return (height, width), _is_grey(picture)
    except Exception as error:
        raise DamagedPicture(_reason(path, error)) from error


def read_picture(path, color_mode):
    """Decodes a file to an upright Pillow picture of mode "L" or "RGB".

    The first frame of an animation; transparency over white; 16 bits scaled to 8.

    Args:
        path: Path of the file.
        color_mode: `"grey"` or `"rgb"`.

    Raises:
        DamagedPicture: If the file cannot be decoded to its end.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            picture.load()
            picture = ImageOps.exif_transpose(picture)
    except Exception as error:
        # Damaged bytes make Pillow raise nearly anything: OSError, SyntaxError,
        # struct.error, zlib.error, DecompressionBombError ...
        raise DamagedPicture(_reason(path, error)) from error
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("L" if color_mode == "grey" else "RGB")


def _is_grey(picture):
    return picture.mode in _GREY_MODES or picture.mode.startswith("I;")


def _eight_bits(picture):
    # convert("L") would clip 16-bit values at 255 instead of scaling them.
    values = np.clip(np.asarray(picture).astype("int64"), 0, 65535)
    return Image.fromarray(((values + 128) // 257).astype("uint8"))


def _reason(path, error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and not path.stat().st_size:
        return "empty file"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture"
    return f"{type(error).__name__}: {error}"
