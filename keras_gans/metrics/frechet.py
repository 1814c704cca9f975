"""The Frechet distance between two sets of features, called FID through Inception.

||mu_x - mu_y||^2 + Tr S_x + Tr S_y - 2 Tr (S_x S_y)^(1/2): the squared 2-Wasserstein
distance between the two Gaussians of equal mean and covariance.
"""

import numpy as np

from keras_gans.core.files import written_whole
from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.result import Protocol, Result
from keras_gans.metrics.rows import checked_rows, same_protocol

# Rows taken to float64 at once: bounds memory, not the result.
_CHUNK = 2048


class FeatureStatistics:
    """Mean and covariance of features, batch by batch, in float64.

    Takes `8 * dimensions**2` bytes, 34 MB at 2048, however many samples come.

    Args:
        protocol: `Protocol` of the features.

    Raises:
        ValueError: From `update`, if features are not finite, not
            `(samples, dimensions)`, or of another width than before.

    Reference: Chan, Golub, LeVeque 1983, "Algorithms for computing the sample
    variance", eq. 2.1: exact merging of centred sums, which large means cannot harm.
    """

    def __init__(self, protocol=None):
        self.protocol = protocol
        self.count = 0
        self._mean = self._scatter = None

    @classmethod
    def from_moments(cls, mean, covariance, count=None, protocol=None):
        """Statistics from a mean `(d,)` and covariance `(d, d)`.

        `count` is the number of samples behind them; `None` if nobody recorded it,
        and then nothing can be added to them.
        """
        mean, covariance = np.array(mean, "float64"), np.array(covariance, "float64")
        if mean.ndim != 1 or covariance.shape != mean.shape * 2:
            raise ValueError(
                "Expected a mean (d,) and a covariance (d, d), found "
                f"{mean.shape} and {covariance.shape}."
            )
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("Mean or covariance hold numbers that are not finite.")
        if np.abs(covariance - covariance.T).max() > 1e-6 * np.abs(covariance).max():
            raise ValueError("A covariance must be symmetric; this one is not.")
        made = cls(protocol)
        made.count, made._mean = None if count is None else int(count), mean
        made._scatter = covariance if count is None else covariance * (made.count - 1)
        return made

    @property
    def mean(self):
        """float64 `(dimensions,)`."""
        self._check_count(1)
        return self._mean

    @property
    def covariance(self):
        """float64 `(dimensions, dimensions)`, unbiased (divided by count - 1)."""
        self._check_count(2)
        return self._scatter if self.count is None else self._scatter / (self.count - 1)

    def update(self, features):
        """Adds a batch `(samples, dimensions)`."""
        width = None if self._mean is None else len(self._mean)
        rows = checked_rows("new", features, minimum=0, width=width)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK].astype(np.float64)
            mean = chunk.mean(axis=0)
            chunk -= mean
            self._add(len(chunk), mean, chunk.T @ chunk)

    def merge(self, other):
        """Adds the samples of other statistics, as if they had come here."""
        protocol = same_protocol(None, self, other)
        if other._mean is not None:
            if self._mean is not None and len(self._mean) != len(other._mean):
                raise ValueError("Statistics of different dimensions do not merge.")
            self._add(other.count, other._mean, other._scatter.copy())
        self.protocol = protocol if self.protocol or other.protocol else None

    def save(self, path):
        """Writes the `.npz` of TTUR, pytorch-fid and Clean-FID, with our facts beside.

        Keys `mu` and `sigma`, then `n` and the fields of the protocol where known.
        """
        facts = {k: v for k, v in vars(self.protocol or Protocol()).items() if v}
        facts |= {} if self.count is None else {"n": self.count}
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, mu=self.mean, sigma=self.covariance, **facts)

    @classmethod
    def load(cls, path):
        """Statistics from such a file, whoever wrote it.

        Raises:
            ValueError: If `mu` or `sigma` are absent or misshapen, or the file would
                need pickle.
        """
        with np.load(path, allow_pickle=False) as file:
            absent = {"mu", "sigma"} - set(file.files)
            if absent:
                raise ValueError(f"{path} holds no {' and no '.join(sorted(absent))}.")
            fields = [f for f in vars(Protocol()) if f in file.files]
            protocol = Protocol(**{field: str(file[field]) for field in fields})
            count = int(file["n"]) if "n" in file.files else None
            return cls.from_moments(file["mu"], file["sigma"], count, protocol)

    def _add(self, count, mean, scatter):
        if self._mean is None:
            self.count, self._mean, self._scatter = count, mean, scatter
            return
        if self.count is None or count is None:
            raise ValueError("These statistics do not say how many samples they hold.")
        total = self.count + count
        step = mean - self._mean
        self._scatter += scatter
        self._scatter += np.outer(step, step * (self.count * count / total))
        self._mean = self._mean + step * (count / total)
        self.count = total

    def _check_count(self, minimum):
        if self.count is not None and self.count < minimum:
            raise ValueError(
                f"Found {self.count} samples; at least {minimum} are needed here."
            )


