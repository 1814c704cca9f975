"""The console script `keras-gans`, installed as the top-level `keras_gans_launcher`.

It is no part of the package `keras_gans`: TensorFlow 2.21 prints start-up lines on
standard error whatever TF_CPP_MIN_LOG_LEVEL says, and importing any module of the
package imports TensorFlow. Only a module outside can hold those lines back.
"""

import contextlib
import os
import re
import sys
import tempfile

_START_UP = re.compile(
    rb"[IW]\d{4} |WARNING: All log messages before|To enable the foll"
)


def main():
    """Runs the command line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Without AVX-512 TensorFlow leaves oneDNN out, whose convolutions are faster there
    # too: those of volumes 80 times.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _without(_START_UP):
        from keras_gans.cli import main
    main()


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
