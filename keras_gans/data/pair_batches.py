"""Batches of a picture and what it is to become: from pairs, or spoilt on the way."""

import keras
import numpy as np

from keras_gans.data.array_batches import ArrayBatches, aligned_arrays
from keras_gans.data.degradations import degradation as make_degradation
from keras_gans.data.framing import Framing
from keras_gans.data.order import example_draws


class PairBatches(ArrayBatches):
    """Shuffled batches `(source, target)`, cropped and mirrored together.

    Order, crops and mirroring in epoch e depend on `(seed, e)` alone, and
    `set_epoch(e)` chooses the epoch, as in `ArrayBatches`: a resumed training sees
    what one that was never stopped saw.

    Args:
        source: uint8 array `(num_images, height, width, channels)`, or floats in
            [-1, 1]; or a tuple, list or dict of such, as label maps with instance maps
            are.
        target: The same, what `source` is to become.
        batch_size: int, pairs per batch.
        jitter: int or `(height, width)`: both pictures are resized to it before they
            are cropped; an int is the shorter side. pix2pix: 286 for crops of 256.
        flip: Whether a pair is mirrored left to right with probability 1/2.
        seed: Non-negative int, the seed of order, crops and mirroring.
        shuffle: Whether each epoch has its own order.
        image_size: int or `(height, width)` of the crops; `None`: as the pictures are.
        integer_labels: Whether `source` holds label maps: integers of any kind, which
            are resized to the nearest pixel.
        drop_remainder: As in `ArrayBatches`.
        **kwargs: As in `ArrayBatches`.

    Raises:
        ValueError: As `ArrayBatches`; also if the pictures of a pair have different
            sides, crops do not fit into them, or `jitter` meets floats.

    Example:

    >>> maps, photos = np.zeros((2, 10, 64, 64, 3), "uint8")
    >>> batches = PairBatches(maps, photos, batch_size=4, jitter=72, flip=True, seed=7)
    >>> source, target = batches[0]
    >>> source.shape, str(target.dtype)
    ((4, 64, 64, 3), 'uint8')
    """

    def __init__(
        self,
        source,
        target,
        batch_size,
        jitter=None,
        flip=False,
        seed=0,
        shuffle=True,
        *,
        image_size=None,
        integer_labels=False,
        drop_remainder=True,
        **kwargs,
    ):
        (source, target), _ = aligned_arrays((source, target))
        options = jitter, image_size, flip

        def framing(pictures, nearest=False):
            return Framing(pictures, *options, nearest=nearest)

        self._framings = (
            keras.tree.map_structure(lambda x: framing(x, integer_labels), source),
            keras.tree.map_structure(framing, target),
        )
        _check_sides((source, target))
        super().__init__(
            (source, target), batch_size, shuffle, seed, drop_remainder, **kwargs
        )

    def set_epoch(self, epoch):
        """Serves the order, crops and mirroring of `epoch` from now on."""
        super().set_epoch(epoch)
        framing = keras.tree.flatten(self._framings)[0]
        self._crops, self._flips = framing.draw(self.num_examples, self.seed, epoch)

    def examples(self, chosen):
        """The pairs of these indices, framed as in this epoch."""
        places = self._crops[chosen], self._flips[chosen]
        return keras.tree.map_structure(
            lambda pictures, framing: framing.show(pictures[chosen], *places),
            self.arrays,
            self._framings,
        )


