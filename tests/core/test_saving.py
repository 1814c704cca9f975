import os
import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from keras_gans.core import saving
from tests.contract import assert_equal, state_of
from tests.systems import images, tiny_gan


def test_interrupted_save_leaves_the_file_of_before(tmp_path, monkeypatch):
    path = tmp_path / "gan.weights.h5"
    gan = tiny_gan()
    gan.save_weights(path)
    before = path.read_bytes()
    plain = keras.Model.save_weights

    def dies_half_way(self, filepath, **kwargs):
        plain(self, filepath, **kwargs)
        pathlib.Path(filepath).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save_weights", dies_half_way)
    with pytest.raises(OSError, match="No space left"):
        gan.save_weights(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["gan.weights.h5"]


def test_overwrite_is_asked_for(tmp_path):
    path = tmp_path / "gan.weights.h5"
    gan = tiny_gan()
    gan.save_weights(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        gan.save_weights(path, overwrite=False)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_other_networks_are_refused(tmp_path):
    path = tmp_path / "gan.weights.h5"
    tiny_gan().save_weights(path)
    with pytest.raises(ValueError):
        tiny_gan(hidden_units=5).load_weights(path)


def test_seed_states_travel_with_the_weights(tmp_path):
    path = tmp_path / "gan.weights.h5"
    gan = tiny_gan()
    gan.compile()
    gan.fit(images(8), batch_size=4, verbose=0)
    gan.save_weights(path)
    again = tiny_gan()
    again.compile()
    again.load_weights(path)
    assert_equal(state_of(gan), state_of(again))
    first, second = (g.training_seeds.normal((3,)) for g in (gan, again))
    np.testing.assert_array_equal(np.array(first), np.array(second))


def test_file_without_seeds_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "gan.weights.h5"
    with monkeypatch.context() as patch:
        patch.setattr(
            saving.Saving, "save_own_variables", keras.Model.save_own_variables
        )
        tiny_gan().save_weights(path)
    with pytest.raises(ValueError, match="seed states"):
        tiny_gan().load_weights(path)


TRAINING = """
    import os, sys
    import numpy as np
    import keras
    import keras_gans as kg

    folder, epochs, stop_at = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 8, 8, 1)).astype("uint8")
    gan = kg.DCGAN((8, 8, 1), 3, 2, ema_decay=0.9)
    gan.compile()

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == stop_at:
                os._exit(9)  # No clean-up of any kind.

    backup = keras.callbacks.BackupAndRestore(folder + "/backup")
    gan.fit(images, batch_size=4, epochs=epochs, callbacks=[backup, Kill()], verbose=0)
    gan.save_weights(folder + "/end.weights.h5")
    state = {
        f"{i}": keras.ops.convert_to_numpy(v)
        for i, v in enumerate(gan.variables + gan.optimizer.variables)
    }
    np.savez(folder + "/state.npz", **state)
"""


def run_training(folder, stop_at):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", textwrap.dedent(TRAINING), str(folder), "4"]
    return subprocess.run(
        [*command, str(stop_at)], env={**os.environ}, capture_output=True, text=True
    )


def test_killed_and_resumed_process_is_bit_identical(tmp_path):
    """Train 4 = train 2, lose the process, resume, train 2: all variables equal."""
    assert run_training(tmp_path / "whole", stop_at=-1).returncode == 0
    assert run_training(tmp_path / "parts", stop_at=2).returncode == 9
    resumed = run_training(tmp_path / "parts", stop_at=-1)
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    whole = np.load(tmp_path / "whole" / "state.npz")
    parts = np.load(tmp_path / "parts" / "state.npz")
    assert whole.files == parts.files and len(whole.files) > 30
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], parts[name])
