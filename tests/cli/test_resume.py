import shutil

import pytest

import keras_gans as kg
from keras_gans.cli import recipe_files, recipes
from tests.cli.conftest import TINY, assert_same_weights, names


def test_a_killed_run_goes_on_as_if_it_had_not_been(
    finished, train, refused, npz, tmp_path, monkeypatch
):
    class Killed(kg.callbacks.StopOnNaN):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    folder = tmp_path / "killed"
    with monkeypatch.context() as patched:
        patched.setattr(kg.callbacks, "StopOnNaN", Killed)
        result = train(folder)
    assert result.exit_code == 130
    assert result.stderr == "\nStopped. The same command goes on from here.\n"
    assert names(folder) == ["backup", "history.csv", "recipe.toml", "samples"]

    other = ["--batch-size", 6, "--epochs", 2, "--out", folder]
    line = refused("train", "dcgan", "--data", npz, *TINY, *other)
    assert "other settings: fit.batch_size (4, now 6)" in line

    # Killed between an epoch's log and its checkpoint: the row comes once more.
    history = folder / "history.csv"
    history.write_text(history.read_text() + "1,9.0,9.0,NA,NA\n")
    result = train(folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Resuming dcgan on 12 images of 8x8x1")
    assert "Epoch 1/2" not in result.stdout
    assert_same_weights(finished, folder)
    assert history.read_text() == (finished / "history.csv").read_text()
    assert "backup" not in names(folder)


def test_killed_before_the_first_checkpoint_begins_afresh(train, tmp_path, monkeypatch):
    class Killed(kg.callbacks.StopOnNaN):
        def on_epoch_begin(self, epoch, logs=None):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kg.callbacks, "StopOnNaN", Killed)
        assert train(tmp_path / "run").exit_code == 130
    result = train(tmp_path / "run", "--epochs", 1, "--seed", 5)
    assert result.exit_code == 0, result.output
    assert recipes.read(tmp_path / "run" / "recipe.toml")["arguments"]["seed"] == 5


@pytest.mark.parametrize("instant", ["preset", "recipe", "backup"])
def test_killed_while_finishing(finished, train, tmp_path, monkeypatch, instant):
    """After the last epoch: before the preset, its recipe, or the checkpoint goes."""
    folder = tmp_path / "run"

    class Killed(BaseException):
        """As a kill: nothing cleans up after it."""

    def killed(*args, **kwargs):
        raise Killed

    write, remove = recipe_files.write, shutil.rmtree

    def write_once(recipe, path):
        (killed if path.parent.name == "preset" else write)(recipe, path)

    def remove_others(path, **kwargs):
        (killed if path.name == "backup" else remove)(path, **kwargs)

    with monkeypatch.context() as patched:
        if instant == "preset":
            patched.setattr(kg.DCGAN, "save_to_preset", killed)
        elif instant == "recipe":
            patched.setattr(recipe_files, "write", write_once)
        else:
            patched.setattr(shutil, "rmtree", remove_others)
        with pytest.raises(Killed):
            train(folder)
    (folder / ".4711.history.csv").touch()
    (folder / f".preset.{'0' * 32}.tmp").mkdir()
    result = train(folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Resuming") and "Epoch" not in result.stdout
    assert_same_weights(finished, folder)
    assert names(folder) == names(finished)
    assert names(folder / "preset") == names(finished / "preset")
    assert (folder / "history.csv").read_text() == (
        finished / "history.csv"
    ).read_text()


def test_a_finished_run_has_nothing_left_to_do(finished, train):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    result = train(finished)
    assert result.exit_code == 0, result.output
    assert "is finished: its model is" in result.stdout
    assert before == {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
