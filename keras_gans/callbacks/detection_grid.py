"""Pictures of what a detector finds, epoch by epoch."""

from keras_gans.callbacks.epoch_pictures import EpochPictures
from keras_gans.pictures.boxes import draw_boxes
from keras_gans.pictures.grids import image_grid, save_png


class DetectionGrid(EpochPictures):
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
        super().__init__(folder, every)
        self.images, self.threshold = images, threshold

    def draw(self, path):
        """As in `EpochPictures`."""
        found = self.model.detect(self.images)
        drawn = draw_boxes(
            self.images,
            found,
            self.model.class_names,
            self.threshold,
            box_format=self.model.bounding_box_format,
        )
        grid = image_grid(drawn, min(4, len(drawn)), scale=1)
        save_png(path.with_suffix(".png"), grid)
