"""Pictures of what a system predicts, epoch by epoch."""

import pathlib

import keras
import numpy as np

from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.core.files import sweep
from keras_gans.core.pixels import scaled
from keras_gans.pictures.films import save_gif, video_grid
from keras_gans.pictures.grids import image_grid, save_png


class PredictionGrid(keras.callbacks.Callback):
    """Writes a PNG of real videos and of what follows from their first frames.

    Files are called `epoch_0001.png` and so on, and `.gif` where it all moves. Each
    row holds a real video and its prediction. Of several workers the chief alone
    draws.

    Args:
        folder: Where the pictures go; made if absent.
        videos: A few, uint8 or floats in [-1, 1].
        every: Epochs between two pictures; the last epoch is always drawn.
        scale: As for `SampleGrid`.

    Example:

    >>> gan.fit(videos, epochs=20, callbacks=[PredictionGrid("samples", videos[:8])])
    """

    def __init__(self, folder, videos, every=1, scale=None):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.videos = videos
        self.every, self.scale = every, scale

    def on_train_begin(self, logs=None):
        """Removes a picture that a kill left half drawn."""
        if gradients.is_chief(self.model):
            sweep(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is this epoch's turn."""
        if not has_turn(self, epoch) or not gradients.is_chief(self.model):
            return
        real = keras.ops.convert_to_numpy(scaled(self.videos))
        made = self.model.predict_future(self.videos[:, 0])
        rows = np.stack([real, made], axis=1).reshape(-1, *made.shape[1:])
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch_{epoch + 1:04d}"
        grid = image_grid(self.model.pictures_of(rows), 2, self.scale)
        save_png(self.folder / f"{name}.png", grid)
        films = video_grid(self.model.films_of(rows), 2, self.scale)
        save_gif(self.folder / f"{name}.gif", films)
