"""What happens to pictures before somebody asks for larger ones."""

import dataclasses
import io

import numpy as np
from PIL import Image

from keras_gans.data.blur_kernels import draw_kernel, draw_sinc
from keras_gans.data.order import natural_number

_FILTERS = (
    Image.Resampling.BOX,  # means over areas, where it becomes smaller
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
)


@dataclasses.dataclass(frozen=True)
class Stage:
    """Once blurred, resized, with noise and stored; probabilities and ranges.

    Attributes:
        blurred: Probability of a blur.
        sigma: Range of its sigmas.
        up: Probability of becoming larger first.
        down: Probability of becoming smaller.
        resized: Range of the factors of both, smaller first.
        noise: Range of Gaussian noise, in grey levels.
        poisson: Range of the strength of Poisson noise.
    """

    blurred: float
    sigma: tuple
    up: float
    down: float
    resized: tuple
    noise: tuple
    poisson: tuple


FIRST = Stage(1.0, (0.2, 3.0), 0.2, 0.7, (0.15, 1.5), (1, 30), (0.05, 3.0))
SECOND = Stage(0.8, (0.2, 1.5), 0.3, 0.4, (0.3, 1.2), (1, 25), (0.05, 2.5))
_QUALITY = 30, 95


@dataclasses.dataclass(frozen=True)
class RealWorld:
    """Blur, resizing, noise and JPEG, twice, and a sinc: a picture in low resolution.

    All is drawn anew for each picture: the form of the blurs, by how much it becomes
    larger or smaller on the way, the noise (Gaussian or Poisson, grey or coloured), the
    quality of the files, and whether it is stored before or after it becomes as small
    as is wanted.

    The reference draws on the GPU, for a batch at a time, and mixes batches in a pool
    of 180 pictures. Here each picture is drawn for by itself, so there is no pool.

    Args:
        scale: int, by how much the picture becomes smaller.

    Example:

    >>> spoil = RealWorld(scale=4)
    >>> spoil(np.zeros((64, 64, 3), "uint8"), np.random.RandomState(0)).shape
    (16, 16, 3)

    Reference: arXiv 2107.10833, sections 3.2 to 3.4.
    """

    scale: int = 4

    def __post_init__(self):
        natural_number("scale", self.scale, minimum=1)

    def __call__(self, image, random):
        """Spoils one picture.

        Args:
            image: uint8 `(height, width, 1 or 3)`, both sides multiples of the scale.
            random: `numpy.random.RandomState`.

        Returns:
            uint8 `(height / scale, width / scale, channels)`.

        Raises:
            ValueError: If it is no such picture.
        """
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (1, 3):
            raise ValueError(
                "A picture is uint8 (height, width, 1 or 3). Found "
                f"{image.dtype} of shape {image.shape}."
            )
        sides = image.shape[:2]
        if any(side % self.scale for side in sides):
            raise ValueError(
                f"Both sides are multiples of {self.scale}. Found: {image.shape}."
            )
        small = tuple(side // self.scale for side in sides)
        x = image / 255.0
        x = _through(x, FIRST, sides, random)
        x = _stored(x, random)
        x = _through(x, SECOND, small, random)
        return _ended(x, small, random)


def _through(x, stage, base, random):
    """One stage, without its file; factors of sizes are those of `base`."""
    if random.random_sample() < stage.blurred:
        x = filtered(x, draw_kernel(random, stage.sigma))
    drawn, (low, high) = random.random_sample(), stage.resized
    factor = 1.0
    if drawn < stage.up:
        factor = random.uniform(1.0, high)
    elif drawn < stage.up + stage.down:
        factor = random.uniform(low, 1.0)
    x = _resized(x, [max(1, int(side * factor)) for side in base], random)
    return _noisy(x, stage, random)


def _ended(x, small, random):
    """To the size that is wanted, a last ringing, and a file, in either order."""
    before, rings = random.random_sample(2) < (0.5, 0.8)
    size = 2 * random.randint(3, 11) + 1
    kernel = draw_sinc(random, size, np.pi / 3) if rings else None
    if not before:
        x = _stored(x, random)
    x = _resized(x, small, random)
    if kernel is not None:
        x = filtered(x, kernel)
    if before:
        x = _stored(x, random)
    return np.rint(255 * np.clip(x, 0, 1)).astype("uint8")


def filtered(x, kernel):
    """A picture through a kernel, mirrored at its outermost pixels.

    Args:
        x: float `(height, width, channels)`.
        kernel: float `(size, size)`, symmetric.
    """
    from scipy.signal import fftconvolve

    reach = len(kernel) // 2
    around = np.pad(x, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    return fftconvolve(around, kernel[:, :, None], mode="valid", axes=(0, 1))


def _resized(x, size, random):
    kind = _FILTERS[random.randint(len(_FILTERS))]
    height, width = size
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(x[..., c], "float32")).resize(
                (width, height), kind
            )
        )
        for c in range(x.shape[-1])
    ]
    return np.stack(planes, axis=-1).astype("float64")


def _noisy(x, stage, random):
    is_gaussian, is_grey = random.random_sample(2) < (0.5, 0.4)
    if is_gaussian:
        sigma = random.uniform(*stage.noise) / 255.0
        shape = (*x.shape[:2], 1) if is_grey else x.shape
        noise = sigma * random.standard_normal(shape)
    else:
        strength = random.uniform(*stage.poisson)
        seen = np.rint(255 * np.clip(x, 0, 1)) / 255.0
        if is_grey:
            seen = seen.mean(axis=-1, keepdims=True)
        levels = 2.0 ** np.ceil(np.log2(max(1, len(np.unique(seen)))))
        noise = strength * (random.poisson(seen * levels) / levels - seen)
    return np.clip(x + noise, 0, 1)


def _stored(x, random):
    """What comes back from a JPEG file."""
    pixels = np.rint(255 * np.clip(x, 0, 1)).astype("uint8")
    grey, file = pixels.shape[-1] == 1, io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if grey else pixels)
    picture.save(
        file, "JPEG", quality=int(random.randint(_QUALITY[0], _QUALITY[1] + 1))
    )
    with Image.open(file, formats=("JPEG",)) as found:
        return np.asarray(found).reshape(pixels.shape) / 255.0
