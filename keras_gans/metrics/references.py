"""The real images that samples are compared with."""

import hashlib
import os

import numpy as np

# More say little more, and neighbours cost the square.
_MOST = 10_000
# Which images are taken where there are more than wanted.
_SEED = 0


class References:
    """Real images to compare with, and those that were trained on.

    Args:
        data: Name of a data set, uint8 images, or `(images, labels)`.
        split: Part of a named data set.
        training: The part that was trained on, images or `(images, labels)`; `None`
            if unknown.
        image_shape: `(height, width, channels)` that all must have; named data are
            cropped and resized to it.

    Attributes:
        real, training: uint8 images; `training` may be `None`.
        real_labels, training_labels: int64 `(samples,)` or `None`.
        name: Name of the data, for reports.

    Raises:
        ValueError: for images of another shape or type, or as `data.load`.
    """

    def __init__(self, data, split, training, image_shape):
        self._shape = image_shape
        is_name = isinstance(data, (str, os.PathLike))
        self.split_name = split if is_name else None
        self.training_name = training if isinstance(training, str) else None
        if not is_name and self.training_name is not None:
            self.training_name = training = None
        self.real, self.real_labels = self._load(data, split)
        self.training = self.training_labels = None
        if training is not None:
            source = data if self.training_name else training
            self.training, self.training_labels = self._load(source, training)
        self.name = _plain_name(data) if is_name else f"array_{_digest(self.real)}"

    @property
    def label(self):
        """`"mnist/test/28"`: data, split and size of the real images."""
        return self.label_of("real")

    def label_of(self, side):
        """The same for `"real"` or `"training"`."""
        split = self.split_name if side == "real" else self.training_name
        height, width, _ = self._shape
        size = str(height) if height == width else f"{height}x{width}"
        return "/".join(filter(None, (self.name, split, size)))

    def count(self, wanted):
        """How many samples to take: `wanted`, or as many as real images.

        Raises:
            ValueError: unless positive.
        """
        if wanted is None:
            return min(len(self.real), _MOST)
        if int(wanted) != wanted or wanted < 1:
            raise ValueError(f"num_samples is a positive integer. Found: {wanted!r}.")
        return int(wanted)

    def some(self, side, count):
        """Indices of `count` images of a side, or of all if there are fewer."""
        total = len(getattr(self, side))
        if total <= count:
            return slice(None)
        chosen = np.random.default_rng(_SEED).choice(total, count, replace=False)
        return np.sort(chosen)

    def _load(self, data, split):
        if isinstance(data, (str, os.PathLike)):
            from keras_gans.data import load

            *size, channels = self._shape
            if channels not in (1, 3):
                raise ValueError(
                    f"Named data are grey or RGB; the model draws {channels} channels."
                )
            color_mode = "grey" if channels == 1 else "rgb"
            return load(data, split, tuple(size), color_mode)
        images, labels = data if isinstance(data, (tuple, list)) else (data, None)
        images = np.asarray(images)
        right = images.dtype == np.uint8 and images.shape[1:] == self._shape
        if not right or not len(images):
            raise ValueError(
                f"Real images are uint8 of shape (samples, {str(self._shape)[1:-1]}), "
                f"like the model's. Found {images.dtype} of shape {images.shape}."
            )
        return images, None if labels is None else np.asarray(labels)


def _plain_name(data):
    text = os.fspath(data)
    return os.path.basename(text.rstrip("/")) or text


def _digest(images):
    return hashlib.sha256(np.ascontiguousarray(images)).hexdigest()[:8]
