"""The library, imported only when a command needs it.

Keras and its backend take seconds to import; `keras-gans --help` must not wait.
"""

import os


def library():
    """Imports `keras_gans`, with TensorFlow's start-up messages off.

    Returns:
        The module. `TF_CPP_MIN_LOG_LEVEL`, if set, is left as it is.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras_gans

    return keras_gans
