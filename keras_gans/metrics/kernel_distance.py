"""The kernel distance between two sets of features, called KID through Inception."""

import numpy as np

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.result import Result
from keras_gans.metrics.rows import checked_rows, same_protocol

# Rows whose kernel values are held at once when all samples are compared.
_CHUNK = 1024


def kernel_distance(
    real,
    generated,
    num_subsets=100,
    subset_size=1000,
    degree=3,
    seed=2020,
    protocol=None,
):
    """Unbiased squared MMD with the kernel k(a, b) = (a.b / dimensions + 1)^degree.

    sum_{i != j} k(x_i, x_j) / (m (m - 1)) + sum_{i != j} k(y_i, y_j) / (n (n - 1))
    - 2 / (m n) sum_ij k(x_i, y_j), as the mean over random subsets or once over all
    samples. Unbiased, so that unlike the Frechet distance it does not depend on the
    sample count; for equal laws it scatters around 0 and can be negative.

    Args:
        real: Features `(samples, dimensions)` or `FeatureRows`.
        generated: The same, of as many dimensions.
        num_subsets: int, how many random subsets; 100 in the paper. `None` takes all
            samples once, and then nothing is random.
        subset_size: int, samples of each side in a subset, without replacement.
        degree: int, of the polynomial kernel.
        seed: int, of the subsets. torch-fidelity draws the same ones with its default
            seed, 2020, and the generated samples as its first input.
        protocol: `Protocol` of both, where arrays do not carry it.

    Returns:
        `Result` with `kernel_distance`, lower is better (papers often print 1000
        times as much), and, over subsets, their `std` (divided by the count).

    Raises:
        ValueError: If either side holds fewer than `subset_size` samples (2 without
            subsets), an option is not positive, features are not finite or not
            `(samples, dimensions)`, or dimensions or protocols differ.

    Example:

    >>> x = np.array([[0.0], [1.0]])
    >>> kernel_distance(x, x, num_subsets=None).value  # 1 + 1 - (1 + 1 + 1 + 8) / 2
    -3.5

    Reference: Binkowski et al. 2018, "Demystifying MMD GANs", eq. 4,
    arXiv 1801.01401.
    """
    protocol = same_protocol(protocol, real, generated)
    options = {"num_subsets": num_subsets, "degree": degree}
    if num_subsets is not None:
        options["subset_size"] = subset_size
    for name, value in options.items():
        if value is not None and (int(value) != value or value < 1):
            raise ValueError(f"{name} must be a positive integer. Found: {value}.")
    least = 2 if num_subsets is None else max(2, subset_size)
    why = "" if num_subsets is None else "; lower subset_size or generate more"
    real = checked_rows("real", real, least, why).astype(np.float64)
    generated = checked_rows("generated", generated, least, why, real.shape[1])
    generated = generated.astype(np.float64)
    if num_subsets is None:
        values = {"kernel_distance": _discrepancy(real, generated, degree)}
    else:
        values = _over_subsets(real, generated, num_subsets, subset_size, degree, seed)
    return Result(
        "kernel_distance",
        values,
        options,
        protocol,
        num_real=len(real),
        num_generated=len(generated),
        seed=None if num_subsets is None else seed,
    )


class KernelDistance(Accumulator):
    """`kernel_distance` batch by batch; keeps all features (see `FeatureRows`)."""

    metric = staticmethod(kernel_distance)


def _over_subsets(real, generated, num_subsets, subset_size, degree, seed):
    random, found = np.random.RandomState(seed), []
    for _ in range(num_subsets):
        # Generated first: the order in which torch-fidelity draws.
        y = random.choice(len(generated), subset_size, replace=False)
        x = random.choice(len(real), subset_size, replace=False)
        found.append(_discrepancy(real[x], generated[y], degree))
    return {"kernel_distance": np.mean(found), "std": np.std(found)}


def _discrepancy(x, y, degree):
    m, n = len(x), len(y)
    among_x = (_kernel_sum(x, x, degree) - _diagonal_sum(x, degree)) / (m * (m - 1))
    among_y = (_kernel_sum(y, y, degree) - _diagonal_sum(y, degree)) / (n * (n - 1))
    return among_x + among_y - 2 * _kernel_sum(x, y, degree) / (m * n)


def _kernel_sum(a, b, degree):
    if a is b and len(a) <= _CHUNK:
        return _power(a @ a.T / a.shape[1] + 1, degree).sum()
    return sum(
        _power(a[start : start + _CHUNK] @ b.T / a.shape[1] + 1, degree).sum()
        for start in range(0, len(a), _CHUNK)
    )


def _diagonal_sum(a, degree):
    return _power(np.einsum("ij,ij->i", a, a) / a.shape[1] + 1, degree).sum()


def _power(base, degree):
    # Several times faster than np.power, which takes logarithms.
    power = base.copy()
    for _ in range(degree - 1):
        power *= base
    return power
