"""Pictures of what a detector finds, epoch by epoch."""

import pathlib

import keras

from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.core.files import sweep
from keras_gans.pictures.boxes import draw_boxes
from keras_gans.pictures.grids import image_grid, save_png


class DetectionGrid(keras.callbacks.Callback):
    """Writes a PNG of images with the boxes of what is found in them.

    Files are called `epoch_0001.png` and so on. Of several workers the chief alone
    draws.

    Args:
        folder: Where the pictures go; made if absent.
        images: uint8 array, or floats in [-1, 1], of a few images.
        every: Epochs between two pictures; the last epoch is always drawn.
        threshold: Confidence below which nothing is drawn.

    Example:

    >>> grid = DetectionGrid("samples", images[:8])
    >>> detector.fit(images, objects, epochs=20, callbacks=[grid])
    """

    def __init__(self, folder, images, every=1, threshold=0.3):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.images, self.every, self.threshold = images, every, threshold

    def on_train_begin(self, logs=None):
        """Removes a picture that a kill left half drawn."""
        if gradients.is_chief(self.model):
            sweep(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is this epoch's turn."""
        if not has_turn(self, epoch) or not gradients.is_chief(self.model):
            return
        found = self.model.detect(self.images)
        drawn = draw_boxes(
            self.images,
            found,
            self.model.class_names,
            self.threshold,
            box_format=self.model.bounding_box_format,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        grid = image_grid(drawn, min(4, len(drawn)), scale=1)
        save_png(self.folder / f"epoch_{epoch + 1:04d}.png", grid)
