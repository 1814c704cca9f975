"""`ImageUpscaler`: a system that makes pictures larger."""

import math

import numpy as np
from keras import ops

from keras_gans.core.image_translator import ImageTranslator
from keras_gans.core.receptive_field import receptive_radius
from keras_gans.data import check_side_multiple


class ImageUpscaler(ImageTranslator):
    """An `ImageTranslator` whose images are `scale` times as high and wide as given.

    Args:
        image_shape: `(height, width, channels)` of the large images, in training; both
            sides multiples of `scale`.
        scale: Whole number.
        ema_decay: As for `System`, like what follows.
        seed: Integer.
        **kwargs: `augmentation`.

    Attributes:
        takes_crops: Whether recipes train it on crops of pictures of any sizes.
        source_multiple: What the sides of a picture are continued to, by its outermost
            pixels, before the network sees it; what that adds is cut off again.

    Raises:
        ValueError: for an image shape whose sides are no multiples.
    """

    directions = {"upscale": {}}
    takes_crops = True
    source_multiple = 1

    def __init__(self, image_shape, scale, ema_decay=None, seed=0, **kwargs):
        if not isinstance(scale, int) or scale < 1:
            raise ValueError(f"scale is a whole number from 1 on. Found: {scale!r}.")
        multiple, name = scale * self.source_multiple, type(self).__name__
        check_side_multiple(image_shape, multiple, f"{name} x{scale}")
        super().__init__(image_shape, None, ema_decay, seed, **kwargs)
        self.scale = scale

    @property
    def source_shape(self):
        """`(height, width, channels)` of the small images, in training."""
        *sides, channels = self.image_shape
        return (*(side // self.scale for side in sides), channels)

    def check_network(self, name, network):
        """As in `ImageTranslator`; also checks by how much a network enlarges."""
        super().check_network(name, network)
        if name not in self.sampling_networks or not hasattr(network, "inputs"):
            return
        side = 8 * self.source_multiple
        shape = (1, side, side, self.image_shape[-1])
        made = tuple(network.compute_output_shape(shape))[1:3]
        if made != (self.scale * side,) * 2:
            raise ValueError(
                f"The {network.name} makes {made[0]}x{made[1]} of {side}x{side} "
                f"pixels; the system was built for a scale of {self.scale}."
            )

    def call(self, inputs, training=None):
        """As in `ImageTranslator`; linear outputs are clipped to [-1, 1]."""
        return ops.clip(super().call(inputs, training), -1.0, 1.0)

    def translated(self, images, stream):
        """As in `ImageTranslator`, for sides of any length."""
        multiple = self.source_multiple
        if multiple == 1:
            return self.call(images, training=False)
        height, width = ops.shape(images)[1:3]
        for axis, side in ((1, height), (2, width)):
            whole = -(-side // multiple) * multiple
            places = ops.minimum(ops.arange(whole), side - 1)
            images = ops.take(images, places, axis=axis)
        made = self.call(images, training=False)
        return made[:, : self.scale * height, : self.scale * width]

    def upscale(self, images, tile=256, overlap=None, batch_size=1):
        """Images, `scale` times as high and wide.

        Larger pictures are computed in parts, of which each sees some pixels beyond its
        own. With as many as the network looks at, which is the default, the parts are
        those of the whole picture and no seam is to be seen. Deep networks look very
        far, at what hardly counts there: fewer are faster.

        Args:
            images: `(num_images, height, width, channels)` of any size, uint8 or floats
                in [-1, 1].
            tile: Side in pixels of what is computed at a time; `None` for pictures as a
                whole, whose memory may not do.
            overlap: Pixels seen beyond a part; `None` for as many as the network looks
                at.
            batch_size: Parts, or small pictures, computed at a time: large maps take
                much memory.

        Returns:
            numpy float32 array `(num_images, scale height, scale width, channels)`, in
            [-1, 1].

        Raises:
            ValueError: for images of a wrong range or number of channels, a `tile` or
                an `overlap` that is none, or a network that looks at whole pictures.

        Example:

        >>> large = kg.data.to_uint8(gan.upscale(small))
        """
        self.check_sources(images)
        images = np.asarray(ops.convert_to_numpy(images))
        if tile is None or max(images.shape[1:3]) <= _natural("tile", tile, 1):
            return self.translate(images, batch_size=batch_size)
        overlap = self._overlap(overlap)
        return np.stack([self._in_parts(i, tile, overlap, batch_size) for i in images])

    def _overlap(self, overlap):
        if overlap is not None:
            return _natural("overlap", overlap, 0)
        radius = receptive_radius(self.sampler)
        if math.isinf(radius):
            raise ValueError(
                f"The {self.sampler.name} looks at whole pictures: parts of them would "
                "become something else. Pass tile=None, or an overlap that will do."
            )
        return radius

    def _in_parts(self, image, tile, overlap, batch_size):
        """One large picture."""
        height, width, channels = image.shape
        multiple, scale = self.source_multiple, self.scale
        added = [(0, -side % multiple) for side in (height, width)]
        image = np.pad(image, (*added, (0, 0)), mode="edge")
        rows, columns = (
            parts_of(side, _whole(tile, multiple), _whole(overlap, multiple))
            for side in image.shape[:2]
        )
        places = [(row, column) for row in rows for column in columns]
        sides = [scale * side for side in image.shape[:2]]
        made = np.empty((*sides, channels), "float32")
        for start in range(0, len(places), batch_size):
            some = places[start : start + batch_size]
            seen = np.stack([image[row.seen, column.seen] for row, column in some])
            for (row, column), part in zip(
                some, self.translate(seen, batch_size=batch_size), strict=True
            ):
                made[row.put(scale), column.put(scale)] = part[
                    row.kept(scale), column.kept(scale)
                ]
        return made[: scale * height, : scale * width]


class Part:
    """Along one axis: the pixels start to stop, seen from `first` to `last`."""

    def __init__(self, start, stop, first, last):
        self.start, self.stop, self.first = start, stop, first
        self.seen = slice(first, last)

    def put(self, scale):
        """Where it goes in the large picture."""
        return slice(scale * self.start, scale * self.stop)

    def kept(self, scale):
        """What is taken of what was made of the pixels seen."""
        return slice(
            scale * (self.start - self.first), scale * (self.stop - self.first)
        )


def parts_of(side, tile, overlap):
    """The parts of an axis; all see equally many pixels.

    Args:
        side: Pixels of the axis.
        tile: Pixels of a part.
        overlap: Pixels that it sees on both sides, or up to the picture's border.

    Returns:
        List of `Part`s.
    """
    window = min(side, tile + 2 * overlap)
    found = []
    for start in range(0, side, tile):
        first = min(max(0, start - overlap), side - window)
        found.append(Part(start, min(start + tile, side), first, first + window))
    return found


def _whole(pixels, multiple):
    return -(-pixels // multiple) * multiple


def _natural(name, value, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} is a whole number of pixels. Found: {value!r}.")
    if value < least:
        raise ValueError(f"{name} is at least {least}. Found: {value}.")
    return int(value)
