"""Pictures of what a translator makes, epoch by epoch."""

import pathlib

import keras

from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.core.files import sweep
from keras_gans.pictures.grids import image_grid, save_png
from keras_gans.pictures.rows import translation_rows


class TranslationGrid(keras.callbacks.Callback):
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
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.source, self.target = source, target
        self.every, self.scale, self.options = every, scale, options

    def on_train_begin(self, logs=None):
        """Removes a picture that a kill left half drawn."""
        if gradients.is_chief(self.model):
            sweep(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is this epoch's turn."""
        if not has_turn(self, epoch) or not gradients.is_chief(self.model):
            return
        columns, images = translation_rows(
            self.model, self.source, self.target, **self.options
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        grid = image_grid(images, columns, self.scale)
        save_png(self.folder / f"epoch_{epoch + 1:04d}.png", grid)
