"""Images seen through an affine map, with gradients to the images."""

from keras import ops


def gather_pixels(images, rows, columns):
    """Pixels of each image at integer places.

    Args:
        images: `(batch, height, width, channels)`.
        rows: int32 in [0, height), of a shape that broadcasts with `columns` to
            `(batch, ...)`.
        columns: int32 in [0, width).

    Returns:
        `(batch, ..., channels)`.
    """
    height, width, channels = images.shape[1:]
    places = rows * width + columns
    flat = ops.reshape(images, (-1, height * width, channels))
    indices = ops.reshape(places, (ops.shape(places)[0], -1, 1))
    pixels = ops.take_along_axis(flat, indices, axis=1)
    return ops.reshape(pixels, (-1, *places.shape[1:], channels))


def compose(first, second):
    """The affine map of the plane that does `second`, then `first`.

    Args:
        first: Six tensors (a, b, c, d, e, f): (x, y) -> (ax + by + c, dx + ey + f).
        second: The same.

    Returns:
        Six tensors.
    """
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return (
        a * g + b * j,
        a * h + b * k,
        a * i + b * m + c,
        d * g + e * j,
        d * h + e * k,
        d * i + e * m + f,
    )


def warp(images, to_input):
    """Bilinear interpolation at the places from which each pixel comes.

    Beyond its borders an image is continued by its reflection, again and again.

    Args:
        images: float32 `(batch, height, width, channels)`, sides of two pixels or more.
        to_input: Affine map from places in the result to places in the input, in pixels
            from the centre: six tensors `(batch,)`, as for `compose`.

    Returns:
        Images of the same shape. Where the map is the identity, they are equal to the
        input.
    """
    height, width = images.shape[1:3]
    y = (ops.arange(height, dtype="float32") - (height - 1) / 2)[None, :, None]
    x = (ops.arange(width, dtype="float32") - (width - 1) / 2)[None, None, :]
    a, b, c, d, e, f = (ops.reshape(value, (-1, 1, 1)) for value in to_input)
    from_x = a * x + b * y + c + (width - 1) / 2
    from_y = d * x + e * y + f + (height - 1) / 2
    left, top = ops.floor(from_x), ops.floor(from_y)
    right_share, low_share = from_x - left, from_y - top
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    columns = [reflected(left, width), reflected(left + 1, width)]
    rows = [reflected(top, height), reflected(top + 1, height)]
    # The four neighbours in one gather: (batch, 4, height, width, channels).
    pixels = gather_pixels(
        images,
        ops.stack([rows[0], rows[0], rows[1], rows[1]], axis=1),
        ops.stack([columns[0], columns[1], columns[0], columns[1]], axis=1),
    )
    left_share, high_share = 1.0 - right_share, 1.0 - low_share
    shares = ops.stack(
        [
            high_share * left_share,
            high_share * right_share,
            low_share * left_share,
            low_share * right_share,
        ],
        axis=1,
    )
    return ops.sum(pixels * shares[..., None], axis=1)


def reflected(index, side):
    """The place in [0, side) that stands for an integer place on the whole line.

    Args:
        index: Integers, tensor or numpy array.
        side: Number of places, at least two.
    """
    period = 2 * (side - 1)
    return side - 1 - abs(index % period - (side - 1))
