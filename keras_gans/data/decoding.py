"""One picture file to 8-bit pixels, the same way for every reader."""

import contextlib
import mmap
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_gans.core.plain_json import shown

# Named, because Pillow would otherwise offer a file's bytes to all its decoders.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")
_GREY_MODES = {"1", "L", "LA", "La", "I", "F"}
_ORIENTATION = 0x0112
_TURNED_SIDEWAYS = (5, 6, 7, 8)
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# A progressive JPEG has about ten. Each costs as much time as the whole picture, and a
# few bytes of file.
MAX_SCANS = 100
# More than cameras make. A file of 200 kB can decode to as many, which takes 0.9 GB.
MAX_PIXELS = 50_000_000
_FEW_PIXELS = 1 << 22


class DamagedPicture(Exception):
    """A file that Pillow cannot decode; the text is the reason."""


def read_header(path):
    """Returns `((height, width), is_grey)` without decoding pixels.

    Raises:
        DamagedPicture: If the file is no picture.
    """
    try:
        with _opened(path) as picture:
            width, height = picture.size
            # PNG: getexif() would decode the whole picture to look for a late chunk.
            tagged = picture.format != "PNG" or "exif" in picture.info
            exif = picture.getexif() if tagged else {}
            if exif.get(_ORIENTATION) in _TURNED_SIDEWAYS:
                height, width = width, height
            return (height, width), _is_grey(picture)
    except Exception as error:
        raise DamagedPicture(_reason(path, error)) from error


def read_picture(path, color_mode, finish):
    """Decodes a file to an upright Pillow picture of mode "L" or "RGB".

    The first frame of an animation; transparency over white; 16 bits scaled to 8.

    Args:
        path: Path of the file.
        color_mode: `"grey"` or `"rgb"`.
        finish: Function of the picture, which makes it as small as it is wanted.

    Returns:
        What `finish` returned.

    Raises:
        DamagedPicture: If the file cannot be decoded to its end.
    """
    try:
        with _opened(path) as picture:
            num_pixels = picture.width * picture.height
        with _ROOM.for_pixels(num_pixels):
            if num_pixels <= _FEW_PIXELS:
                return _read(path, color_mode, finish)
            # In a new thread, because the allocator keeps for each living one what
            # its last picture took; the next new one gets that memory again.
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(_read, path, color_mode, finish).result()
    except Exception as error:
        # Damaged bytes make Pillow raise nearly anything: OSError, SyntaxError,
        # struct.error, zlib.error, DecompressionBombError ...
        raise DamagedPicture(_reason(path, error)) from error


def read_map(path, finish):
    """Decodes a file of numbers, one for each pixel, as they are stored.

    Args:
        path: Path of a grey picture of 8 or 16 bits, or of one with a palette, whose
            indices are the numbers.
        finish: Function of a Pillow picture of mode "I", as in `read_picture`.

    Returns:
        What `finish` returned.

    Raises:
        DamagedPicture: If the file cannot be decoded to its end, or holds colours or
            what a JPEG has left of numbers.
    """
    try:
        with _opened(path) as picture:
            is_whole = picture.mode in ("1", "L", "P", "I") or picture.mode[:2] == "I;"
            if not is_whole or picture.format == "JPEG":
                raise DamagedPicture(
                    f"{picture.format} of mode {picture.mode}; maps of numbers are "
                    "grey pictures of 8 or 16 bits, or have a palette"
                )
            picture.load()
            return finish(Image.fromarray(np.asarray(picture).astype("int32")))
    except Exception as error:
        raise DamagedPicture(_reason(path, error)) from error


def _read(path, color_mode, finish):
    with _opened(path) as picture:
        if picture.format == "JPEG":
            _check_scans(path)
        return finish(_decoded(picture, color_mode))


def _check_scans(path):
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw,
    ):
        at = -1
        for _ in range(MAX_SCANS + 1):
            # Within a scan, 255 is always followed by 0: this is the start of one.
            at = raw.find(b"\xff\xda", at + 1)
            if at < 0:
                return
    raise DamagedPicture(f"a JPEG of more than {MAX_SCANS} scans")


class _Room:
    """Lets threads decode at once as long as their pictures are not too large together.

    Args:
        num_pixels: int, of all pictures in work.
    """

    def __init__(self, num_pixels):
        self._left = num_pixels
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def for_pixels(self, num_pixels):
        """Waits until there is room for so many, of at most all, and keeps it."""
        with self._changed:
            self._changed.wait_for(lambda: self._left >= num_pixels)
            self._left -= num_pixels
        try:
            yield
        finally:
            with self._changed:
                self._left += num_pixels
                self._changed.notify_all()


_ROOM = _Room(MAX_PIXELS)


@contextlib.contextmanager
def _opened(path):
    """The picture in a file, its header read."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would wait for a writer
        raise DamagedPicture("no regular file")
    with Image.open(path, formats=_FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise DamagedPicture(
                f"{picture.height}x{picture.width} pixels, more than {MAX_PIXELS}: "
                "make it smaller"
            )
        yield picture


def _decoded(picture, color_mode):
    picture.load()
    mode = "L" if color_mode == "grey" else "RGB"
    flat = Image.new(mode, picture.size)
    # In bands: each step below would else need room for a whole picture more.
    rows = max(1, _FEW_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        band = picture.crop((0, top, picture.width, bottom))
        flat.paste(_flattened(band, mode), (0, top))
    turn = _TO_UPRIGHT.get(picture.getexif().get(_ORIENTATION))
    return flat if turn is None else flat.transpose(turn)


def _flattened(picture, mode):
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert(mode)


def _is_grey(picture):
    return picture.mode in _GREY_MODES or picture.mode.startswith("I;")


def _eight_bits(picture):
    # convert("L") would clip 16-bit values at 255 instead of scaling them.
    values = np.clip(np.asarray(picture).astype("int64"), 0, 65535)
    return Image.fromarray(((values + 128) // 257).astype("uint8"))


def _reason(path, error):
    if isinstance(error, DamagedPicture):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "no such file"
    with contextlib.suppress(OSError):
        if not os.stat(path).st_size:
            return "empty file"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture"
    return shown(f"{type(error).__name__}: {error}")
