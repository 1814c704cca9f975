"""`ImageTranslator`: a system that makes an image out of an image."""

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream
from keras_gans.core.system import System
from keras_gans.data import UnpairedBatches, check_side_multiple


class ImageTranslator(System):
    """A `System` whose sampling network takes images of a source domain.

    Args:
        image_shape: `(height, width, channels)` of the images made, in training.
        source_channels: Channels of the images they are made of; `None` for as many.
        ema_decay: As for `System`, like what follows.
        seed: Integer.
        **kwargs: `augmentation`.

    Attributes:
        any_size: Whether other sizes than that of the training are translated.
        size_multiple: What both sides of an image must be multiples of.
        learns: `"pairs"` of a source and its target, or `"domains"` without pairs.
        directions: Dict of the name of each translation to the options that
            `translate` takes for it; the first is that of `call`.

    Raises:
        ValueError: for an image shape whose sides are no such multiples.
    """

    learns = "pairs"
    any_size = True
    size_multiple = 1
    directions = {"translate": {}}

    def __init__(
        self, image_shape, source_channels=None, ema_decay=None, seed=0, **kwargs
    ):
        super().__init__(image_shape, ema_decay, seed, **kwargs)
        self.source_channels = source_channels

    @property
    def source_shape(self):
        """`(height, width, channels)` of the source images, in training."""
        *sides, channels = self.image_shape
        return (*sides, self.source_channels or channels)

    @property
    def data_shape(self):
        """Shape of what comes first in a sample of the data."""
        return self.source_shape

    def check_network(self, name, network):
        """Checks the channels of the networks that translate, and the sides."""
        if name not in self.sampling_networks or not hasattr(network, "inputs"):
            return
        check_side_multiple(self.image_shape, self.size_multiple, type(self).__name__)
        taken, made = network.inputs[0].shape[-1], network.outputs[0].shape[-1]
        channels = self.source_shape[-1], self.image_shape[-1]
        if (taken, made) != channels and (taken, made) != channels[::-1]:
            raise ValueError(
                f"The {network.name} makes images of {made} channels from {taken}; the "
                f"system was built for {channels[1]} from {channels[0]}."
            )

    def check_batch(self, x, y):
        """Checks pairs of a source and a target image, or images of two domains."""
        paired = self.learns == "pairs"
        if isinstance(x, tuple) or y is None:
            what = (
                "pairs: call fit(source, target)"
                if paired
                else ("two domains: call fit(a, b)")
            )
            raise ValueError(f"{type(self).__name__} learns from {what}.")
        checks.check_images(x, self.source_shape)
        checks.check_images(y, self.image_shape)
        if paired and len(x) != len(y):
            raise ValueError(f"There are {len(x)} source and {len(y)} target images.")

    def arrays_of(self, x, y):
        """Sources and targets, row by row."""
        self.check_batch(x, y)
        return x, y

    def batches_of(self, arrays, size, shuffle):
        """Pairs; or batches of both domains, each in an order of its own."""
        if self.learns == "pairs":
            return super().batches_of(arrays, size, shuffle)
        return UnpairedBatches(*arrays, size, shuffle=shuffle, seed=self.seed)

    def unpack(self, data):
        """The batch, ready for the networks.

        Args:
            data: `(source, target)`, uint8 or floats in [-1, 1].

        Returns:
            The two as float32 in [-1, 1].
        """
        source, target = data[:2]
        return scaled(source), scaled(target)

    def call(self, inputs, training=None):
        """Images of the first sampling network, in inference mode unless told else.

        Args:
            inputs: Source images `(batch, height, width, channels)` in [-1, 1].
            training: Whether the network runs in training mode.

        Returns:
            float32 images in [-1, 1].
        """
        return ops.cast(self.sampler(inputs, training=bool(training)), "float32")

    def translated(self, images, stream):
        """What `translate` and a served model make of a batch.

        Args:
            images: float32 tensor in [-1, 1].
            stream: A `CounterStream`, for systems with noise.

        Returns:
            float32 tensor in [-1, 1].
        """
        return self.call(images, training=False)

    def translate(self, images, seed=0, batch_size=16, first_row=0, **options):
        """Images made of images.

        Image i depends on the i-th source, on `seed` and on i alone, not on the others
        or on `batch_size`.

        Args:
            images: `(num_images, height, width, channels)` of any size that the
                networks can take, uint8 or floats in [-1, 1].
            seed: Integer in [0, 2**63), of the noise where there is any.
            batch_size: Images computed at a time.
            first_row: What the first image counts as, for images in several calls.
            **options: The system's own; see its `translated`.

        Returns:
            numpy float32 array `(num_images, height, width, channels)`, in [-1, 1].

        Raises:
            ValueError: for images of a wrong range, number of channels or size, naming
                the nearest size that fits.
        """
        batches = self.translate_batches(images, seed, batch_size, first_row, **options)
        return np.concatenate(list(batches))

    def translate_batches(self, images, seed=0, batch_size=16, first_row=0, **options):
        """The images of `translate`, one batch after the other.

        Args:
            images: As for `translate`, like all others.
            seed: Integer.
            batch_size: Most images in a batch.
            first_row: What the first image counts as.
            **options: Options.

        Returns:
            Iterator of numpy arrays.

        Raises:
            ValueError: as `translate`, at once.
        """
        self.check_sources(images, **options)

        def batch(start):
            rows = slice(start, start + batch_size)
            part = keras.tree.map_structure(lambda array: array[rows], images)
            stream = CounterStream(seed, first_row=first_row + start)
            made = self.translated(self.as_sources(part), stream, **options)
            return ops.convert_to_numpy(made)

        count = len(keras.tree.flatten(images)[0])
        return map(batch, range(0, count, batch_size))

    def check_sources(self, images, **options):
        """Checks what `translate` was given.

        Args:
            images: As for `translate`.
            **options: Options.

        Raises:
            ValueError: as `translate`.
        """
        channels = self.channels_taken(**options)
        checks.check_images(images, (*images.shape[1:3], channels))
        self.check_size(images.shape[1:3])

    def as_sources(self, part):
        """A batch of what `translate` was given, as `translated` takes it.

        Args:
            part: Array, or arrays in a tuple or list.
        """
        return scaled(ops.convert_to_tensor(part))

    def check_size(self, sides):
        """Checks the height and width of images to be translated.

        Raises:
            ValueError: naming the nearest that fit.
        """
        own = self.image_shape[:2]
        if not self.any_size and tuple(sides) != own:
            raise ValueError(
                f"{type(self).__name__} takes pictures of the size it was built for. "
                f"Found: {sides[0]}x{sides[1]}. The nearest size is {own[0]}x{own[1]}."
            )
        check_side_multiple(sides, self.size_multiple, type(self).__name__)

    def channels_taken(self, **options):
        """Channels of the images that are translated with these options."""
        return self.source_shape[-1]

    def served(self):
        """What `export` writes; see `keras_gans.core.served_translations`."""
        from keras_gans.core.served_translations import served_translations

        return served_translations(self)
