"""What callbacks share that draw a picture after each epoch."""

import pathlib

import keras

from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.core.files import sweep


class EpochPictures(keras.callbacks.Callback):
    """Draws when an epoch has its turn, into a folder of pictures `epoch_0001` ...

    Of several workers the chief alone draws.

    Args:
        folder: Where the pictures go; made if absent.
        every: Epochs between two pictures; the last epoch is always drawn.
    """

    def __init__(self, folder, every=1):
        super().__init__()
        self.folder, self.every = pathlib.Path(folder), every

    def draw(self, path):
        """Writes the pictures of this epoch.

        Args:
            path: `pathlib.Path` of them, without a suffix.
        """
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        """Removes a picture that a kill left half drawn."""
        if gradients.is_chief(self.model):
            sweep(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is this epoch's turn."""
        if has_turn(self, epoch) and gradients.is_chief(self.model):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.draw(self.folder / f"epoch_{epoch + 1:04d}")
