"""Twenty kills of one training at random instants: as if there had been none."""

import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import keras_gans as kg
from tests.cli.conftest import TINY, assert_same_weights
from tests.contract import on_tensorflow

KILLS = 20
EPOCHS = 1000


@on_tensorflow
@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 8, 8, 1)).astype("uint8")
    np.savez(tmp_path / "noise.npz", images=images)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(tmp_path, whole)
    said = uninterrupted.communicate(timeout=900)[0]
    assert uninterrupted.returncode == 0, said

    chance = random.Random(0)
    epochs, in_a_save, resumed = [0], 0, 0
    for _ in range(KILLS):
        process = start(tmp_path, killed)
        said = first_line(process)
        assert said.startswith("Resuming" if epochs[-1] else "Training"), said
        resumed += epochs[-1] > 0
        time.sleep(chance.uniform(0, 4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it had ended before the kill"
        backup = killed / "backup"
        epochs.append(kg.callbacks.BackupAndRestore(backup).saved_epoch())
        in_a_save += any(backup.glob(".*"))
    final = start(tmp_path, killed)
    said = final.communicate(timeout=900)[0]
    assert final.returncode == 0, said

    print(f"\n{KILLS} kills, {resumed} of them of resumed runs, {in_a_save} in a save;")
    print(f"epochs saved at each kill: {epochs[1:]}")
    assert epochs == sorted(epochs), "a checkpoint was lost"
    assert epochs[-1] > 0, "all kills came before the first checkpoint"
    assert re.search(rf"^Epoch {epochs[-1] + 1}/{EPOCHS}$", said, re.MULTILINE), said
    assert f"Epoch {epochs[-1]}/" not in said
    assert_same_weights(whole, killed)
    assert files(killed) == files(whole)
    for name in files(whole):
        if name.endswith((".csv", ".png", "recipe.toml")):
            assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert sorted(os.listdir(killed)) == [
        *("history.csv", "preset", "recipe.toml", "samples")
    ]


def start(folder, out):
    options = ["--batch-size", "4", "--epochs", str(EPOCHS), "--every", "100", *TINY]
    program = "from keras_gans.cli import main; main()"
    data = ["--data", "noise.npz", "--out", out.name]
    return subprocess.Popen(
        [sys.executable, "-c", program, "train", "dcgan", *data, *options],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def first_line(process):
    """The line in which a run says that it begins or goes on."""
    for line in process.stdout:
        if line.startswith(("Training", "Resuming", "error")):
            return line
    return ""


def files(folder):
    """Every file below `folder`, hidden ones too."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found)
