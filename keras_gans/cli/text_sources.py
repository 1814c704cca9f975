"""The pictures and captions that systems like GAN-CLS train on."""

import numpy as np

from keras_gans import data
from keras_gans.cli.sources import Source, given

# What encodes captions where a recipe names nothing else: small enough for a CPU.
ENCODER, TEXT_DIM = "small_char_cnn_rnn", 128
# Captions of the data that become the model's prompts, if they are no longer.
PROMPTS, LONGEST = 8, 120


class TextSource(Source):
    """The pictures that a recipe names and their captions; see `data.load_captioned`.

    Args:
        options: The recipe's table `data`.

    Attributes:
        captions: Texts `(num, captions)`.
        in_words: What is trained on, for the message.

    Raises:
        ValueError: for data without captions, or as `Source`.
    """

    def __init__(self, options):
        options = given(options)
        self.name, self.flip = options.pop("name"), options.pop("flip")
        found = data.load_captioned(self.name, **options)
        self.images, self.captions, self._labels = found
        self.second, self._options = None, options
        self.image_shape = self.images.shape[1:]
        self.num_images, each = self.captions.shape
        height, width, channels = self.image_shape
        several = f"{each} captions" if each > 1 else "a caption"
        self.in_words = (
            f"{self.num_images} images of {height}x{width}x{channels} with {several} "
            "each"
        )

    @property
    def arguments(self):
        """Also an encoder of texts, and captions of the data as prompts."""
        return {
            "image_shape": self.image_shape,
            "text_dim": TEXT_DIM,
            "text_encoder": ENCODER,
            "prompts": self._prompts(),
        }

    def labelled(self):
        """`(images, captions, labels)`, for the encoder, which is trained first."""
        return self.images, self.captions, self._labels

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes; captions are embedded here, or there."""
        y = self.captions
        if self._labels is not None:
            y = {"texts": y, "labels": self._labels}
        if not self.flip:
            return {"x": self.images, "y": y, "batch_size": batch_size}
        batches = data.pipeline(
            gan.arrays_of(*gan.fed(self.images, y)),
            batch_size * gan.updates_per_batch,
            seed=gan.seed,
            flip=True,
        )
        return {"x": batches}

    def _prompts(self):
        _, first = np.unique(self.captions[:, 0], return_index=True)
        texts = (str(self.captions[row, 0]) for row in np.sort(first))
        short = [text for text in texts if len(text) <= LONGEST]
        return short[:PROMPTS] or None
