"""Two worker processes train one model through plain `fit`.

In Keras 3.15 `fit` fails under MultiWorkerMirroredStrategy (keras issue 20585): it
averages scalar logs over an axis they do not have, and cannot build from a batch of
several tensors. `core/reports.py` and `core/training.py` work around one each.
"""

import json
import os
import socket
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tests.contract import on_tensorflow

WORKER = """
    import sys
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    import numpy as np
    import keras
    import keras_gans as kg

    images = np.random.default_rng(0).integers(0, 256, (32, 4, 4, 1)).astype("uint8")
    with strategy.scope():
        gan = kg.CGAN((4, 4, 1), 3, 3, ema_decay=0.5)
        gan.compile(run_eagerly=True)
    seen, unpack = [], gan.unpack

    def watched(data):
        seen.append(data[0].numpy())
        return unpack(data)

    object.__setattr__(gan, "unpack", watched)
    labels = np.arange(32) % 3
    if sys.argv[2] == "arrays":
        data = {"x": images, "y": labels, "batch_size": 8}
    else:
        data = {"x": kg.data.pipeline(images, 8, labels=labels)}
    history = gan.fit(**data, epochs=2, verbose=0).history
    state = [keras.ops.convert_to_numpy(w) for w in gan.weights]
    logs = [history[name] for name in gan.reports]
    np.savez(sys.argv[1], *state, logs=np.array(logs, "float64"), seen=np.stack(seen))
"""


@on_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("data", ["arrays", "pipeline"])
def test_two_workers_share_each_batch_and_end_equal(tmp_path, data):
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    running = []
    for index in range(2):
        task = {
            "cluster": {"worker": workers},
            "task": {"type": "worker", "index": index},
        }
        command = [sys.executable, "-c", textwrap.dedent(WORKER)]
        running.append(
            subprocess.Popen(
                [*command, str(tmp_path / f"{index}.npz"), data],
                env={**os.environ, "TF_CONFIG": json.dumps(task)},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in running:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors[-2000:]
    first, second = (np.load(tmp_path / f"{index}.npz") for index in range(2))
    assert len(first.files) > 10
    seen = [worker["seen"] for worker in (first, second)]
    # Two epochs of four steps, half of the batch of eight each time.
    assert [part.shape for part in seen] == [(8, 4, 4, 4, 1)] * 2
    for epoch in (slice(0, 4), slice(4, 8)):
        images = np.concatenate([part[epoch].reshape(16, 16) for part in seen])
        assert len(np.unique(images, axis=0)) == 32
    for name in set(first.files) - {"seen"}:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert np.isfinite(first["logs"]).all() and first["logs"].shape == (2, 2)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
