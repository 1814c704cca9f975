"""Pictures as arrays: value ranges, sizes and colours."""

import numpy as np
from PIL import Image

from keras_gans.data.order import natural_number

# By the number of channels.
COLOR_MODES = {1: "grey", 3: "rgb"}


def to_unit(images):
    """Maps uint8 pixels to the range that networks work in.

    Args:
        images: uint8 array of any shape, values in [0, 255].

    Returns:
        float32 array of the same shape, `images / 127.5 - 1`, values in [-1, 1].

    Raises:
        TypeError: If `images` is not uint8; floats are never rescaled by guess.

    Example:

    >>> to_unit(np.array([0, 255], "uint8"))
    array([-1.,  1.], dtype=float32)
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise TypeError(f"to_unit needs uint8 images, got {images.dtype}.")
    return images.astype("float32") / np.float32(127.5) - np.float32(1)


def to_uint8(images):
    """Maps network outputs back to pixels; the inverse of `to_unit`.

    Args:
        images: Float array of any shape, values in [-1, 1]. What lies outside is
            clipped, because a linear output layer may overshoot.

    Returns:
        uint8 array of the same shape, `round((images + 1) * 127.5)`.

    Raises:
        TypeError: If `images` is not floating point.
        ValueError: If `images` holds NaN.

    Example:

    >>> to_uint8(np.array([-1.0, 0.0, 1.5]))
    array([  0, 128, 255], dtype=uint8)
    """
    images = np.asarray(images)
    # bfloat16 is no NumPy type: it comes from ml_dtypes, with kind "V".
    if images.dtype.kind != "f" and images.dtype.name != "bfloat16":
        raise TypeError(f"to_uint8 needs float images, got {images.dtype}.")
    pixels = (images.astype("float32") + 1) * np.float32(127.5)
    if np.isnan(pixels).any():
        raise ValueError("to_uint8 was given images with NaN in them.")
    return np.clip(np.rint(pixels), 0, 255).astype("uint8")


def resize(images, size, antialias=True):
    """Resizes pictures with Pillow, after a centre crop to the new aspect ratio.

    Nothing is stretched: a 640x480 picture asked for as 64x64 loses its sides.

    Args:
        images: uint8 or float array, `(height, width, channels)` or
            `(num_images, height, width, channels)`.
        size: int or `(height, width)`.
        antialias: `True`: bicubic, with a filter as wide as the reduction.
            `False`: the nearest pixel, which makes no new colours (label maps,
            pixel art).

    Returns:
        Array of the same rank: uint8 stays uint8 (bicubic overshoot is clipped),
        floats become float32 (and may overshoot their range slightly). Images that
        have the size already are not copied.

    Raises:
        ValueError: If the rank, the dtype or `size` is not one of the above.

    Example:

    >>> resize(np.zeros((10, 28, 28, 1), "uint8"), 32).shape
    (10, 32, 32, 1)
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4) or 0 in images.shape[-3:]:
        raise ValueError(
            "resize needs (height, width, channels) or (num_images, height, width, "
            f"channels), got shape {images.shape}."
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise ValueError(f"resize needs uint8 or float images, got {images.dtype}.")
    size = as_size(size)
    dtype = "uint8" if images.dtype == np.uint8 else "float32"
    batch = images.reshape((-1, *images.shape[-3:])).astype(dtype, copy=False)
    if batch.shape[1:3] == size:
        return batch.reshape(images.shape)
    resized = np.empty((len(batch), *size, batch.shape[-1]), dtype)
    for image, out in zip(batch, resized, strict=True):
        # One channel at a time: Pillow has no picture of 2 or 5 channels, and it
        # would take a fourth one for transparency.
        for channel in range(image.shape[-1]):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            out[..., channel] = fit_picture(plane, size, antialias)
    return resized.reshape((*images.shape[:-3], *resized.shape[1:]))


def fit_picture(picture, size, antialias):
    """Centre-crops and resizes one Pillow picture to `size`, a `(height, width)`."""
    height, width = size
    scale = min(picture.width / width, picture.height / height)
    crop_width = max(1, round(scale * width))
    crop_height = max(1, round(scale * height))
    left = (picture.width - crop_width) // 2
    top = (picture.height - crop_height) // 2
    if (crop_width, crop_height) != picture.size:
        # A real crop: resize(box=...) would let the pixels around the box bleed in.
        picture = picture.crop((left, top, left + crop_width, top + crop_height))
    kernel = Image.Resampling.BICUBIC if antialias else Image.Resampling.NEAREST
    return picture.resize((width, height), kernel)


def as_size(size):
    """Returns `size` as `(height, width)`; an int means a square."""
    sides = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"A size is one int or (height, width), got {size!r}.")
    return tuple(natural_number("image_size", side, minimum=1) for side in sides)


def legal_size(size, multiple):
    """The size nearest to `size` whose sides are multiples of `multiple`.

    Args:
        size: int or `(height, width)`, pixels.
        multiple: int, from 1 on; what a network divides sides by.

    Returns:
        int, or `(height, width)`, as `size` was; at least `multiple`. Half way between
        two, the smaller.

    Raises:
        ValueError: If `size` or `multiple` is no size.

    Example:

    >>> legal_size((250, 150), 64)
    (256, 128)
    """
    multiple = natural_number("multiple", multiple, minimum=1)
    legal = tuple(
        max(1, (2 * side + multiple - 1) // (2 * multiple)) * multiple
        for side in as_size(size)
    )
    return legal if isinstance(size, (tuple, list)) else legal[0]


def check_side_multiple(shape, multiple, what):
    """Checks that a network can take pictures of this shape.

    Args:
        shape: `(height, width, ...)`; a side of `None`, which is any, passes.
        multiple: int, what both sides must be a multiple of.
        what: What demands it, for the message: `"A U-Net of 8 levels"`.

    Raises:
        ValueError: Naming the nearest size that it takes.

    Example:

    >>> check_side_multiple((256, 512, 3), 256, "A U-Net of 8 levels")
    """
    sides = tuple(multiple if side is None else side for side in shape[:2])
    if sides == (legal := legal_size(sides, multiple)):
        return
    found, nearest = ("x".join(map(str, size)) for size in (shape[:2], legal))
    raise ValueError(
        f"{what} takes pictures whose height and width are multiples of {multiple}. "
        f"Found: {found}. The nearest size is {nearest}; load or resize them with "
        f"image_size={legal}."
    )


def recolor(images, color_mode):
    """Brings uint8 NHWC images to `"grey"` (one channel), `"rgb"`, or as they are."""
    channels = images.shape[-1]
    if color_mode is None or channels == {"grey": 1, "rgb": 3}[color_mode]:
        return images
    if channels == 1:
        return np.repeat(images, 3, axis=-1)
    if channels != 3:
        raise ValueError(
            f"color_mode={color_mode!r} needs images of 1 or 3 channels, "
            f"got {channels}; color_mode=None keeps them."
        )
    # Pillow's integer luma (ITU-R 601), so that a folder and an array agree.
    weights = np.array([19595, 38470, 7471], "uint32")
    luma = (images.astype("uint32") @ weights + 0x8000) >> 16
    return luma[..., None].astype("uint8")


def check_color_mode(color_mode):
    """Raises a ValueError unless `color_mode` is `None`, "grey" or "rgb"."""
    if color_mode not in (None, "grey", "rgb"):
        raise ValueError(
            f"color_mode must be None, 'grey' or 'rgb', got {color_mode!r}."
        )
