"""Are samples copies of the training set?"""

import numpy as np

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.neighbours import nearest_neighbours
from keras_gans.metrics.result import Result
from keras_gans.metrics.rows import FeatureRows, checked_rows, same_protocol


def memorisation(generated, training, held_out, protocol=None):
    """Compares distances to the training set with those of unseen real images.

    Each generated and each held-out feature has its distance to the nearest training
    feature. A generator that has learned, not copied, leaves the two kinds of
    distances alike; one that copies comes nearer than unseen images do. Held-out
    images are the measure, because data sets hold near duplicates of their own.
    Use features, or pixels, in which a copy is near: a shifted copy is far in pixels.

    Args:
        generated: Features `(samples, dimensions)` or `FeatureRows`.
        training: The whole training set in the same features.
        held_out: Real samples that were not trained on.
        protocol: `Protocol` of all three, where arrays do not carry it.

    Returns:
        `Result`, `num_real` counting the held-out samples, with

        * `copies`: number of generated samples equal to a training sample, which is
          to say nearer than a thousandth of the median held-out distance;
        * `nearer`: chance that a generated sample is nearer to the training set than
          a held-out one, in [0, 1]; 0.5 if alike, towards 1 if copied;
        * `z`: the same as a standard score (Mann-Whitney U with ties): below -3 says
          copied, far above 3 says samples unlike the data;
        * `below_percentile_1`: share of generated samples nearer than 99 of 100
          held-out ones; 0.01 if alike;
        * `median_ratio`: median generated over median held-out distance; 1 if alike
          (infinite or not a number where held-out samples are copies themselves).

    Raises:
        ValueError: If a side is empty, or features are not finite, not
            `(samples, dimensions)`, or of different dimensions or protocols.

    Example:

    >>> training = np.arange(8.0)[:, None]
    >>> result = memorisation(training[:4], training, training + 0.4)
    >>> result["copies"], result["nearer"]
    (4.0, 1.0)

    Reference: Meehan, Chaudhuri, Dasgupta 2020, "A non-parametric test to detect
    data-copying in generative models", section 3 (the statistic Z_U of one cell that
    holds everything), arXiv 2004.05675.
    """
    protocol = same_protocol(protocol, generated, training, held_out)
    training = checked_rows("training", training, 1)
    width = training.shape[1]
    held_out = checked_rows("held-out", held_out, 1, width=width)
    generated = checked_rows("generated", generated, 1, width=width)
    theirs = nearest_neighbours(held_out, training)[0][:, 0]
    return memorisation_against(theirs, generated, training, protocol)


def memorisation_against(theirs, generated, training, protocol):
    """`memorisation`, of which the held-out images' distances are known already.

    They take half of the time, and are the same for every model.

    Args:
        theirs: Distances of held-out features to the nearest of `training`.
        generated: As for `memorisation`.
        training: As for `memorisation`.
        protocol: `Protocol`.
    """
    ours = nearest_neighbours(generated, training)[0][:, 0]
    nearer, score = _mann_whitney(ours, theirs)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.median(ours) / np.median(theirs)
    return Result(
        "memorisation",
        {
            # Extractors round differently from batch to batch: 0 would miss copies.
            "copies": (ours <= 1e-3 * np.median(theirs)).sum(),
            "nearer": nearer,
            "z": score,
            "below_percentile_1": (ours < np.percentile(theirs, 1)).mean(),
            "median_ratio": ratio,
        },
        {"num_training": len(training)},
        protocol,
        num_real=len(theirs),
        num_generated=len(generated),
    )


class Memorisation(Accumulator):
    """`memorisation` batch by batch; keeps all features (see `FeatureRows`)."""

    metric = staticmethod(memorisation)
    sides = dict.fromkeys(("generated", "training", "held_out"), FeatureRows)


def _mann_whitney(ours, theirs):
    """P(ours < theirs) + P(equal) / 2, and the standard score of U, ties corrected."""
    ordered = np.sort(theirs)
    below = np.searchsorted(ordered, ours, "left")
    not_above = np.searchsorted(ordered, ours, "right")
    larger = (below + not_above).sum() / 2  # U: pairs in which ours is farther
    m, n = len(ours), len(theirs)
    total = m + n
    distances = np.concatenate([ours, theirs])
    ties = np.unique(distances, return_counts=True)[1].astype(np.float64)
    variance = m * n / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1)))
    score = (larger - m * n / 2) / np.sqrt(variance) if variance > 0 else 0.0
    return 1 - larger / (m * n), score
