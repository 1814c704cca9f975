"""Spoilt everywhere: colours, details or exactness are lost."""

import dataclasses
import io

import numpy as np
from PIL import Image

from keras_gans.data.degrading import Degradation, check_choices, draw_choice
from keras_gans.data.order import natural_number
from keras_gans.data.pixels import recolor, resize


@dataclasses.dataclass(frozen=True)
class Bayer(Degradation):
    """What a camera's sensor sees: one colour per pixel, in the pattern RGGB.

    Red where row and column are even, blue where both are odd, green elsewhere.

    Args:
        planes: 3: each colour in its own channel, 0 where it was not measured; 1: the
            measured values in one channel.
    """

    planes: int = 3

    def __post_init__(self):
        if self.planes not in (1, 3):
            raise ValueError(f"`planes` is 1 or 3. Found: {self.planes!r}.")

    def check_channels(self, channels):
        """Only colours can be sampled."""
        if channels != 3:
            self.refuse(channels, "3 channels")

    def spoil(self, image, random):
        """The image as measured."""
        sparse = np.zeros_like(image)
        for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
            places = slice(row, None, 2), slice(column, None, 2), channel
            sparse[places] = image[places]
        if self.planes == 3:
            return sparse
        # Each pixel has one value besides zeros.
        return sparse.max(axis=-1, keepdims=True)


@dataclasses.dataclass(frozen=True)
class LowRes(Degradation):
    """Details are lost: bicubic reduction, and bicubic enlargement to the old size.

    Args:
        scale: int, by how much; several ints: one is drawn per image. Sides that it
            does not divide are continued by reflection, and cut again.
    """

    scale: int | tuple = 4

    def __post_init__(self):
        check_choices("scale", self.scale)

    def spoil(self, image, random):
        """The image without its details."""
        scale = draw_choice(self.scale, random)
        height, width = image.shape[:2]
        added = (0, -height % scale), (0, -width % scale), (0, 0)
        # "symmetric" repeats the border and needs no second pixel.
        whole = np.pad(image, added, mode="symmetric")
        sides = whole.shape[:2]
        small = resize(whole, tuple(side // scale for side in sides))
        return resize(small, sides)[:height, :width]


@dataclasses.dataclass(frozen=True)
class Grey(Degradation):
    """The colours are lost: one channel of luminance (BT.601)."""

    def check_channels(self, channels):
        """Only colours can be lost."""
        if channels != 3:
            self.refuse(channels, "3 channels")

    def spoil(self, image, random):
        """The image in grey."""
        return recolor(image, "grey")


@dataclasses.dataclass(frozen=True)
class Noise(Degradation):
    """Gaussian noise in every channel of every pixel, rounded and clipped.

    Args:
        sigma: float, standard deviation on the scale of 0 to 255.
    """

    sigma: float = 25.0

    def __post_init__(self):
        if not isinstance(self.sigma, (int, float)) or not 0 <= self.sigma < np.inf:
            raise ValueError(f"`sigma` is a number from 0 on. Found: {self.sigma!r}.")

    def spoil(self, image, random):
        """The image with noise on it."""
        noisy = image + self.sigma * random.standard_normal(image.shape)
        return np.clip(np.rint(noisy), 0, 255).astype("uint8")


@dataclasses.dataclass(frozen=True)
class Jpeg(Degradation):
    """The artefacts of JPEG.

    Args:
        quality: int, 1 to 95 on the scale of libjpeg.
    """

    quality: int = 20

    def __post_init__(self):
        quality = natural_number("quality", self.quality, minimum=1)
        if quality > 95:
            raise ValueError(f"`quality` is at most 95. Found: {quality}.")

    def check_channels(self, channels):
        """JPEG is for grey and for colours."""
        if channels not in (1, 3):
            self.refuse(channels, "1 or 3 channels")

    def spoil(self, image, random):
        """The image as it comes back from a file."""
        grey, file = image.shape[-1] == 1, io.BytesIO()
        picture = Image.fromarray(
            np.ascontiguousarray(image[..., 0] if grey else image)
        )
        picture.save(file, "JPEG", quality=self.quality)
        with Image.open(file, formats=("JPEG",)) as spoilt:
            return np.asarray(spoilt).reshape(image.shape)
