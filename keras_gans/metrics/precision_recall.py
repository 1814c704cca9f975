"""How far two sets cover each other: precision, recall, density, coverage.

A set is pictured as balls around its features, each reaching to the k-th nearest other
feature of the set.
"""

import numpy as np

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.neighbours import checked_k, squared_distances, squared_radii
from keras_gans.metrics.result import Result
from keras_gans.metrics.rows import checked_rows, same_protocol


def precision_recall(real, generated, k=3, protocol=None):
    """Improved precision and recall: who lies within a ball of the other set.

    precision: the share of generated features y with d(y, x_i) <= r_k(x_i) for some
    real x_i (are samples real-looking?). recall: the same with the roles changed (is
    all that is real generated?).

    Three matrix products of all with all: 10,000 samples of either side in 2048
    dimensions take half a minute on two cores and 0.8 GB.

    Args:
        real: Features `(samples, dimensions)` or `FeatureRows`. Published: VGG16 fc2
            after its ReLU, 50,000 of each.
        generated: The same, of as many dimensions; take as many samples as real ones.
        k: int, neighbours; 3 in the paper.
        protocol: `Protocol` of both, where arrays do not carry it.

    Returns:
        `Result` with `precision` and `recall` in [0, 1], higher is better.

    Raises:
        ValueError: If either side has no more than k samples, or features are not
            finite, not `(samples, dimensions)`, or of different dimensions or
            protocols.

    Example:

    >>> result = precision_recall([[0.0], [1.0], [9.0]], [[0.4], [0.6]], k=1)
    >>> result["precision"], round(result["recall"], 9)
    (1.0, 0.0)

    Reference: Kynkaanniemi et al. 2019, "Improved precision and recall metric for
    assessing generative models", eqs. 1 and 2, arXiv 1904.06991.
    """
    protocol, real, generated = _sides(real, generated, k, protocol)
    reach_x = squared_radii(real, k)
    if len(generated) <= k:
        raise ValueError(_too_few("generated", generated, k))
    reach_y = squared_radii(generated, k)
    realistic = np.zeros(len(generated), bool)
    covered = np.zeros(len(real), bool)
    for rows, squares in squared_distances(real, generated):
        realistic |= (squares <= reach_x[rows, None]).any(axis=0)
        covered[rows] = (squares <= reach_y).any(axis=1)
    values = {"precision": realistic.mean(), "recall": covered.mean()}
    return _result("precision_recall", values, k, protocol, real, generated)


def density_coverage(real, generated, k=5, protocol=None):
    """Density and coverage: as precision and recall, with balls around reals alone.

    density = (1 / (k M)) #{(i, j): d(x_i, y_j) < r_k(x_i)} counts every ball a sample
    lies in; coverage = (1 / N) #{i: min_j d(x_i, y_j) < r_k(x_i)} counts balls that
    hold a sample. A lone generated sample far away spoils neither. Ties do not
    count, so a set of equal features scores 0.

    Two matrix products of all with all; memory as `precision_recall`.

    Args:
        real: Features `(samples, dimensions)` or `FeatureRows`.
        generated: The same, of as many dimensions.
        k: int, neighbours; 5 in the paper.
        protocol: `Protocol` of both, where arrays do not carry it.

    Returns:
        `Result` with `density` in [0, len(real) / k] and `coverage` in [0, 1], higher
        is better. For equal laws density is about 1; see `expected_coverage`.

    Raises:
        ValueError: If there are no more than k real samples, no generated one, or
            features are not finite, not `(samples, dimensions)`, or of different
            dimensions or protocols.

    Example:

    >>> result = density_coverage([[0.0], [1.0], [9.0]], [[0.4], [0.6]], k=1)
    >>> result["density"], round(result["coverage"], 3)
    (2.0, 0.667)

    Reference: Naeem et al. 2020, "Reliable fidelity and diversity metrics for
    generative models", eqs. 3 and 4, arXiv 2002.09797.
    """
    protocol, real, generated = _sides(real, generated, k, protocol)
    reach = squared_radii(real, k)
    inside, covered = 0, np.zeros(len(real), bool)
    for rows, squares in squared_distances(real, generated):
        within = squares < reach[rows, None]
        inside += int(within.sum())
        covered[rows] = within.any(axis=1)
    values = {"density": inside / (k * len(generated)), "coverage": covered.mean()}
    return _result("density_coverage", values, k, protocol, real, generated)


def expected_coverage(num_real, num_generated, k=5):
    """Coverage to expect of samples with the law of the real ones.

    1 - prod_{i < k} (N - 1 - i) / (N + M - 1 - i), about 1 - 2^-k for N = M.

    Args:
        num_real: int, N.
        num_generated: int, M.
        k: int, neighbours.

    Returns:
        float.

    Example:

    >>> round(expected_coverage(1000, 1000), 6)
    0.968984

    Reference: Naeem et al. 2020, section 3.3 (lemma 2), arXiv 2002.09797.
    """
    steps = np.arange(k)
    missed = (num_real - 1 - steps) / (num_real + num_generated - 1 - steps)
    return float(1 - np.prod(missed))


class PrecisionRecall(Accumulator):
    """`precision_recall` batch by batch; keeps all features (see `FeatureRows`)."""

    metric = staticmethod(precision_recall)


class DensityCoverage(Accumulator):
    """`density_coverage` batch by batch; keeps all features (see `FeatureRows`)."""

    metric = staticmethod(density_coverage)


def _sides(real, generated, k, protocol):
    checked_k(k)
    protocol = same_protocol(protocol, real, generated)
    real = checked_rows("real", real, 1)
    if len(real) <= k:
        raise ValueError(_too_few("real", real, k))
    return protocol, real, checked_rows("generated", generated, 1, width=real.shape[1])


def _too_few(name, rows, k):
    return (
        f"Found {len(rows)} {name} samples, which have no {k} other neighbours each: "
        f"bring at least {k + 1}, or lower k."
    )


def _result(metric, values, k, protocol, real, generated):
    return Result(
        metric,
        values,
        {"k": k},
        protocol,
        num_real=len(real),
        num_generated=len(generated),
    )
