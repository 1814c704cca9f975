"""Pictures of what a translator makes, epoch by epoch."""

from keras_gans.callbacks.epoch_pictures import EpochPictures
from keras_gans.pictures.grids import image_grid, save_png
from keras_gans.pictures.rows import translation_rows


class TranslationGrid(EpochPictures):
    """Writes a PNG of sources, their translations and, for pairs, their targets.

    Files are called `epoch_0001.png` and so on. Each row holds a source, its
    translation, and the target where there is one. Of several workers the chief alone
    draws.

    Args:
        folder: Where the pictures go; made if absent.
        source: uint8 array, or floats in [-1, 1], of a few images.
        target: The same of what they are to become, or `None`.
        every: Epochs between two pictures; the last epoch is always drawn.
        scale: As for `SampleGrid`.
        **options: Of `translate`, such as `direction="ba"`.

    Example:

    >>> grid = TranslationGrid("samples", source[:8], target[:8])
    >>> gan.fit(source, target, epochs=20, callbacks=[grid])
    """

    def __init__(self, folder, source, target=None, every=1, scale=None, **options):
        super().__init__(folder, every)
        self.source, self.target = source, target
        self.scale, self.options = scale, options

    def draw(self, path):
        """As in `EpochPictures`."""
        columns, images = translation_rows(
            self.model, self.source, self.target, **self.options
        )
        grid = image_grid(images, columns, self.scale)
        save_png(path.with_suffix(".png"), grid)
