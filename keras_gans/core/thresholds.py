"""From which score on an image counts as anomalous."""

import math

import numpy as np


def threshold_at(scores, false_alarm_rate):
    """The score of rank ceil((n + 1) (1 - rate)) among n normal ones.

    Args:
        scores: Array of n scores of normal images.
        false_alarm_rate: In (0, 1).

    Raises:
        ValueError: if n is too small for such a rank.
    """
    rank = math.ceil((len(scores) + 1) * (1.0 - false_alarm_rate) - 1e-9)
    if rank > len(scores):
        needed = math.ceil(1.0 / false_alarm_rate - 1e-9) - 1
        raise ValueError(
            f"{len(scores)} normal images cannot tell a false-alarm rate of "
            f"{false_alarm_rate:g}: it takes {needed}, or a higher rate."
        )
    return float(np.sort(np.asarray(scores))[rank - 1])


def checked_rate(rate):
    """A false-alarm rate, if it is one; a `ValueError` otherwise."""
    if not 0 < rate < 1:
        raise ValueError(f"false_alarm_rate lies between 0 and 1. Found: {rate}.")
    return rate
