"""Which example comes when: a function of the seed and the epoch, nothing else.

A run that was killed and resumed at epoch e sees what the uninterrupted run saw
because nobody has to remember where a random stream stood.
"""

import operator

import numpy as np

_ORDER, _FLIP = 0, 1


def epoch_order(num_examples, seed, epoch):
    """The permutation of `range(num_examples)` for one epoch, int64."""
    return _draws(seed, epoch, _ORDER).permutation(num_examples).astype("int64")


def epoch_flips(num_examples, seed, epoch):
    """Whether each example is mirrored in one epoch, by its index in the source."""
    return _draws(seed, epoch, _FLIP).random_sample(num_examples) < 0.5


def _draws(seed, epoch, purpose):
    # RandomState's streams are frozen by NumPy's policy; Generator's may change with
    # a release, and a run resumed after an upgrade would then see another order.
    sequence = np.random.SeedSequence([seed, epoch, purpose])
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
