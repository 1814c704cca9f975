"""Which example comes when: a function of the seed and the epoch, nothing else.

A run that was killed and resumed at epoch e sees what the uninterrupted run saw
because nobody has to remember where a random stream stood.
"""

import operator

import numpy as np

_ORDER, _FLIP, _CROP, _EXAMPLE = range(4)


def epoch_order(num_examples, seed, epoch, domain=0, length=None):
    """The permutation of `range(num_examples)` for one epoch, int64.

    Args:
        num_examples: int.
        seed: Non-negative int.
        epoch: Non-negative int.
        domain: Non-negative int; each domain has an order of its own.
        length: int, for an epoch of another length: as many permutations as are
            needed, one after the other, so that no example comes twice more often
            than another. `None` for one permutation.
    """
    draws, length = _draws(seed, epoch, _ORDER, domain), length or num_examples
    rounds = range(-(-length // num_examples)) if num_examples else ()
    orders = [draws.permutation(num_examples) for _ in rounds]
    return np.concatenate([np.empty(0, "int64"), *orders])[:length]


def epoch_flips(num_examples, seed, epoch, domain=0):
    """Whether each example is mirrored in one epoch, by its index in the source."""
    return _draws(seed, epoch, _FLIP, domain).random_sample(num_examples) < 0.5


def epoch_crops(num_examples, seed, epoch, domain=0):
    """Where each example is cropped in one epoch, by its index in the source.

    Returns:
        float64 `(num_examples, 2)` in [0, 1): the part of the room above and to the
        left of the crop.
    """
    return _draws(seed, epoch, _CROP, domain).random_sample((num_examples, 2))


def example_draws(seed, epoch, index):
    """The `numpy.random.RandomState` of one example in one epoch."""
    return _draws(seed, epoch, _EXAMPLE, index)


def _draws(seed, epoch, purpose, part=0):
    # RandomState's streams are frozen by NumPy's policy; Generator's may change with
    # a release, and a run resumed after an upgrade would then see another order.
    # Part 0 adds no number: runs in progress were begun without parts.
    words = [seed, epoch, purpose, part] if part else [seed, epoch, purpose]
    sequence = np.random.SeedSequence(words)
    return np.random.RandomState(np.random.MT19937(sequence))


def natural_number(name, value, minimum=0):
    """Returns `value` as a Python int of at least `minimum`, or raises."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}, got {value!r}."
        )
    return number


def num_batches(num_examples, batch_size, drop_remainder=True):
    """Batches in one epoch; raises when there would be none."""
    if num_examples == 0 or (drop_remainder and num_examples < batch_size):
        raise ValueError(
            f"{num_examples} examples do not fill one batch of {batch_size}: "
            "lower `batch_size` or bring more data."
        )
    if drop_remainder:
        return num_examples // batch_size
    return -(-num_examples // batch_size)
