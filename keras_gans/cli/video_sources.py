"""The videos that systems like VGAN train on."""

from keras_gans import data
from keras_gans.cli.sources import Source, given

# Those of the paper; films come in any length and size.
FRAMES = 32
SIDE = 64


class VideoSource(Source):
    """The videos that a recipe names; else as `Source`.

    Of films of a folder 32 frames of 64 pixels are taken, unless others are asked for.

    Args:
        options: The recipe's table `data`.

    Attributes:
        in_words: What is trained on, for the message.

    Raises:
        ValueError: as `Source`; if the data are no videos; for keys that make no sense
            here.
    """

    def __init__(self, options):
        options = given(options)
        if options.get("flip"):
            raise ValueError("Videos are not mirrored: leave data.flip out.")
        if data.locate(options["name"])[0] == "folder":
            options = {"frames": FRAMES, "image_size": SIDE, **options}
        super().__init__(options, with_labels=False, whole=True)
        if self.images.ndim != 5:
            raise ValueError(
                f"{self.name} holds no videos but images of "
                f"{'x'.join(map(str, self.image_shape))}: choose another system."
            )
        frames, height, width, channels = self.image_shape
        self.in_words = (
            f"{self.num_images} videos of {frames} frames of {height}x{width}x"
            f"{channels}"
        )
