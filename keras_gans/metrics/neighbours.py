"""Nearest neighbours among features, block by block, in float64."""

import numpy as np

from keras_gans.metrics.rows import checked_rows

# Distances held at once: 2**23 float64 are 67 MB, and work on them takes thrice that.
_BLOCK = 2**23
# Squared distances this far below the squared lengths are rounding, hence zero: equal
# rows stay equal. float64 rounds near 1e-16, float32 features near 1e-14.
_ZERO = 1e-13


def nearest_neighbours(queries, references, k=1):
    """The k nearest references of every query, by Euclidean distance.

    Time is that of one matrix product of the two; memory about 0.2 GB beside float64
    copies of both.

    Args:
        queries: Features `(samples, dimensions)` or `FeatureRows`.
        references: The same, of as many dimensions.
        k: int, neighbours per query.

    Returns:
        `(distances, indices)`, float64 and int64, both `(len(queries), k)`, nearest
        first. Equal rows are at distance 0 exactly.

    Raises:
        ValueError: If there are fewer than k references, or features are not finite,
            not `(samples, dimensions)`, or of different dimensions.

    Example:

    >>> distances, indices = nearest_neighbours([[1.0]], [[5.0], [2.0]])
    >>> distances.tolist(), indices.tolist()
    ([[1.0]], [[1]])
    """
    checked_k(k)
    references = checked_rows("reference", references, k, f" for {k} neighbours")
    queries = checked_rows("query", queries, 1, width=references.shape[1])
    distances = np.empty((len(queries), k))
    indices = np.empty((len(queries), k), "int64")
    for rows, squares in squared_distances(queries, references):
        nearest = np.argpartition(squares, k - 1, axis=1)[:, :k]
        # Once more from the differences: products lose the digits of small distances.
        for column in range(k):
            gap = queries[rows].astype(np.float64) - references[nearest[:, column]]
            distances[rows, column] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
        order = np.argsort(distances[rows], axis=1, kind="stable")
        distances[rows] = np.take_along_axis(distances[rows], order, axis=1)
        indices[rows] = np.take_along_axis(nearest, order, axis=1)
    return distances, indices


def squared_distances(a, b):
    """Yields `(slice of a, squared distances of these rows to b)`, float64 blocks."""
    # Distances do not feel a common shift; their digits do.
    centre = b.mean(axis=0, dtype=np.float64)
    b = b - centre
    squares_b = np.einsum("ij,ij->i", b, b)
    size = max(1, _BLOCK // len(b))
    for start in range(0, len(a), size):
        rows = slice(start, min(start + size, len(a)))
        block = a[rows] - centre
        lengths = np.einsum("ij,ij->i", block, block)[:, None] + squares_b
        squares = block @ b.T
        squares *= -2.0
        squares += lengths
        lengths *= _ZERO
        squares[squares < lengths] = 0.0
        yield rows, squares


def squared_radii(x, k):
    """Squared distance of every row to its k-th nearest other row, `(len(x),)`."""
    radii = np.empty(len(x))
    for rows, squares in squared_distances(x, x):
        here = np.arange(rows.start, rows.stop)
        squares[here - rows.start, here] = np.inf
        squares.partition(k - 1, axis=1)
        radii[rows] = squares[:, k - 1]
    return radii


def checked_k(k):
    """Raises a `ValueError` unless k is a positive integer."""
    if int(k) != k or k < 1:
        raise ValueError(f"k must be a positive integer. Found: {k}.")