class DegradedBatches(ArrayBatches):
    """Shuffled batches `(degraded, clean)` of one set of pictures.

    What is drawn for an image in epoch e depends on `(seed, e)` and its index alone,
    and is drawn anew in each epoch: no network learns one grid or one hole by heart.
    For a test set, which should stay as it is, see `degrade`.

    Args:
        images: uint8 array `(num_images, height, width, channels)`.
        degradation: A text such as `"mosaic:8"`, see `keras_gans.data.degradation`; or
            a `Degradation`.
        batch_size: int, pairs per batch.
        jitter: int or `(height, width)`, as in `PairBatches`, before the degradation;
            so `flip` and `image_size`.
        flip: Whether images are mirrored with probability 1/2.
        seed: Non-negative int, the seed of all that is drawn.
        shuffle: Whether each epoch has its own order.
        image_size: int or `(height, width)` of the crops; `None`: as the images are.
        append_mask: Whether the mask of a degradation that has one becomes the last
            channel of `degraded`: 255 inside, 0 outside.
        drop_remainder: As in `ArrayBatches`.
        **kwargs: As in `ArrayBatches`.

    Attributes:
        source_shape: Shape of one degraded picture with its mask, for the networks.

    Raises:
        ValueError: As `ArrayBatches` and `keras_gans.data.degradation`; also if images
            are not uint8, or crops do not fit into them.

    Example:

    >>> images = np.zeros((10, 64, 64, 3), "uint8")
    >>> batches = DegradedBatches(images, "mosaic:8", batch_size=4)
    >>> degraded, clean = batches[0]
    >>> degraded.shape, clean.shape
    ((4, 64, 64, 4), (4, 64, 64, 3))
    """

    def __init__(
        self,
        images,
        degradation,
        batch_size,
        jitter=None,
        flip=False,
        seed=0,
        shuffle=True,
        *,
        image_size=None,
        append_mask=True,
        drop_remainder=True,
        **kwargs,
    ):
        images = np.asarray(images)
        self.degradation = make_degradation(degradation)
        self.append_mask = append_mask
        self._framing = Framing(images, jitter, image_size, flip)
        super().__init__(images, batch_size, shuffle, seed, drop_remainder, **kwargs)
        # Also tells at once what the degradation has against these images.
        self.source_shape = self.examples(np.arange(1))[0].shape[1:]

    def set_epoch(self, epoch):
        """Serves the order and the degradations of `epoch` from now on."""
        super().set_epoch(epoch)
        self._crops, self._flips = self._framing.draw(
            self.num_examples, self.seed, epoch
        )

    def examples(self, chosen):
        """The pairs of these indices, degraded as in this epoch."""
        places = self._crops[chosen], self._flips[chosen]
        clean = self._framing.show(self.arrays[chosen], *places)
        draws = [example_draws(self.seed, self.epoch, index) for index in chosen]
        return _degraded(clean, self.degradation, draws, self.append_mask), clean


def degrade(images, degradation, seed=0, append_mask=True):
    """Spoils images once, as for a test set.

    Args:
        images: uint8 array `(num_images, height, width, channels)`.
        degradation: A text such as `"mosaic:8"`, see `keras_gans.data.degradation`; or
            a `Degradation`.
        seed: Non-negative int. What is drawn for an image depends on it and the
            image's index alone, and is what `DegradedBatches` draws in epoch 0.
        append_mask: Whether a mask becomes the last channel: 255 inside, 0 outside.

    Returns:
        uint8 array `(num_images, height, width, channels [+ 1])`.

    Raises:
        ValueError: As `keras_gans.data.degradation` and what it returns.

    Example:

    >>> degrade(np.zeros((10, 64, 64, 3), "uint8"), "grey").shape
    (10, 64, 64, 1)
    """
    images, kind = np.asarray(images), make_degradation(degradation)
    draws = [example_draws(seed, 0, index) for index in range(len(images))]
    return _degraded(images, kind, draws, append_mask)


def _degraded(images, kind, draws, append_mask):
    spoilt = []
    for index, random in enumerate(draws):
        degraded, mask = kind(images[index : index + 1], random)
        if append_mask and mask is not None:
            degraded = np.concatenate([degraded, mask], axis=-1)
        spoilt.append(degraded)
    return np.concatenate(spoilt)


def _check_sides(arrays):
    sides = {leaf.shape[1:3] for leaf in keras.tree.flatten(arrays)}
    if len(sides) > 1:
        found = ", ".join("x".join(map(str, size)) for size in sorted(sides))
        raise ValueError(
            f"The pictures of a pair must have the same sides. Found: {found}; load "
            "both with the same image_size."
        )
