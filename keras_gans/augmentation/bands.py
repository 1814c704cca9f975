"""Four bands of frequencies, amplified or damped: ADA's image filter."""

import functools

import numpy as np
from keras import ops

from keras_gans.augmentation.warping import gather_pixels, reflected

COUNT = 4
# Mean power of the bands in natural images, lowest first, as the paper assumes.
_EXPECTED_POWER = np.array([10.0, 1.0, 1.0, 1.0], "float32") / 13.0
_SYM2 = (
    -0.12940952255092145,
    0.22414386804185735,
    0.836516303737469,
    0.48296291314469025,
)


@functools.cache
def filter_bank():
    """Kernels of the four bands, float32 `(4, 43)`; together they are an impulse.

    Half-band filters made of sym2 split the lower half of the spectrum, three times.
    """
    low = np.array(_SYM2)
    high = low * (-1.0) ** np.arange(len(low))
    low, high = (np.convolve(h, h[::-1]) / 2 for h in (low, high))
    bank = np.eye(COUNT, 1)
    for band in range(1, COUNT):
        wide = np.zeros((COUNT, 2 * bank.shape[1] - 1))
        wide[:, ::2] = bank
        bank = np.stack([np.convolve(kernel, low) for kernel in wide])
        middle = bank.shape[1] // 2
        bank[band, middle - 3 : middle + 4] += high
    return bank.astype("float32")


def normalized(gains):
    """Gains of one amplified band that keep the expected power of an image.

    Args:
        gains: float32 `(batch, 4)`.
    """
    power = ops.sum(_EXPECTED_POWER * ops.square(gains), axis=1, keepdims=True)
    return gains / ops.sqrt(power)


def amplify(images, gains):
    """Filters each image by the sum of the bands' kernels, times their gains.

    Args:
        images: float32 `(batch, height, width, channels)`, continued by reflection.
        gains: float32 `(batch, 4)`; all ones leave an image as it is.

    Returns:
        The same shape.
    """
    height, width, channels = images.shape[1:]
    reach = filter_bank().shape[1] // 2
    rows = reflected(np.arange(-reach, height + reach), height)
    columns = reflected(np.arange(-reach, width + reach), width)
    batch = ops.zeros((ops.shape(images)[0], 1, 1), dtype="int32")
    padded = gather_pixels(
        images,
        batch + ops.convert_to_tensor(rows.astype("int32"))[None, :, None],
        ops.convert_to_tensor(columns.astype("int32"))[None, None, :],
    )
    kernels = ops.sum(gains[:, :, None] * filter_bank()[None], axis=1)
    x = ops.reshape(padded, (-1, height + 2 * reach, (width + 2 * reach) * channels))
    x = ops.matmul(_sliding(kernels, height), x)
    x = ops.reshape(x, (-1, height, width + 2 * reach, channels))
    x = ops.matmul(_sliding(kernels, width)[:, None], x)
    return ops.reshape(x, (-1, height, width, channels))


def _sliding(kernels, side):
    """`(batch, side, side + taps - 1)`: row i holds the kernel from place i on."""
    taps = kernels.shape[1]
    place = np.arange(side + taps - 1)[None, :] - np.arange(side)[:, None]
    place = np.where((place >= 0) & (place < taps), place, taps).astype("int32")
    padded = ops.pad(kernels, ((0, 0), (0, 1)))
    return ops.take(padded, ops.convert_to_tensor(place), axis=1)
