"""Known defects of Keras and TensorFlow that this project works around.

Each test shows one of them with plain Keras or TensorFlow, and passes as long as it is
there. When one fails after an upgrade, its message names the workaround: if the cause
that pytest shows above it is that nothing went wrong, upstream has mended the defect;
remove the workaround and the test. If it went wrong in another way, see whether the
workaround still helps, and bring the test up to date. What stands outside
`still_broken` is no defect but the way round it: that must go on working.
"""

import contextlib
import os
import pkgutil
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from keras import ops

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the JAX trainer")
every_backend = pytest.mark.every_backend
X, Y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


@contextlib.contextmanager
def still_broken(workaround, known_as="no issue known"):
    """Fails, naming the workaround, as soon as the block inside does.

    Args:
        workaround: `module:name` below `keras_gans`, which must exist; or, with a
            blank in it, a description.
        known_as: Issue or page that tells of the defect.
    """
    if " " not in workaround:
        workaround = f"keras_gans.{workaround}"
        pkgutil.resolve_name(workaround)
    try:
        yield
    except (Exception, pytest.fail.Exception) as why:
        raise AssertionError(
            f"Keras {keras.__version__} no longer does what {workaround} works around "
            f"({known_as}): remove it if the defect is gone, see the cause above."
        ) from why


class Own(keras.Model):
    """A model with a training step of its own, as all of ours are."""

    def __init__(self, logs=1.0):
        super().__init__()
        self.kernel = self.add_weight(shape=(2, 1), initializer="ones")
        self.built = True
        self.result = logs

    def train_step(self, *arguments):
        logs = {"d_loss": ops.convert_to_tensor(self.result)}
        # (data) on TensorFlow, (state, data) on JAX.
        return logs if len(arguments) == 1 else (logs, arguments[0])


def one_dense(**compile_arguments):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compile_arguments})
    return model


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def run_python(program):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=120,
    )
