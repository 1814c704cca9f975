"""Two worker processes train one model through plain `fit`, and through the CLI.

In Keras 3.15 `fit` fails under MultiWorkerMirroredStrategy (keras issue 20585): it
averages scalar logs over an axis they do not have, and cannot build from a batch of
several tensors. `core/reports.py` and `core/training.py` work around one each.
"""

import signal
import textwrap
import time

import numpy as np
import pytest

from tests import workers
from tests.cli.conftest import assert_same_weights, names
from tests.contract import on_tensorflow

WORKER = """
    import sys
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    import numpy as np
    import keras
    import keras_gans as kg
    from tests.systems import Translation

    kind = sys.argv[2]
    images = np.random.default_rng(0).integers(0, 256, (32, 4, 4, 1)).astype("uint8")
    labels = np.arange(32) % 3
    with strategy.scope():
        if kind == "pairs":
            gan = Translation()
        else:
            gan = kg.CGAN((4, 4, 1), 3, 3, ema_decay=0.5)
        gan.compile(run_eagerly=True)
    seen, unpack = [], gan.unpack

    def watched(data):
        seen.append(data[0].numpy())
        return unpack(data)

    object.__setattr__(gan, "unpack", watched)
    data = {
        "arrays": lambda: {"x": images, "y": labels, "batch_size": 8},
        "pipeline": lambda: {"x": kg.data.pipeline(images, 8, labels=labels)},
        "pairs": lambda: {"x": kg.data.pipeline((images, 255 - images), 8)},
    }[kind]()
    grid = kg.callbacks.SampleGrid(f"{sys.argv[1]}_grids")
    calls = [] if kind == "pairs" else [grid]
    history = gan.fit(**data, epochs=2, verbose=0, callbacks=calls).history
    state = [keras.ops.convert_to_numpy(w) for w in gan.weights]
    logs = [history[name] for name in gan.reports]
    np.savez(sys.argv[1], *state, logs=np.array(logs, "float64"), seen=np.stack(seen))
"""


@on_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("data", ["arrays", "pipeline", "pairs"])
def test_two_workers_share_each_batch_and_end_equal(tmp_path, data):
    def worker(index):
        return ["-c", textwrap.dedent(WORKER), tmp_path / f"{index}.npz", data]

    with workers.started(worker, tmp_path) as running:
        workers.finish(running, tmp_path)
    first, second = (np.load(tmp_path / f"{index}.npz") for index in range(2))
    assert len(first.files) > 5
    seen = [worker["seen"] for worker in (first, second)]
    # Two epochs of four steps, half of the batch of eight each time.
    assert [part.shape for part in seen] == [(8, 4, 4, 4, 1)] * 2
    for epoch in (slice(0, 4), slice(4, 8)):
        images = np.concatenate([part[epoch].reshape(16, 16) for part in seen])
        assert len(np.unique(images, axis=0)) == 32
    for name in set(first.files) - {"seen"}:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert np.isfinite(first["logs"]).all() and first["logs"].shape == (2, 2)
    drawn = [(tmp_path / f"{index}.npz_grids").exists() for index in range(2)]
    assert drawn == [data != "pairs", False], "the chief alone draws"


@on_tensorflow
@pytest.mark.slow
def test_killed_worker_and_both_resume(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (24, 4, 4, 1)).astype("uint8")
    np.savez(tmp_path / "data.npz", images=images, labels=np.arange(24) % 3)

    def start(name):
        # As on two machines that share no disk: each worker has a folder of its own.
        for index in range(2):
            (tmp_path / f"host_{index}").mkdir(exist_ok=True)
        program = "from keras_gans.cli import main; main()"
        options = ["--set", "latent_dim=3", "--batch-size", "8", "--epochs", "60"]
        run = ["--strategy", "multi_worker", "--every", "30"]
        return workers.started(
            lambda index: [
                *("-c", program, "train", "cgan", "--data", tmp_path / "data.npz"),
                *options,
                *run,
                *("--out", tmp_path / f"host_{index}" / name),
            ],
            tmp_path,
        )

    with start("whole") as running:
        workers.finish(running, tmp_path)
    chief = tmp_path / "host_0" / "killed"
    with start("killed") as running:
        deadline = time.monotonic() + 120
        while not any(chief.glob("backup/epoch_*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        running[1].send_signal(signal.SIGKILL)
        assert running[0].wait(timeout=120) != 0, "the chief went on alone"
    assert "preset" not in names(chief)

    for index in range(2):
        (tmp_path / f"worker_{index}.log").unlink()
    with start("killed") as running:
        workers.finish(running, tmp_path)
    said = workers.log_of(0, tmp_path)
    assert "Resuming cgan" in said and "on 2 devices" in said
    assert "Epoch 1/60" not in said
    assert_same_weights(tmp_path / "host_0" / "whole", chief)
    assert names(chief) == ["history.csv", "preset", "recipe.toml", "samples"]
    whole = tmp_path / "host_0" / "whole" / "history.csv"
    assert (chief / "history.csv").read_text() == whole.read_text()
    assert not any((tmp_path / "host_1").iterdir()), "the chief alone writes"
