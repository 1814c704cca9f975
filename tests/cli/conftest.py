import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import keras_gans as kg
from keras_gans.cli import app

TINY = ["--set", "base_channels=2", "--set", "latent_dim=3", "--no-xla"]


@pytest.fixture(scope="session")
def run():
    """Runs the command line; returns Typer's result."""

    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def refused(run):
    """Runs what must fail; returns the one line that is said."""

    def refused(*arguments):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        return result.stderr

    return refused


@pytest.fixture(scope="session")
def npz(tmp_path_factory):
    """12 images of 8x8 in three classes."""
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 8, 8, 1)).astype("uint8")
    np.savez(path, train_images=images, train_labels=np.arange(12) % 3)
    return path


@pytest.fixture(scope="session")
def train(run, npz):
    """Trains a tiny DCGAN; returns the result."""

    def train(out, *more):
        fit = ["--batch-size", 4, "--epochs", 2, "--out", out]
        return run("train", "dcgan", "--data", npz, *TINY, *fit, *more)

    return train


@pytest.fixture(scope="session")
def finished(train, tmp_path_factory):
    """The folder of a finished run; tests must not change it."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    result = train(folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(autouse=True)
def policy_is_left_alone():
    yield
    assert keras.mixed_precision.dtype_policy().name == "float32"


def weights(folder):
    gan = kg.from_preset(folder / "preset")
    return [keras.ops.convert_to_numpy(weight) for weight in gan.weights]


def assert_same_weights(first, second):
    for a, b in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(a, b)


def names(folder):
    return sorted(path.name for path in folder.iterdir())
