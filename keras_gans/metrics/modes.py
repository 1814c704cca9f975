"""How many modes of a known mixture a generator reaches, and how evenly."""

import numpy as np

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.neighbours import nearest_neighbours
from keras_gans.metrics.result import Result
from keras_gans.metrics.rows import checked_rows, same_protocol


class LabelCounts:
    """Counts of labels 0, 1, 2, ... batch by batch.

    Args:
        num_modes: int, labels are below it.
        protocol: `Protocol` of the classifier that gave them.

    Raises:
        ValueError: From `update`, for labels that are no integers in [0, num_modes).
    """

    def __init__(self, num_modes, protocol=None):
        if int(num_modes) != num_modes or num_modes < 1:
            raise ValueError(f"num_modes must be a positive integer: {num_modes}.")
        self.counts = np.zeros(int(num_modes), "int64")
        self.protocol = protocol

    def update(self, labels):
        """Adds a batch of integers `(samples,)`."""
        labels = np.asarray(labels)
        if labels.size == 0:
            return
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ValueError(
                "Expected labels as integers of shape (samples,), found "
                f"{labels.dtype} of shape {labels.shape}."
            )
        if labels.min() < 0 or labels.max() >= len(self.counts):
            raise ValueError(
                f"Labels must lie in [0, {len(self.counts)}), found "
                f"{labels.min()} to {labels.max()}."
            )
        self.counts += np.bincount(labels, minlength=len(self.counts))

    def merge(self, other):
        """Adds the counts of another."""
        if len(self.counts) != len(other.counts):
            raise ValueError("Counts of different numbers of modes do not merge.")
        self.counts += other.counts


def mode_coverage(labels, num_modes=1000, protocol=None):
    """Modes that hold a sample, and KL(p_generated || uniform) = sum p log(K p).

    Args:
        labels: Integers `(samples,)` in [0, num_modes), what a classifier says of the
            samples (`stacked_labels` for stacked MNIST), or `LabelCounts`. Published:
            26,000 samples.
        num_modes: int, K.
        protocol: `Protocol` of the classifier.

    Returns:
        `Result` with `modes` in [1, K], higher is better, and `kl` in [0, log K], in
        nats, lower is better. A perfect sampler has an expected `kl` of about
        (K - 1) / (2 samples): 0.0192 at 26,000.

    Raises:
        ValueError: If there are no labels, or labels out of range.

    Example:

    >>> result = mode_coverage([0, 1, 2, 3], num_modes=4)
    >>> result["modes"], result["kl"]
    (4.0, 0.0)

    Reference: Lin et al. 2018, "PacGAN", section 4.2, arXiv 1712.04086; the order of
    the divergence is VEEGAN's.
    """
    protocol = same_protocol(protocol, labels)
    if not isinstance(labels, LabelCounts):
        given, labels = labels, LabelCounts(num_modes)
        labels.update(given)
    counts, total = labels.counts, int(labels.counts.sum())
    if total == 0:
        raise ValueError("There are no labels to count.")
    return Result(
        "mode_coverage",
        {"modes": (counts > 0).sum(), "kl": _divergence_from_uniform(counts)},
        {"num_modes": len(counts)},
        protocol,
        num_generated=total,
    )


def stacked_labels(digits):
    """The mode of stacked digits: 100 red + 10 green + blue.

    Args:
        digits: Integers `(samples, 3)` in [0, 10), the digit seen in each channel.

    Returns:
        int64 `(samples,)` in [0, 1000).

    Raises:
        ValueError: For another shape or other numbers.

    Example:

    >>> stacked_labels([[1, 2, 3]]).tolist()
    [123]
    """
    digits = np.asarray(digits)
    wrong = digits.ndim != 2 or digits.shape[1] != 3 or digits.dtype.kind not in "iu"
    if wrong or ((digits < 0) | (digits > 9)).any():
        raise ValueError(
            "Expected integers in [0, 10) of shape (samples, 3), found "
            f"{digits.dtype} of shape {digits.shape}."
        )
    return digits @ np.array([100, 10, 1])


def mixture_modes(samples, centres, std, within=3.0):
    """Modes found and share of good samples on a mixture of equal round Gaussians.

    A sample is good within `within` standard deviations of the nearest centre; a mode
    is found if it has a good sample.

    Args:
        samples: `(samples, dimensions)` or `FeatureRows`; published: 2,500 in the
            plane.
        centres: `(modes, dimensions)`: 8 on a ring of radius 2, 25 on a grid.
        std: float, standard deviation of each Gaussian, in the units of `samples`.
        within: float, standard deviations that still count.

    Returns:
        `Result` with `modes` in [0, len(centres)], `good` in [0, 1], and `kl`, that of
        the good samples from uniform in nats (infinite without any).

    Raises:
        ValueError: If `std` or `within` is not positive, or samples are not finite or
            of other dimensions than centres.

    Example:

    >>> result = mixture_modes([[0.0, 0.1], [9.0, 9.0]], [[0, 0], [1, 1]], std=0.1)
    >>> result["modes"], result["good"]
    (1.0, 0.5)

    Reference: Srivastava et al. 2017, "VEEGAN", section 4.1, arXiv 1705.07761.
    """
    if not (std > 0 and within > 0):
        raise ValueError(f"std and within must be positive, found {std} and {within}.")
    samples = checked_rows("generated", samples, 1)
    distances, nearest = nearest_neighbours(samples, centres)
    good = nearest[distances <= within * std]
    counts = np.bincount(good, minlength=len(centres))
    values = {
        "modes": (counts > 0).sum(),
        "good": len(good) / len(samples),
        "kl": _divergence_from_uniform(counts),
    }
    parameters = {"num_modes": len(centres), "std": std, "within": within}
    return Result("mixture_modes", values, parameters, num_generated=len(samples))


class ModeCoverage(Accumulator):
    """`mode_coverage` batch by batch: `update(labels=...)`; keeps the counts.

    Args:
        num_modes: int, K.
        **options: Those of `mode_coverage`.
    """

    metric = staticmethod(mode_coverage)
    sides = {"labels": LabelCounts}

    def __init__(self, num_modes=1000, **options):
        super().__init__(labels=LabelCounts(num_modes), **options)


def _divergence_from_uniform(counts):
    if counts.sum() == 0:
        return np.inf
    p = counts[counts > 0] / counts.sum()
    return max(0.0, (p * np.log(len(counts) * p)).sum())
