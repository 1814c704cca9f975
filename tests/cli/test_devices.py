import contextlib
import json

import keras
import pytest

import keras_gans as kg
from keras_gans.cli import devices
from tests.contract import two_replicas


def test_a_run_goes_on_with_other_devices(train, tmp_path, monkeypatch):
    class Killed(kg.callbacks.StopOnNaN):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kg.callbacks, "StopOnNaN", Killed)
        assert train(tmp_path / "run").exit_code == 130

    @contextlib.contextmanager
    def asked_for(name):
        assert name == "mirrored"
        yield two_replicas().scope()  # a second strategy would fail in one process

    monkeypatch.setattr(devices, "asked_for", asked_for)
    with pytest.warns(UserWarning, match="replicas .1, now 2."):
        result = train(tmp_path / "run", "--strategy", "mirrored")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Resuming dcgan on 12 images of 8x8x1")
    assert "run, on 2 devices" in result.stdout.replace("\n", " ")
    assert "Epoch 1/2" not in result.stdout and "Epoch 2/2" in result.stdout


def test_an_unknown_strategy_is_refused(refused, npz):
    line = refused("train", "dcgan", "--data", npz, "--strategy", "tpu")
    assert line == "error: --strategy is mirrored or multi_worker. Found: tpu.\n"


@pytest.mark.parametrize(
    "config",
    [
        None,
        "{",
        "[]",
        json.dumps({"cluster": {"worker": []}, "task": {"type": "worker"}}),
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": {"type": "ps"}}),
        json.dumps({"cluster": ["a:1"], "task": {"type": "worker"}}),
    ],
)
def test_hosts_come_from_tf_config(refused, npz, monkeypatch, config):
    if config is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setenv("TF_CONFIG", config)
    line = refused("train", "dcgan", "--data", npz, "--strategy", "multi_worker")
    assert 'reads the hosts from TF_CONFIG, for example {"cluster": {"worker"' in line


def test_several_hosts_need_tensorflow(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="needs the TensorFlow backend"):
        devices.check("multi_worker")
