"""Random crops and mirroring: drawn by seed and epoch, equal for what belongs together.

pix2pix and CycleGAN enlarge each picture from 256 to 286 pixels, cut 256 out of it at a
random place, and mirror every other one (arXiv 1611.07004, section 6.2).
"""

import functools

import numpy as np

from keras_gans.data.order import epoch_crops, epoch_flips
from keras_gans.data.pixels import as_size, resize


class Framing:
    """Which part of each picture is shown, and which way round.

    Args:
        pictures: uint8 array `(num_images, height, width, channels)`.
        jitter: int or `(height, width)`, what pictures are resized to before they are
            cropped; an int is the shorter side. `None` leaves them.
        image_size: int or `(height, width)` of the crop; `None`: the pictures' own.
        flip: Whether pictures are mirrored with probability 1/2.
        nearest: Whether they are label maps, integers of any kind: resized to the
            nearest pixel.

    Attributes:
        size: `(height, width)` of the crop.

    Raises:
        ValueError: If there are no pictures of this form, the crop does not fit into
            what it is cut out of, or `jitter` meets what cannot be resized: floats,
            which bicubic interpolation would drive out of their range.
    """

    def __init__(
        self, pictures, jitter=None, image_size=None, flip=False, nearest=False
    ):
        if pictures.ndim != 4:
            raise ValueError(
                "Expected pictures (num_images, height, width, channels). Found shape "
                f"{pictures.shape}."
            )
        if nearest and pictures.dtype.kind not in "iu":
            raise ValueError(f"Label maps are integers. Found {pictures.dtype}.")
        own = pictures.shape[1:3]
        self.flip = flip
        self._nearest = nearest
        self.size = own if image_size is None else as_size(image_size)
        self._enlarged = _enlarged(own, jitter)
        self._moves = self._enlarged != self.size
        # Before any picture is resized: this is seen when the data set is made.
        if any(np.subtract(self._enlarged, self.size) < 0):
            whole, crop = _shown(self._enlarged), _shown(self.size)
            raise ValueError(
                f"Crops of {crop} do not fit into pictures of {whole}: raise `jitter` "
                "or lower `image_size`."
            )
        if self._enlarged != own and not nearest and pictures.dtype != np.uint8:
            raise ValueError(
                f"`jitter` resizes uint8 pictures. Found {pictures.dtype}: convert "
                "them with keras_gans.data.to_uint8."
            )

    def draw(self, number, seed, epoch, domain=0):
        """Draws the places of one epoch.

        Returns:
            `(crops, flips)`, arrays of `number` rows; see `epoch_crops`.
        """
        crops = epoch_crops(number, seed, epoch, domain)
        if self.flip:
            return crops, epoch_flips(number, seed, epoch, domain)
        return crops, np.zeros(number, bool)

    def show(self, pictures, crops, flips):
        """Frames a batch of pictures.

        Args:
            pictures: `(batch, height, width, channels)`.
            crops, flips: Their rows of what `draw` returned.

        Returns:
            `(batch, *size, channels)` of the same dtype.
        """
        if self._enlarged != pictures.shape[1:3]:
            change = _nearest if self._nearest else resize
            pictures = change(pictures, self._enlarged)
        if self._moves:
            room = np.subtract(self._enlarged, self.size) + 1
            pictures = _cut(pictures, (crops * room).astype(int), self.size)
        if flips.any():
            mirrored = flips[:, None, None, None]
            pictures = np.where(mirrored, pictures[:, :, ::-1], pictures)
        return pictures


def _enlarged(own, jitter):
    if jitter is None:
        return own
    size = as_size(jitter)
    if isinstance(jitter, (tuple, list)):
        return size
    return tuple(round(side * size[0] / min(own)) for side in own)


def _cut(pictures, corners, size):
    height, width = size
    crops = [
        picture[top : top + height, left : left + width]
        for picture, (top, left) in zip(pictures, corners, strict=True)
    ]
    return np.stack(crops)


def _nearest(pictures, size):
    """`resize` to the nearest pixel, for integers that Pillow has no pictures of."""
    rows = _nearest_pixels(pictures.shape[1:3], size)
    flat = pictures.reshape(len(pictures), -1, pictures.shape[-1])
    return flat[:, rows].reshape(len(pictures), *size, -1)


@functools.lru_cache(maxsize=8)
def _nearest_pixels(old, new):
    # float32 holds each index up to 16 million pixels.
    indices = np.arange(old[0] * old[1], dtype="float32").reshape(*old, 1)
    return resize(indices, new, antialias=False).astype("int64").ravel()


def _shown(size):
    return "x".join(map(str, size))
