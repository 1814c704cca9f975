"""Checkpoints from which a killed training goes on."""

import pathlib
import re
import shutil

import keras

_NAME = re.compile(r"epoch_(\d+)\.weights\.h5")


class BackupAndRestore(keras.callbacks.Callback):
    """Saves all state after each epoch and goes on from there after a kill.

    As `keras.callbacks.BackupAndRestore`, except that weights and epoch number are one
    file, which appears whole or not at all. Keras writes two, one after the other: a
    kill between them resumes new weights at the old epoch.

    With arrays or `kg.data.pipeline` as data, a training that was killed at any instant
    and resumed ends bit-identical, on the CPU, to one that was not.

    Args:
        backup_dir: Folder of the checkpoint, for this training alone; made if absent.
        delete_checkpoint: Whether the folder is deleted when `fit` has ended by itself.

    Raises:
        ValueError: when `fit` finds a checkpoint that was saved from other networks or
            other optimizers.

    Example:

    >>> backup = BackupAndRestore("backup")
    >>> gan.fit(images, epochs=100, callbacks=[backup])  # run again after a kill
    """

    def __init__(self, backup_dir, delete_checkpoint=True):
        super().__init__()
        self.backup_dir = pathlib.Path(backup_dir)
        self.delete_checkpoint = delete_checkpoint

    def on_train_begin(self, logs=None):
        """Loads the newest checkpoint, if there is one."""
        for unfinished in self.backup_dir.glob(".*.weights.h5"):
            unfinished.unlink()
        saved = self._saved()
        if saved:
            epoch = max(saved)
            self.model.load_weights(saved[epoch])
            # How Keras' own callback tells `fit` where to begin.
            self.model._initial_epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Writes the checkpoint, then removes the one before."""
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        path = self.backup_dir / f"epoch_{epoch + 1:06d}.weights.h5"
        self.model.save_weights(path)
        for older in self._saved().values():
            if older != path:
                older.unlink()

    def on_train_end(self, logs=None):
        """Deletes the folder, unless it is to be kept."""
        if self.delete_checkpoint:
            shutil.rmtree(self.backup_dir, ignore_errors=True)

    def _saved(self):
        found = {}
        for path in self.backup_dir.glob("*"):
            if match := _NAME.fullmatch(path.name):
                found[int(match[1])] = path
        return found
