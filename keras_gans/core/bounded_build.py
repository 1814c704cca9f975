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
# Calls, of which Python makes some five million a second. A layer takes 5,000 to
# 17,000; JAX, used for the first time, five million; the 900 layers of a network
# written out as 50,000 values 16 million.
BASE_CALLS = 15_000_000
CALLS_PER_VALUE = 500
# Instead of those that give it its value: on JAX, that may be to compile.
CALLS_PER_VARIABLE = 2_000

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
        with contextlib.ExitStack() as stack:
            uncounted = stack.enter_context(_bounded_calls(calls))
            stack.enter_context(_bounded_variables(weight_bytes, uncounted))
            yield
    except _TooMuch as why:
        raise PresetError(str(why)) from None


@contextlib.contextmanager
def _bounded_variables(weight_bytes, uncounted):
    import keras

    kind, thread = keras.Variable, threading.get_ident()
    left = weight_bytes + UNSAVED_BYTES

    def counted(self, initializer, shape=None, dtype=None, *args, **kwargs):
        nonlocal left
        mine = threading.get_ident() == thread
        if mine:
            # A value instead of an initializer has its own shape.
            sides = getattr(initializer, "shape", ()) if shape is None else shape
            left -= _bytes(sides, dtype)
            if left < 0:
                raise _TooMuch(
                    f"The variable {kwargs.get('name')!r} of shape {sides} would need "
                    f"more than the {weight_bytes} bytes of all weights in the file."
                )
        with uncounted() if mine else contextlib.nullcontext():
            make(self, initializer, shape, dtype, *args, **kwargs)

    with _ONE_AT_A_TIME:
        make, own = kind.__init__, "__init__" in vars(kind)
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
    """Gives the context manager of what costs `CALLS_PER_VARIABLE`, no more or less."""
    if sys.getprofile():  # somebody is looking for what is slow: not to be disturbed
        yield contextlib.nullcontext
        return

    def count(frame, event, argument):
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise _TooMuch("Building it takes too many steps.")

    @contextlib.contextmanager
    def uncounted():
        nonlocal calls
        calls -= CALLS_PER_VARIABLE
        sys.setprofile(None)
        try:
            yield
        finally:
            sys.setprofile(count)

    sys.setprofile(count)
    try:
        yield uncounted
    finally:
        sys.setprofile(None)
