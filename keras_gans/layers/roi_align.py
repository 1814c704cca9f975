"""Features of boxes: bilinear samples of a map, averaged over the cells of a grid."""

import math

import keras
from keras import ops


def roi_align(
    features, boxes, size, stride, samples=2, aligned=True, box_format="yxyx"
):
    """A grid of features for each box of each picture, as torchvision's `roi_align`.

    A cell is the mean of `samples` x `samples` points in it, each read between its four
    neighbours; points more than a step outside of the map count as 0. A point's weight
    is a product of one for its row and one for its column, so that each box is read by
    two matrix products, which have gradients to the features and to the boxes.

    Args:
        features: Maps `(batch, height, width, channels)`.
        boxes: `(batch, num_boxes, 4)` in pixels of the picture, of a format of
            `keras.utils.bounding_boxes` that is not relative.
        size: Cells along a side of the grid, or `(rows, columns)`.
        stride: Pixels from one place of the map to the next, or `(down, right)`.
        samples: Points of a cell along a side; `None` for as many as keep them at most
            a step apart, counted for each box, which must lie in its picture.
        aligned: Whether the middle of a pixel is its place, and not its corner, and
            boxes may be smaller than a step.
        box_format: That of the boxes.

    Returns:
        `(batch, num_boxes, rows, columns, channels)`, in the features' dtype.

    Reference: He et al. 2017, Mask R-CNN, arXiv 1703.06870; torchvision.
    """
    boxes = keras.utils.bounding_boxes.convert_format(
        ops.cast(boxes, "float32"), source=box_format, target="yxyx"
    )
    count, (height, width, channels) = boxes.shape[1], features.shape[1:]
    (rows, columns), (down, right) = _pair(size), _pair(stride)
    low_y, low_x, high_y, high_x = ops.split(boxes, 4, axis=-1)
    options = (samples, aligned)
    of_rows = _weights(low_y / down, high_y / down, rows, height, *options)
    of_columns = _weights(low_x / right, high_x / right, columns, width, *options)
    dtype = features.dtype
    read = ops.matmul(
        ops.reshape(ops.cast(of_rows, dtype), (-1, count * rows, height)),
        ops.reshape(features, (-1, height, width * channels)),
    )
    read = ops.reshape(read, (-1, count, rows, width, channels))
    return ops.matmul(ops.cast(of_columns, dtype)[:, :, None], read)


def _weights(low, high, cells, places, samples, aligned):
    """What each place of one axis counts in each cell, `(..., cells, places)`."""
    low, high = (low - 0.5, high - 0.5) if aligned else (low, high)
    length = high - low if aligned else ops.maximum(high - low, 1.0)
    cell = length / cells
    if samples is None:
        most = max(1, math.ceil(places / cells))
        number = ops.clip(ops.ceil(cell), 1.0, float(most))
    else:
        most, number = samples, ops.full_like(cell, float(samples))
    # To the axes batch, box, cell come sample and place.
    cell, number, low = (value[..., None, None] for value in (cell, number, low))
    sample = ops.arange(most, dtype="float32")[:, None]
    begin = ops.arange(cells, dtype="float32")[:, None, None]
    point = low + cell * (begin + (sample + 0.5) / number)
    counts = (point >= -1.0) & (point <= places) & (sample < number)
    inside = ops.clip(point, 0.0, places - 1.0)
    place = ops.arange(places, dtype="float32")
    weight = ops.maximum(1.0 - ops.abs(inside - place), 0.0)
    weight = ops.where(counts, weight / number, 0.0)
    return ops.sum(weight, axis=-2)


@keras.saving.register_keras_serializable("keras_gans")
class RoIAlign(keras.layers.Layer):
    """`roi_align` as a layer, of `(features, boxes)`; boxes stay float32.

    Args:
        size: As for `roi_align`, like all others.
        stride: Pixels.
        samples: Points.
        aligned: Whether.
        box_format: Format.
        **kwargs: Those of `keras.layers.Layer`.

    Example:

    >>> layer = RoIAlign(size=7, stride=8)
    >>> layer((np.zeros((1, 16, 16, 4)), [[[0.0, 0.0, 64.0, 64.0]]])).shape
    TensorShape([1, 1, 7, 7, 4])
    """

    def __init__(
        self, size, stride, samples=2, aligned=True, box_format="yxyx", **kwargs
    ):
        # Half precision knows but every eighth pixel of a large picture.
        super().__init__(autocast=False, **kwargs)
        self.size, self.stride = size, stride
        self.samples, self.aligned = samples, aligned
        self.box_format = box_format

    def call(self, inputs):
        """Maps and boxes to grids."""
        features, boxes = inputs
        features = ops.cast(features, self.compute_dtype)
        return roi_align(features, boxes, **self._options())

    def compute_output_shape(self, input_shape):
        """`(batch, num_boxes, rows, columns, channels)`."""
        features, boxes = input_shape
        return (*boxes[:2], *_pair(self.size), features[-1])

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), **self._options()}

    def _options(self):
        return {
            "size": self.size,
            "stride": self.stride,
            "samples": self.samples,
            "aligned": self.aligned,
            "box_format": self.box_format,
        }


def _pair(value):
    return (value, value) if isinstance(value, (int, float)) else tuple(value)
