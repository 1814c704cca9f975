"""Pictures of what a system predicts, epoch by epoch."""

import keras
import numpy as np

from keras_gans.callbacks.epoch_pictures import EpochPictures
from keras_gans.core.pixels import scaled
from keras_gans.pictures.films import save_gif, video_grid
from keras_gans.pictures.grids import image_grid, save_png


class PredictionGrid(EpochPictures):
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
        super().__init__(folder, every)
        self.videos, self.scale = videos, scale

    def draw(self, path):
        """As in `EpochPictures`."""
        real = keras.ops.convert_to_numpy(scaled(self.videos))
        made = self.model.predict_future(self.videos[:, 0])
        rows = np.stack([real, made], axis=1).reshape(-1, *made.shape[1:])
        grid = image_grid(self.model.pictures_of(rows), 2, self.scale)
        save_png(path.with_suffix(".png"), grid)
        films = video_grid(self.model.films_of(rows), 2, self.scale)
        save_gif(path.with_suffix(".gif"), films)
