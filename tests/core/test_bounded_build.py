"""No config can ask for more than its weight file is long, or work without end."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading

import keras
import pytest

from keras_gans.core import bounded_build
from keras_gans.core.bounded_build import UNSAVED_BYTES, bounded
from keras_gans.core.plain_json import PresetError

ROOT = pathlib.Path(__file__).parents[2]


def variable(size, dtype="float32", **options):
    return keras.Variable("zeros", shape=(size,), dtype=dtype, **options)


def test_variables_are_counted_together_and_by_their_type():
    quarter = UNSAVED_BYTES // 4
    with bounded(weight_bytes=3 * quarter, num_values=1):
        for dtype, size in (("float32", 4), ("float16", 2), ("int8", 1)):
            variable(quarter // size, dtype)
        keras.Variable(keras.ops.zeros(quarter // 4))
        keras.layers.Dense(quarter // 8, use_bias=False).build((None, 2))
        with pytest.raises(BaseException, match=r"'last' of shape \(524289,\)"):
            variable(UNSAVED_BYTES // 2 + 1, "int8", name="last")


def test_the_refusal_names_the_variable_and_is_one_error():
    layer = keras.layers.Dense(10**9)
    message = "'kernel' of shape .*1000000000.* the 100 bytes"
    with pytest.raises(PresetError, match=message), bounded(100, num_values=1):
        with contextlib.suppress(Exception):  # what is built may catch what it can
            layer.build((None, 10**9))
        pytest.fail("It was caught on the way.")
    before = vars(keras.Variable).get("__init__")
    variable(10**6)
    assert vars(keras.Variable).get("__init__") is before
    assert sys.getprofile() is None


def test_odd_shapes_are_left_to_keras():
    for shape in (None, (None,), "ab", (2.5,), -1):
        with pytest.raises(Exception) as caught, bounded(100, 1):  # noqa: B017
            keras.Variable("zeros", shape=shape)
        assert not isinstance(caught.value, PresetError)


def test_other_threads_are_not_affected():
    made = []
    with bounded(weight_bytes=0, num_values=1):
        thread = threading.Thread(target=lambda: made.append(variable(10**6)))
        thread.start()
        thread.join()
    assert len(made) == 1


def test_builds_in_two_threads_take_turns_and_leave_keras_as_it_was():
    before, errors = vars(keras.Variable).get("__init__"), []

    def build(size):
        for _ in range(20):
            with contextlib.suppress(PresetError), bounded(400, 1):
                variable(100)
                variable(size)
                errors.append(size)

    threads = [threading.Thread(target=build, args=(10**6,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert vars(keras.Variable).get("__init__") is before
    variable(10**6)


def test_work_without_end_ends(monkeypatch):
    monkeypatch.setattr(bounded_build, "BASE_CALLS", 10_000)
    with pytest.raises(PresetError, match="takes too many steps"), bounded(100, 1):
        for _ in range(10**9):
            len("")
    assert sys.getprofile() is None
    sequence = keras.Input((10**6, 2))
    with pytest.raises(PresetError, match="takes too many steps"), bounded(10**6, 1):
        keras.layers.LSTM(2, unroll=True)(sequence)


def test_somebody_elses_profiler_is_left_in_place():
    seen = []
    sys.setprofile(lambda *event: seen.append(1))
    try:
        mine = sys.getprofile()
        with bounded(100, 1):
            assert sys.getprofile() is mine
    finally:
        sys.setprofile(None)


HUGE = """
import json, pathlib, resource, shutil, sys
import keras_gans as kg

folder, changes = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
zoo = pathlib.Path(sys.argv[3])
kg.from_preset("cgan_digits")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shutil.copy(zoo / "model.weights.h5", folder)
for change in changes:
    config = json.loads((zoo / "config.json").read_text())
    config["config"].update(change)
    (folder / "config.json").write_text(json.dumps(config))
    try:
        kg.from_preset(folder)
        raise SystemExit(f"{change} was accepted")
    except kg.core.safe_config.PresetError as why:
        assert "cgan" in str(why).lower(), why
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_huge_layers_are_refused_before_they_take_memory(tmp_path):
    changes = [
        {"base_channels": 10**6},
        {"hidden_units": 10**9},
        {"num_classes": 10**9},
        {"latent_dim": 10**9},
        {"image_shape": [10**6, 10**6, 3]},
        {"image_shape": [10**6, 10**6, 3], "architecture": "mlp"},
    ]
    zoo = ROOT / "zoo" / "cgan_digits"
    command = [sys.executable, "-c", HUGE, tmp_path, json.dumps(changes), zoo]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 100 << 10  # kilobytes: less than 100 MB more
