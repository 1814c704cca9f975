"""The Inception Score, or the same score under another classifier."""

import numpy as np

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.result import Result
from keras_gans.metrics.rows import FeatureRows, checked_rows, same_protocol


def inception_score(logits, num_splits=10, shuffle_seed=None, protocol=None):
    """exp(E_x KL(p(y|x) || p(y))), as the mean over contiguous splits, in float64.

    Says something where the classifier's classes are what the images show: Inception
    for ImageNet-like pictures, a digit classifier for digits. Published figures take
    50,000 samples, 10 splits, and Inception's 1008 logits without their bias.

    Args:
        logits: `(samples, classes)` or `FeatureRows`: unbounded scores before the
            softmax. The logarithms of probabilities serve as well.
        num_splits: int, parts that are scored one by one; 10 in the paper. The score
            rises with the size of a part.
        shuffle_seed: int to shuffle first with this seed (torch-fidelity: 2020),
            `None` to keep the order (the paper's code). Shuffle samples that are
            ordered by label.
        protocol: `Protocol` of the classifier, where arrays do not carry it.

    Returns:
        `Result` with `inception_score` in [1, classes], higher is better, and the
        `std` over splits (divided by the count).

    Raises:
        ValueError: If there are fewer samples than splits, or logits are not finite
            or not `(samples, classes)`.

    Example:

    >>> round(inception_score(100.0 * np.eye(10), num_splits=1).value, 9)
    10.0

    Reference: Salimans et al. 2016, "Improved techniques for training GANs",
    section 4, arXiv 1606.03498.
    """
    protocol = same_protocol(protocol, logits)
    if int(num_splits) != num_splits or num_splits < 1:
        raise ValueError(f"num_splits must be a positive integer. Found: {num_splits}.")
    logits = checked_rows("generated", logits, num_splits, ", one per split")
    if shuffle_seed is not None:
        order = np.random.RandomState(shuffle_seed).permutation(len(logits))
        logits = logits[order]
    edges = [len(logits) * part // num_splits for part in range(num_splits + 1)]
    scores = [
        _score(logits[start:end].astype(np.float64))
        for start, end in zip(edges, edges[1:], strict=False)
    ]
    return Result(
        "inception_score",
        {"inception_score": np.mean(scores), "std": np.std(scores)},
        {"num_splits": num_splits, "shuffled": shuffle_seed is not None},
        protocol,
        num_generated=len(logits),
        seed=shuffle_seed,
    )


class InceptionScore(Accumulator):
    """`inception_score` batch by batch; keeps all logits: `update(logits=...)`."""

    metric = staticmethod(inception_score)
    sides = {"logits": FeatureRows}


def _score(logits):
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    # A class that underflows to 0 everywhere adds 0 log 0 = 0.
    q = np.maximum(p.mean(axis=0), np.finfo(np.float64).tiny)
    return np.exp((p * (log_p - np.log(q))).sum(axis=1).mean())
