"""PSNR and SSIM: how near images are to the originals they stand for."""

import numpy as np

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.result import Result

# Y of BT.601 in studio swing, as MATLAB has it: 16 to 235 for RGB in 0 to 255. Other
# conversions, OpenCV's among them, differ by more than 1 dB.
_LUMA = np.array([65.481, 128.553, 24.966]) / 255
_LUMA_BLACK = 16.0
# Pixels held in float64 at once.
_CHUNK = 2**22


class ImageScores:
    """One score per image pair, batch by batch; 8 bytes each.

    Args:
        score: Function of two batches giving `(batch,)`: `psnr_per_image`.
        **options: Its keyword arguments, but for `mask`, which differs by image.
    """

    def __init__(self, score, **options):
        if "mask" in options:
            raise ValueError(
                "A mask is not the same for each batch: call psnr with all images, or "
                "psnr_per_image with each batch."
            )
        self._score, self.options, self._found = score, options, []

    def update(self, real, generated):
        """Adds a batch of originals and the images that stand for them."""
        self._found.append(self._score(real, generated, **self.options))

    def merge(self, other):
        """Adds the scores of another, equally set."""
        if (self._score, self.options) != (other._score, other.options):
            raise ValueError("Scores with different options do not merge.")
        self._found += other._found

    def array(self):
        """All scores, float64 `(images,)`."""
        return np.concatenate([np.empty(0), *self._found])


def psnr_per_image(
    real, generated, data_range=None, crop=0, luma=False, quantise=True, mask=None
):
    """20 log10(255 / sqrt(mean squared error)) of every image pair, in dB.

    Args:
        real: Originals `(images, height, width, channels)`, uint8 or float.
        generated: Images to judge, of the same shape.
        data_range: `(low, high)` of float images, `(-1, 1)` or `(0, 255)`; uint8 has
            its own.
        crop: int, pixels left out along each border; the factor in super-resolution.
        luma: Whether to compare Y of BT.601 (16 to 235, MATLAB's `rgb2ycbcr`) in
            place of RGB, as super-resolution does.
        quantise: Whether float images are rounded to 0, 1, ... 255 first, as files
            would.
        mask: Array `(images, height, width, 1)`; only where it is not 0 are images
            compared. `None`: everywhere.

    Returns:
        float64 `(images,)`, infinite for equal images.

    Raises:
        ValueError: If shapes differ or are not 4-dimensional, `data_range` is absent
            or does not hold the floats, `luma` has other than 3 channels, or `crop`
            or `mask` leaves nothing.

    Reference: `basicsr/metrics/psnr_ssim.py` of XPixelGroup/BasicSR.
    """
    found, done = [], 0
    inside = None if mask is None else _inside(mask, np.shape(real), crop)
    for x, y in _pairs(real, generated, data_range, crop, luma, quantise):
        where = True if inside is None else inside[done : done + len(x)]
        error = np.square(x - y).mean(axis=(1, 2, 3), where=where)
        done += len(x)
        with np.errstate(divide="ignore"):
            found.append(20 * np.log10(255 / np.sqrt(error)))
    return np.concatenate(found)


def ssim_per_image(real, generated, data_range=None, crop=0, luma=False, quantise=True):
    """Structural similarity of every image pair, mean over positions and channels.

    (2 m_x m_y + C1) (2 s_xy + C2) / ((m_x^2 + m_y^2 + C1) (s_x^2 + s_y^2 + C2)) under a
    Gaussian window of 11 x 11 pixels and sigma 1.5, where it lies within the image;
    C1 = (0.01 255)^2, C2 = (0.03 255)^2.

    Args:
        real: Originals `(images, height, width, channels)`, uint8 or float.
        generated: Images to judge, of the same shape.
        data_range: As in `psnr_per_image`, and so all that follow.
        crop: int, pixels left out along each border.
        luma: Whether to compare Y of BT.601 in place of RGB.
        quantise: Whether float images are rounded to 0, 1, ... 255 first.

    Returns:
        float64 `(images,)` in [-1, 1], 1 for equal images.

    Raises:
        ValueError: As `psnr_per_image`, and if less than 11 x 11 pixels are left.

    Reference: Wang et al. 2004, "Image quality assessment: from error visibility to
    structural similarity", eq. 13 and section III.C.
    """
    found = []
    for x, y in _pairs(real, generated, data_range, crop, luma, quantise):
        if min(x.shape[1:3]) < 11:
            raise ValueError(
                "SSIM needs 11 x 11 pixels after cropping, found "
                f"{x.shape[1]} x {x.shape[2]}."
            )
        found.append(_similarity(x, y).mean(axis=(1, 2, 3)))
    return np.concatenate(found)


def psnr(real, generated=None, protocol=None, **options):
    """The mean over images of `psnr_per_image`, in dB, higher is better.

    The mean of each image's figure, not the figure of the mean error.

    Args:
        real: Originals `(images, height, width, channels)`, or `ImageScores`.
        generated: Images to judge, of the same shape.
        protocol: `Protocol`, to name the data set in `reference`.
        **options: `data_range`, `crop`, `luma`, `quantise`, `mask` of
            `psnr_per_image`.

    Returns:
        `Result` with `psnr` and its `std` over images.

    Raises:
        ValueError: As `psnr_per_image`, and for no images.

    Example:

    >>> black = np.zeros((1, 4, 4, 3), "uint8")
    >>> round(psnr(black, black + 255).value, 9)
    0.0
    """
    return _mean_score("psnr", psnr_per_image, real, generated, protocol, options)


