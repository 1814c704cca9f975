"""One device = two replicas = two processes of one replica, weight for weight."""

import numpy as np
import pytest

from tests import workers
from tests.contract import on_tensorflow, state_of, two_replicas
from tests.equal_training import SYSTEMS, build, train

ATOL = {"SGD": 1e-6, "Adam": 1e-5}
CASES = [
    pytest.param(
        *(system, optimizer),
        marks=() if (system, optimizer) == ("CGAN", "SGD") else pytest.mark.slow,
    )
    for system in SYSTEMS
    for optimizer in ATOL
]


@on_tensorflow
@pytest.mark.parametrize(("system", "optimizer"), CASES)
def test_devices_make_no_difference(tmp_path, system, optimizer):
    def worker(index):
        case = ["tests.equal_training", system, optimizer]
        return ["-m", *case, tmp_path / f"{index}.npz"]

    with workers.started(worker, tmp_path) as running:
        one = train(system, optimizer, 1)
        untrained = state_of(build(system, optimizer))
        for (name, a), b in zip(one.items(), untrained.values(), strict=False):
            assert np.isfinite(a).all(), name
            assert name.endswith("bias") or np.abs(a - b).max() > 100 * ATOL[optimizer]
        replicas = train(system, optimizer, 2, two_replicas().scope())
        workers.finish(running, tmp_path)
    files = [np.load(tmp_path / f"{index}.npz") for index in range(2)]
    processes = [[file[str(i)] for i in range(len(file.files))] for file in files]
    for other in (list(replicas.values()), *processes):
        for (name, a), b in zip(one.items(), other, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=ATOL[optimizer], err_msg=name)
    for a, b in zip(*processes, strict=True):
        np.testing.assert_array_equal(a, b)
