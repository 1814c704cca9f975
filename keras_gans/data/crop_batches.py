"""Batches for super-resolution: random crops, and the same in low resolution."""

import numpy as np

from keras_gans.data.bicubic import shrink, whole_part
from keras_gans.data.epoch_batches import EpochBatches
from keras_gans.data.order import example_draws, natural_number


class CropBatches(EpochBatches):
    """Shuffled batches `(low, high)` of random crops of pictures of any sizes.

    The low resolution is cut out of that of the whole picture, at the same place, so
    that crops have no borders of their own. Order, places and what else is drawn in
    epoch e depend on `(seed, e)` alone, as in `ArrayBatches`.

    Args:
        pictures: List of uint8 arrays `(height, width, channels)`, as `load_pictures`
            returns them.
        batch_size: int, crops per batch.
        scale: int, by how much the low resolution is smaller.
        image_size: int, side of the crops in high resolution; a multiple of `scale`.
        crops: int, crops of each picture in an epoch.
        flip: Whether a crop is shown in one of the eight ways that mirroring and
            quarter turns make.
        seed: Non-negative int, the seed of all that is drawn.
        shuffle: Whether each epoch has an order of its own.
        degradation: How the low resolution is made of a crop, in place of bicubic
            reduction: a function of `(crop, random)`, such as
            `keras_gans.data.RealWorld(scale)`.
        drop_remainder: As in `ArrayBatches`.
        **kwargs: As in `ArrayBatches`.

    Raises:
        ValueError: As `ArrayBatches`; also if pictures are nothing of the kind, or
            smaller than the crops.

    Example:

    >>> pictures = [np.zeros((120, 90, 3), "uint8"), np.zeros((99, 200, 3), "uint8")]
    >>> batches = CropBatches(pictures, batch_size=4, scale=4, image_size=48, crops=8)
    >>> low, high = batches[0]
    >>> low.shape, high.shape
    ((4, 12, 12, 3), (4, 48, 48, 3))
    """

    def __init__(
        self,
        pictures,
        batch_size,
        scale=4,
        image_size=96,
        crops=1,
        flip=False,
        seed=0,
        shuffle=True,
        *,
        degradation=None,
        drop_remainder=True,
        **kwargs,
    ):
        self.scale = natural_number("scale", scale, minimum=1)
        self.image_size = natural_number("image_size", image_size, minimum=self.scale)
        self.flip, self.degradation = flip, degradation
        if self.image_size % self.scale:
            raise ValueError(
                f"Crops of {image_size} pixels have no low resolution of 1/{scale}: "
                f"choose a multiple of {scale}."
            )
        self._crops = natural_number("crops", crops, minimum=1)
        self._high = [self._checked(picture) for picture in pictures]
        if degradation is None:
            self._low = [shrink(picture, self.scale) for picture in self._high]
        count = len(self._high) * self._crops
        super().__init__(count, batch_size, shuffle, seed, drop_remainder, **kwargs)

    def _checked(self, picture):
        picture = np.asarray(picture)
        if picture.dtype != np.uint8 or picture.ndim != 3:
            raise ValueError(
                "Pictures are uint8 arrays (height, width, channels). Found "
                f"{picture.dtype} of shape {picture.shape}."
            )
        if min(picture.shape[:2]) < self.image_size:
            raise ValueError(
                f"Crops of {self.image_size} pixels do not fit into a picture of "
                f"{picture.shape[0]}x{picture.shape[1]}: lower `image_size`, or leave "
                "it out."
            )
        return whole_part(picture, self.scale)

    def set_epoch(self, epoch):
        """Serves the order and the crops of `epoch` from now on."""
        super().set_epoch(epoch)
        self._order = self.order_of_epoch()

    def batch_of(self, positions):
        """The crops that come at these places of the epoch."""
        pairs = [self._example(int(index)) for index in self._order[positions]]
        return tuple(np.stack(side) for side in zip(*pairs, strict=True))

    def _example(self, index):
        random = example_draws(self.seed, self.epoch, index)
        picture, side = index // self._crops, self.image_size // self.scale
        high = self._high[picture]
        room = np.array(high.shape[:2]) // self.scale - side + 1
        top, left = (random.random_sample(2) * room).astype(int)
        way = random.randint(8) if self.flip else 0
        crop = shown(_cut(high, top, left, side, self.scale), way)
        if self.degradation is not None:
            return self.degradation(crop, random), crop
        return shown(_cut(self._low[picture], top, left, side, 1), way), crop


def shown(image, way):
    """A picture in one of the eight ways, 0 to 7, that turns and mirroring make."""
    turned = np.rot90(image, way % 4)
    return turned[:, ::-1] if way >= 4 else turned


def _cut(image, top, left, side, scale):
    rows, columns = (slice(scale * i, scale * (i + side)) for i in (top, left))
    return image[rows, columns]
