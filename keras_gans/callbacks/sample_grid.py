"""Pictures of what a model draws, epoch by epoch."""

import pathlib

import keras

from keras_gans.callbacks.turns import has_turn
from keras_gans.core import gradients
from keras_gans.core.files import sweep
from keras_gans.pictures.films import save_gif, video_grid
from keras_gans.pictures.grids import image_grid, save_png


class SampleGrid(keras.callbacks.Callback):
    """Writes a PNG grid of samples from the same latents after each epoch.

    Files are called `epoch_0001.png` and so on, in the folder given. For
    class-conditional systems each column shows one class. Of several workers the chief
    alone draws.

    Args:
        folder: Where the pictures go; made if absent.
        rows: Rows of the grid.
        columns: Columns; `None` for the number of classes, or 8.
        seed: Seed of the latents, the same in every epoch.
        every: Epochs between two pictures; the last epoch is always drawn.
        tensorboard: Folder of TensorBoard logs that get the grid too; `None` for none.
            Needs TensorFlow and the package tensorboard.
        scale: Whole-number magnification of each image; `None` picks one that makes
            small images large enough to look at.
        films: Whether samples that move are drawn as a GIF too, beside each picture.

    Raises:
        ImportError: when `tensorboard` is asked for and not installed.

    Example:

    >>> gan.fit(images, epochs=20, callbacks=[SampleGrid("samples")])
    """

    def __init__(
        self,
        folder,
        rows=8,
        columns=None,
        seed=0,
        every=1,
        tensorboard=None,
        scale=None,
        films=False,
    ):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.rows = rows
        self.columns = columns
        self.seed = seed
        self.every = every
        self.scale = scale
        self.films = films
        self._writer = None if tensorboard is None else _summary_writer(tensorboard)
        self._epoch = self._drawn = None

    def on_train_begin(self, logs=None):
        """Forgets an earlier run, and removes a picture that a kill left half drawn."""
        self._epoch = self._drawn = None
        if gradients.is_chief(self.model):
            sweep(self.folder)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, if it is this epoch's turn."""
        if has_turn(self, epoch):
            self._draw(epoch)
        self._epoch = epoch

    def on_train_end(self, logs=None):
        """Draws the last epoch, if training stopped early and it has not been drawn."""
        if self._epoch != self._drawn:
            self._draw(self._epoch)

    def _draw(self, epoch):
        self._drawn = epoch
        if not gradients.is_chief(self.model):
            return
        columns = self.columns or self.model.num_classes or 8
        samples = self.model.sample(self.rows * columns, seed=self.seed)
        grid = image_grid(self.model.pictures_of(samples), columns, self.scale)
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"epoch_{epoch + 1:04d}"
        save_png(self.folder / f"{name}.png", grid)
        if self.films and hasattr(self.model, "films_of"):
            films = video_grid(self.model.films_of(samples), columns, self.scale)
            save_gif(self.folder / f"{name}.gif", films)
        if self._writer is not None:
            import tensorflow as tf

            with self._writer.as_default():
                tf.summary.image("samples", grid[None], step=epoch + 1)
            self._writer.flush()


def _summary_writer(folder):
    try:
        import tensorboard  # noqa: F401  TensorFlow 2.21 no longer brings it along.
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "SampleGrid(tensorboard=...) needs TensorBoard: "
            "pip install 'keras-gans[tensorboard]'."
        ) from error
    return tf.summary.create_file_writer(str(folder))
