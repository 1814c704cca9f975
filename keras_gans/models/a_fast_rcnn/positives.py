"""The regions of a batch that hold something, cut out and put back in fixed shapes."""

import math

from keras import ops


class Positives:
    """Some rows of a batch of regions: those with something in them, as far as they go.

    Args:
        rois: `RoIs` with targets.
        most: Rows that are taken of each picture.

    Attributes:
        most: Their number, or that of all regions if there are fewer.
        weights: `(batch, most)`, 0 in rows that fill up.
        labels: int32 `(batch, most)`.
    """

    def __init__(self, rois, most):
        self._count = rois.labels.shape[1]
        self.most = min(most, self._count)
        self.weights, rows = ops.top_k(rois.foreground, self.most)
        self.labels = ops.take_along_axis(rois.labels, rows, axis=1)
        self._rows = rows
        self._places = ops.one_hot(rows, self._count)

    def of(self, values):
        """Their rows of a number for each region.

        Args:
            values: `(batch, num_rois)`.

        Returns:
            `(batch, most)`.
        """
        return ops.take_along_axis(values, self._rows, axis=1)

    def cut_out(self, regions):
        """Their rows of regions.

        Args:
            regions: `(batch * num_rois, ...)`.

        Returns:
            `(batch * most, ...)`.
        """
        rest = regions.shape[1:]
        flat = ops.reshape(regions, (-1, self._count, math.prod(rest)))
        found = ops.matmul(ops.cast(self._places, flat.dtype), flat)
        return ops.reshape(found, (-1, *rest))

    def put_back(self, regions, changed):
        """Regions in which their rows are others; those that fill up stay.

        Args:
            regions: `(batch * num_rois, ...)`.
            changed: `(batch * most, ...)`.
        """
        rest = regions.shape[1:]
        places = ops.cast(self._places * self.weights[..., None], regions.dtype)
        flat = ops.reshape(changed, (-1, self.most, math.prod(rest)))
        placed = ops.matmul(ops.transpose(places, (0, 2, 1)), flat)
        kept = 1 - ops.reshape(ops.sum(places, axis=1), (-1, *[1] * len(rest)))
        return regions * kept + ops.reshape(placed, (-1, *rest))
