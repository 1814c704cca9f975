"""The library, imported only when a command needs it.

Keras and its backend take seconds to import; `keras-gans --help` must not wait.
"""

import contextlib
import os
import re
import sys
import tempfile

# TensorFlow 2.21 says this while it is imported, whatever TF_CPP_MIN_LOG_LEVEL is.
_START_UP = re.compile(rb"I\d{4} |WARNING: All log messages before absl::Init")


def library():
    """Imports `keras_gans` without the start-up messages of its backend.

    Returns:
        The module. `TF_CPP_MIN_LOG_LEVEL`, if set, is left as it is.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        import keras_gans

        return keras_gans
    with _without(_START_UP):
        import keras_gans.models  # the package itself may import lazily

        return keras_gans


@contextlib.contextmanager
def _without(unwanted):
    """Drops lines from what is written to stderr, by C++ too, in the `with` block."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            wanted = [line for line in held if not unwanted.match(line)]
            os.write(2, b"".join(wanted))
