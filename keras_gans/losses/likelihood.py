"""What models of likelihood minimise: nats per image, and divergences of codes.

All sums run over pixels and dimensions, none is a mean over them: a mean would divide
the reconstruction by their number, and so multiply a divergence beside it.
"""

import math

from keras import ops

LEVELS = 256


def bernoulli_nats(targets, logits):
    """-log p(x) of binary pixels: sum over pixels of softplus(l) - x l.

    Args:
        targets: Pixels in [0, 1], `(..., height, width, channels)`.
        logits: Log-odds of 1, of the same shape.

    Returns:
        float32 tensor `(...)`, without the last three axes.
    """
    logits = ops.cast(logits, "float32")
    return _summed(ops.softplus(logits) - targets * logits)


def categorical_nats(levels, logits):
    """-log p(x) of pixels of 256 levels, each with its softmax.

    Args:
        levels: Integers in [0, 256), `(..., height, width, channels)`.
        logits: `(..., height, width, channels, 256)`.

    Returns:
        float32 tensor `(...)`.
    """
    logits = ops.cast(logits, "float32")
    chosen = ops.take_along_axis(logits, ops.expand_dims(levels, -1), axis=-1)
    return _summed(ops.logsumexp(logits, axis=-1) - ops.squeeze(chosen, -1))


def gaussian_nats(x, mean, log_variance):
    """-log N(x; m, s2) = sum over pixels of ((x - m)^2 / s2 + log s2 + log 2 pi) / 2.

    Without the constant it would be no likelihood.

    Args:
        x: `(..., height, width, channels)`.
        mean: The same shape.
        log_variance: log s2, a scalar or a shape that broadcasts.

    Returns:
        float32 tensor `(...)`.
    """
    mean = ops.cast(mean, "float32")
    log_variance = ops.cast(log_variance, "float32")
    distance = ops.square(x - mean) * ops.exp(-log_variance)
    return _summed(0.5 * (distance + log_variance + math.log(2 * math.pi)))


def divergence_from_normal(mean, log_variance):
    """KL(N(m, s2) || N(0, 1)) = -1/2 sum_d (1 + log s2 - m^2 - s2).

    Args:
        mean: `(batch, dimensions)`.
        log_variance: The same shape.

    Returns:
        float32 tensor `(batch,)`.

    Reference: arXiv 1312.6114, appendix B.
    """
    mean = ops.cast(mean, "float32")
    log_variance = ops.cast(log_variance, "float32")
    terms = 1.0 + log_variance - ops.square(mean) - ops.exp(log_variance)
    return -0.5 * ops.sum(terms, axis=-1)


def log_normal(x, mean=0.0, log_variance=0.0):
    """log N(x; m, s2), summed over the last axis.

    Args:
        x: `(..., dimensions)`.
        mean: A shape that broadcasts.
        log_variance: The same.

    Returns:
        float32 tensor `(...)`.
    """
    distance = ops.square(x - mean) * ops.exp(-ops.cast(log_variance, "float32"))
    terms = distance + log_variance + math.log(2 * math.pi)
    return -0.5 * ops.sum(terms, axis=-1)


def importance_weighted_bound(log_weights):
    """L_k = log (1/k) sum_i w_i, a lower bound of log p(x) that rises with k.

    Args:
        log_weights: log w_i = log p(x|z_i) p(z_i) / q(z_i|x), `(k, batch)`.

    Returns:
        float32 tensor `(batch,)`.

    Reference: Burda et al. 2015, arXiv 1509.00519, eq. 8.
    """
    return ops.logsumexp(log_weights, axis=0) - math.log(log_weights.shape[0])


def bits_per_dimension(nats, dimensions):
    """nats / (D ln 2).

    Args:
        nats: Number or array.
        dimensions: D, pixels times channels.
    """
    return nats / (dimensions * math.log(2.0))


def _summed(terms):
    return ops.sum(terms, axis=(-3, -2, -1))
