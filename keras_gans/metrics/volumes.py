"""How good sampled volumes are: bodies, and how close real ones come."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class VolumeFigures:
    """What `volume_figures` found.

    Attributes:
        occupancy: Mean share of filled voxels of the samples.
        real_occupancy: That of the real volumes.
        one_body: Share of samples that are one connected body.
        real_one_body: That of the real volumes.
        nearest_iou: The 5, 25, 50, 75 and 95 % points of the intersection over union of
            samples with the real volume nearest to each.
        real_nearest_iou: The same of the `reference` volumes: what real volumes that
            the others have not seen come to. `None` without them.
        classes: Share of the samples whose nearest real volume has each label; `None`
            without labels.
    """

    occupancy: float
    real_occupancy: float
    one_body: float
    real_one_body: float
    nearest_iou: tuple
    real_nearest_iou: tuple | None = None
    classes: tuple | None = None


def intersection_over_union(a, b):
    """Of every volume of `a` with every one of `b`.

    Args:
        a: bool array `(m, ...)`.
        b: bool array `(n, ...)` of the same volumes.

    Returns:
        float32 array `(m, n)`: 1 for equal volumes, two empty ones included.
    """
    a = np.asarray(a, bool).reshape(len(a), -1).astype("float32")
    b = np.asarray(b, bool).reshape(len(b), -1).astype("float32")
    shared = a @ b.T
    united = a.sum(1)[:, None] + b.sum(1) - shared
    return np.where(united > 0, shared / np.maximum(united, 1.0), 1.0)


def volume_figures(volumes, real, labels=None, reference=None):
    """Measures sampled volumes against real ones, best those that nobody trained on.

    Args:
        volumes: bool array `(num, depth, height, width)`, as `gan.volumes` makes them.
        real: Real volumes, bool.
        labels: Integers, the classes of the real volumes; or `None`.
        reference: Other real volumes, whose nearest among `real` say how near two
            different shapes can be.

    Returns:
        `VolumeFigures`.

    Raises:
        ValueError: for no volumes, or volumes of other shapes.

    Example:

    >>> volumes = np.arange(16).reshape(2, 2, 2, 2) % 3 == 0
    >>> volume_figures(volumes, volumes).nearest_iou[2]
    1.0
    """
    groups = [np.asarray(v, bool) for v in (volumes, real, reference) if v is not None]
    if len({group.shape[1:] for group in groups}) > 1 or groups[0].ndim != 4:
        raise ValueError(
            "All volumes have one shape (num, depth, height, width). Found: "
            f"{', '.join(str(group.shape) for group in groups)}."
        )
    if not all(map(len, groups)):
        raise ValueError("There are no volumes to measure.")
    volumes, real = groups[:2]
    overlaps = intersection_over_union(volumes, real)
    classes = None
    if labels is not None:
        nearest = np.asarray(labels)[overlaps.argmax(1)]
        counts = np.bincount(nearest, minlength=int(np.max(labels)) + 1)
        classes = tuple(float(n) / len(volumes) for n in counts)
    return VolumeFigures(
        occupancy=float(volumes.mean()),
        real_occupancy=float(real.mean()),
        one_body=_one_body(volumes),
        real_one_body=_one_body(real),
        nearest_iou=_points(overlaps.max(1)),
        real_nearest_iou=None
        if reference is None
        else _points(intersection_over_union(groups[2], real).max(1)),
        classes=classes,
    )


def _one_body(volumes):
    from keras_gans.data.bodies import count_bodies  # and all of Keras with it

    return float(np.mean([count_bodies(volume) == 1 for volume in volumes]))


def _points(values):
    return tuple(float(x) for x in np.percentile(values, (5, 25, 50, 75, 95)))
