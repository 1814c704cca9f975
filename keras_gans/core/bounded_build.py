"""Building what a stranger's config describes, at a price that is known beforehand.

A config of three lines can ask for a layer of a terabyte, or for a loop of a billion
steps. The weights it may make are those in its weight file, and the steps it may take
follow from its own length.
"""

import contextlib
import math
import sys
import threading

from keras_gans.core.safe_config import PresetError

# Metrics and layers' seeds are variables that no weight file holds.
UNSAVED_BYTES = 1 << 20
# Calls, of which Python makes some five million a second. The 28 variables of a
# conditional DCGAN cost 0.8 million, the 900 layers of a network written out as
# 50,000 values 14 million.
BASE_CALLS = 20_000_000
CALLS_PER_VALUE = 500

_ONE_AT_A_TIME = threading.RLock()


class _TooMuch(BaseException):
    """No `Exception`: what is built might catch it and go on."""


@contextlib.contextmanager
def bounded(weight_bytes, num_values):
    """What is built inside cannot cost more than this; other threads are not affected.

    Args:
        weight_bytes: int, how much memory all its variables may take together.
        num_values: int, the number of values in the config.

    Raises:
        PresetError: naming the variable that would be too much, before it is made; or
            when the work does not end.

    Example:

    >>> with bounded(weight_bytes=400, num_values=10):
    ...     weights = keras.Variable("zeros", shape=(10, 10))
    """
    calls = BASE_CALLS + CALLS_PER_VALUE * num_values
    try:
        with _bounded_variables(weight_bytes), _bounded_calls(calls):
            yield
    except _TooMuch as why:
        raise PresetError(str(why)) from None


@contextlib.contextmanager
def _bounded_variables(weight_bytes):
    import keras

    kind, thread = keras.Variable, threading.get_ident()
    make, left = kind.__init__, weight_bytes + UNSAVED_BYTES

    def counted(self, initializer, shape=None, dtype=None, *args, **kwargs):
        nonlocal left
        if threading.get_ident() == thread:
            # A value instead of an initializer has its own shape.
            sides = getattr(initializer, "shape", ()) if shape is None else shape
            left -= _bytes(sides, dtype)
            if left < 0:
                raise _TooMuch(
                    f"The variable {kwargs.get('name')!r} of shape {sides} would need "
                    f"more than the {weight_bytes} bytes of all weights in the file."
                )
        make(self, initializer, shape, dtype, *args, **kwargs)

    own = "__init__" in vars(kind)
    with _ONE_AT_A_TIME:
        # Every variable of Keras is made here, and nothing public comes before.
        kind.__init__ = counted
        try:
            yield
        finally:
            if own:
                kind.__init__ = make
            else:
                del kind.__init__


def _bytes(shape, dtype):
    import keras
    import numpy as np

    try:
        size = np.dtype(keras.backend.standardize_dtype(dtype)).itemsize
        return math.prod(max(0, int(side)) for side in shape) * size
    except (TypeError, ValueError):  # Keras will say what is wrong with it
        return 0


@contextlib.contextmanager
def _bounded_calls(calls):
    if sys.getprofile():  # somebody is looking for what is slow: not to be disturbed
        yield
        return

    def count(frame, event, argument):
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise _TooMuch("Building it takes too many steps.")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
