import importlib.metadata

import keras
import numpy as np
import pytest
from packaging.requirements import Requirement

from tests.upstream.still_broken import every_backend, still_broken


@pytest.mark.parametrize(
    ("package", "absent", "workaround"),
    [
        ("tensorflow", "tensorboard", "setup.cfg, extra tensorboard"),
        ("tensorflow-datasets", "importlib_resources", "setup.cfg, install_requires"),
    ],
)
def test_dependency_is_not_declared(package, absent, workaround):
    needed = map(Requirement, importlib.metadata.requires(package))
    here = [r.name for r in needed if r.marker is None or r.marker.evaluate()]
    assert "numpy" in here
    with still_broken(workaround):
        assert absent not in here


@every_backend
def test_variables_know_nothing_of_numpy_2():
    with (
        still_broken("setup.cfg, filterwarnings", "keras-team/keras#21288"),
        pytest.warns(DeprecationWarning, match="__array__ implementation doesn't"),
    ):
        np.array(keras.Variable([1.0]))
