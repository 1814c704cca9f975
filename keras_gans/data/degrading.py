"""What all ways to spoil a picture have in common."""

from typing import ClassVar

import numpy as np

from keras_gans.data.order import natural_number


class Degradation:
    """What all have in common; subclasses say how one image is spoilt.

    Attributes:
        has_mask: Whether a mask comes with the degraded images.
    """

    has_mask: ClassVar[bool] = False

    def __call__(self, images, random):
        """Spoils images; see the module.

        Args:
            images: uint8 `(num_images, height, width, channels)`.
            random: `numpy.random.RandomState`.

        Returns:
            `(degraded, mask)`; `mask` may be `None`.

        Raises:
            ValueError: If `images` are nothing of the kind, or of a number of channels
                that cannot be spoilt so.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape:
            raise ValueError(
                "A degradation takes uint8 pictures (num_images, height, width, "
                f"channels). Found {images.dtype} of shape {images.shape}."
            )
        self.check_channels(images.shape[-1])
        spoilt = [self.spoil(image, random) for image in images]
        if not self.has_mask:
            return np.stack(spoilt), None
        degraded, masks = zip(*spoilt, strict=True)
        return np.stack(degraded), np.stack(masks)

    def spoil(self, image, random):
        """Returns one image `(height, width, channels)` spoilt, and its mask if any."""
        raise NotImplementedError

    def check_channels(self, channels):
        """Raises a ValueError where images of so many channels cannot be spoilt."""

    def refuse(self, channels, needed):
        """Raises the ValueError of `check_channels`."""
        name = type(self).__name__
        raise ValueError(f"{name} needs pictures of {needed}. Found: {channels}.")


def draw_choice(values, random):
    """Draws one of a tuple; what is no tuple is the choice already."""
    if not isinstance(values, tuple):
        return values
    return values[random.randint(len(values))]


def check_choices(name, values):
    """Raises a ValueError unless this is an int from 1 on, or a tuple of such."""
    choices = values if isinstance(values, tuple) else (values,)
    if not choices:
        raise ValueError(f"`{name}` is empty: name at least one number.")
    for value in choices:
        natural_number(name, value, minimum=1)