def frechet_distance(real, generated, protocol=None):
    """||mu_x - mu_y||^2 + Tr S_x + Tr S_y - 2 Tr (S_x S_y)^(1/2), in float64.

    With F^T F = S for either side, the last trace is the sum of the singular values
    of F_x F_y^T: never complex, and no eigenvalue is squared on the way. It equals
    the symmetric form, the square roots of the eigenvalues of
    S_x^(1/2) S_y S_x^(1/2), but where S has tiny eigenvalues, as those of Inception
    features do, it keeps twice as many digits of them. F is the centred features over
    sqrt(n - 1) where samples are fewer than dimensions (exact, and no d x d matrix is
    made), and the root from `eigh(S)` otherwise.

    It falls as samples grow, for one and the same model: compare equal counts only.

    Args:
        real: Features `(samples, dimensions)`, `FeatureRows` or `FeatureStatistics`.
        generated: The same, of as many dimensions.
        protocol: `Protocol` of both, where arrays do not carry it.

    Returns:
        `Result` with `frechet_distance` in [0, inf), lower is better; 0 for equal
        means and covariances. It notes samples too few for the dimension.

    Raises:
        ValueError: For fewer than 2 samples, features that are not finite or not
            `(samples, dimensions)`, different dimensions or protocols.

    Example:

    >>> x = np.array([[0.0], [2.0]])
    >>> frechet_distance(x, x + 3).value
    9.0

    Reference: Heusel et al. 2017, "GANs trained by a two time-scale update rule
    converge to a local Nash equilibrium", eq. 6, arXiv 1706.08500.
    """
    protocol = same_protocol(protocol, real, generated)
    real, generated = _side("real", real), _side("generated", generated)
    if len(real[1]) != len(generated[1]):
        raise ValueError(
            f"Real features have {len(real[1])} dimensions, generated ones "
            f"{len(generated[1])}: they come from different extractors."
        )
    (num_real, mean_x, root_x), (num_generated, mean_y, root_y) = real, generated
    shared = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    spread = np.square(root_x).sum() + np.square(root_y).sum() - 2 * shared
    # Rounding can leave a distance of zero a little below it.
    distance = max(0.0, np.square(mean_x - mean_y).sum() + spread)
    few = [n for n in (num_real, num_generated) if n is not None and n <= len(mean_x)]
    return Result(
        "frechet_distance",
        {"frechet_distance": distance},
        protocol=protocol,
        num_real=num_real,
        num_generated=num_generated,
        notes=[
            f"{min(few)} samples in {len(mean_x)} dimensions leave the covariance "
            "singular and the distance far too large; take 10,000 or more."
        ]
        if few
        else [],
    )


class FrechetDistance(Accumulator):
    """`frechet_distance` batch by batch; keeps mean and covariance of each side."""

    metric = staticmethod(frechet_distance)
    sides = {"real": FeatureStatistics, "generated": FeatureStatistics}


def _side(name, source):
    """Count, mean and a root F of the covariance, F^T F = S."""
    if not isinstance(source, FeatureStatistics):
        rows = checked_rows(name, source, 2, " for a covariance")
        if len(rows) <= rows.shape[1]:
            mean = rows.mean(axis=0, dtype=np.float64)
            return len(rows), mean, (rows - mean) / np.sqrt(len(rows) - 1)
        source = FeatureStatistics()
        source.update(rows)
    return source.count, source.mean, _root(source.covariance)


def _root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    # Eigenvalues below the rounding error of the largest are noise of either sign, and
    # the root would turn 1e-16 into 1e-8.
    noise = len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    kept = values > noise
    return np.sqrt(values[kept])[:, None] * vectors[:, kept].T