def ssim(real, generated=None, protocol=None, **options):
    """The mean over images of `ssim_per_image`, in [-1, 1], higher is better.

    Args:
        real: Originals `(images, height, width, channels)`, or `ImageScores`.
        generated: Images to judge, of the same shape.
        protocol: `Protocol`, to name the data set in `reference`.
        **options: `data_range`, `crop`, `luma`, `quantise` of `ssim_per_image`.

    Returns:
        `Result` with `ssim` and its `std` over images.

    Raises:
        ValueError: As `ssim_per_image`, and for no images.

    Example:

    >>> grey = np.full((1, 16, 16, 1), 99, "uint8")
    >>> ssim(grey, grey).value
    1.0
    """
    return _mean_score("ssim", ssim_per_image, real, generated, protocol, options)


class _PairedAccumulator(Accumulator):
    """Takes originals and images together: `update(real=..., generated=...)`.

    Args:
        protocol: `Protocol`.
        **options: Those of the score per image.
    """

    sides = {"real": ImageScores}

    def __init__(self, protocol=None, **options):
        scores = ImageScores(self.score, **options)
        super().__init__(real=scores, protocol=protocol)

    def update(self, real, generated):
        """Adds a batch of originals and the images that stand for them."""
        self._gathered["real"].update(real, generated)


class PSNR(_PairedAccumulator):
    """`psnr` batch by batch; keeps one number per image."""

    metric = staticmethod(psnr)
    score = staticmethod(psnr_per_image)


class SSIM(_PairedAccumulator):
    """`ssim` batch by batch; keeps one number per image."""

    metric = staticmethod(ssim)
    score = staticmethod(ssim_per_image)


def _mean_score(name, score, real, generated, protocol, options):
    if isinstance(real, ImageScores):
        scores, options = real.array(), real.options
    else:
        scores = score(real, generated, **options)
    if len(scores) == 0:
        raise ValueError("There are no images to compare.")
    endless = np.isinf(scores).any()
    return Result(
        name,
        {name: scores.mean(), "std": np.inf if endless else scores.std()},
        {
            "crop": options.get("crop", 0),
            "luma": bool(options.get("luma", False)),
            "quantise": bool(options.get("quantise", True)),
            # Figures of before there were masks stay comparable.
            **({} if options.get("mask") is None else {"masked": True}),
        },
        **({} if protocol is None else {"protocol": protocol}),
        num_real=len(scores),
        num_generated=len(scores),
    )


def _pairs(real, generated, data_range, crop, luma, quantise):
    """Yields float64 chunks of both, 0 to 255, cropped, in luma where asked."""
    real, generated = np.asarray(real), np.asarray(generated)
    if real.shape != generated.shape or real.ndim != 4 or len(real) == 0:
        raise ValueError(
            "Expected two equal shapes (images, height, width, channels), found "
            f"{real.shape} and {generated.shape}."
        )
    if luma and real.shape[-1] != 3:
        raise ValueError(f"luma needs RGB images, found {real.shape[-1]} channels.")
    if not 0 <= 2 * crop < min(real.shape[1:3]):
        raise ValueError(f"A crop of {crop} leaves nothing of {real.shape[1:3]}.")
    size = max(1, _CHUNK // max(1, real[0].size))
    for start in range(0, len(real), size):
        rows = (slice(start, start + size), *[slice(crop, -crop or None)] * 2)
        pair = [_bytes(side[rows], data_range, quantise) for side in (real, generated)]
        if luma:
            pair = [(side @ _LUMA + _LUMA_BLACK)[..., None] for side in pair]
        yield pair


def _inside(mask, shape, crop):
    """A mask as bools `(images, height, width, 1)`, cropped."""
    mask = np.asarray(mask)
    if mask.shape != (*shape[:3], 1):
        raise ValueError(
            f"Expected a mask of the shape {(*shape[:3], 1)}, found {mask.shape}."
        )
    inner = slice(crop, -crop or None)
    inside = mask[:, inner, inner] != 0
    empty = np.flatnonzero(~inside.any(axis=(1, 2, 3)))
    if len(empty):
        raise ValueError(
            f"The mask leaves nothing of {len(empty)} images, first of number "
            f"{empty[0]}."
        )
    return inside


def _bytes(images, data_range, quantise):
    """The images as float64 in [0, 255]."""
    if images.dtype == np.uint8:
        return images.astype(np.float64)
    if data_range is None or images.dtype.kind != "f":
        raise ValueError(
            "Expected uint8 images, or float ones with data_range=(low, high), found "
            f"{images.dtype} with data_range={data_range}."
        )
    low, high = data_range
    if not (low <= images.min() and images.max() <= high and low < high):
        raise ValueError(
            f"Images must lie in data_range ({low}, {high}), found {images.min()} to "
            f"{images.max()}. Clip them, or correct the range."
        )
    scaled = (images.astype(np.float64) - low) * (255 / (high - low))
    return np.round(scaled) if quantise else scaled


def _similarity(x, y):
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = _blurred(x), _blurred(y)
    products = mean_x * mean_y
    squares = mean_x**2 + mean_y**2
    covariance = _blurred(x * y) - products
    variances = _blurred(x**2 + y**2) - squares
    luminance = (2 * products + c1) / (squares + c1)
    return luminance * (2 * covariance + c2) / (variances + c2)


def _blurred(images):
    """Gaussian window of 11, sigma 1.5, along both axes, where it fits."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    taps /= taps.sum()
    height, width = images.shape[1] - 10, images.shape[2] - 10
    rows = sum(tap * images[:, i : i + height] for i, tap in enumerate(taps))
    return sum(tap * rows[:, :, i : i + width] for i, tap in enumerate(taps))
