"""Checkpoints from which a killed training goes on."""

import pathlib
import re
import shutil
import warnings

import keras
import numpy as np

from keras_gans.core import facts, gradients
from keras_gans.core.files import sweep

_NAME = re.compile(r"epoch_(\d+)\.weights\.h5")


class BackupAndRestore(keras.callbacks.Callback):
    """Saves all state after each epoch and goes on from there after a kill.

    As `keras.callbacks.BackupAndRestore`, except that weights, epoch number and the
    training's arguments are one file, which appears whole or not at all. Keras writes
    several, one after the other: a kill between them resumes new weights at the old
    epoch.

    With arrays or `kg.data.pipeline` as data, a training that was killed at any instant
    and resumed ends bit-identical, on the CPU, to one that was not. On another number
    of devices, or on the other backend, it goes on with a warning.

    Of several workers the chief alone writes and reads; the others, which need not
    share its disk, get all state from it.

    Args:
        backup_dir: Folder of the checkpoint, for this training alone; made if absent.
        delete_checkpoint: Whether the folder is deleted when `fit` has ended by itself.

    Raises:
        ValueError: when `fit` finds a checkpoint that cannot be read, or that was made
            with other arguments, optimizers, precision or batch size; it names them.

    Example:

    >>> backup = BackupAndRestore("backup")
    >>> gan.fit(images, epochs=100, callbacks=[backup])  # run again after a kill
    """

    def __init__(self, backup_dir, delete_checkpoint=True):
        super().__init__()
        self.backup_dir = pathlib.Path(backup_dir)
        self.delete_checkpoint = delete_checkpoint

    def saved_epoch(self):
        """Number of epochs that the newest checkpoint has behind it; 0 without one."""
        return max(self._saved(), default=0)

    def newest(self):
        """Path of the newest checkpoint; `None` without one."""
        return self._saved().get(self.saved_epoch())

    def on_train_begin(self, logs=None):
        """Loads the newest checkpoint, if there is one."""
        self._writes = gradients.is_chief(self.model)
        epoch, refusal = 0, None
        if self._writes:
            self._facts = facts.of_training(self.model)
            try:
                epoch = self._restore()
            except ValueError as error:
                epoch, refusal = -1, error
        epoch = int(gradients.from_chief(self.model, [np.array(epoch)])[0])
        if epoch < 0:
            # All workers stop: without the chief the others would wait for ever.
            raise refusal or ValueError("The chief worker refused its checkpoint.")
        if epoch > 0:
            self._share()
            # How Keras' own callback tells `fit` where to begin.
            self.model._initial_epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Writes the checkpoint, then removes the one before."""
        if not self._writes:
            return
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        path = self.backup_dir / f"epoch_{epoch + 1:06d}.weights.h5"
        self.model.save_weights(path, facts=self._facts)
        for older in self._saved().values():
            if older != path:
                older.unlink()

    def on_train_end(self, logs=None):
        """Deletes the folder, unless it is to be kept."""
        if self._writes and self.delete_checkpoint:
            shutil.rmtree(self.backup_dir, ignore_errors=True)

    def _restore(self):
        sweep(self.backup_dir)
        saved = self._saved()
        if not saved:
            return 0
        epoch = max(saved)
        try:
            self._check(saved[epoch])
            self.model.load_weights(saved[epoch])
        except (OSError, KeyError, UnicodeDecodeError) as why:  # h5py's, of a bad file
            raise ValueError(
                f"The checkpoint {saved[epoch]} cannot be read: {why}. Put a copy in "
                f"its place, or delete {self.backup_dir} to begin again."
            ) from why
        return epoch

    def _check(self, path):
        begun, now = facts.read(path), dict(self._facts)
        machines = begun.pop("machine", {}), now.pop("machine")
        differing = facts.differences(begun, now) if begun else ()
        if differing:
            raise ValueError(
                f"The checkpoint {path} was made with other arguments: "
                f"{', '.join(differing[:5])}. Give the same ones to go on, or another "
                "folder to begin again."
            )
        moved = facts.differences(*machines) if machines[0] else ()
        if moved:
            warnings.warn(
                f"The training goes on elsewhere: {', '.join(moved)}. It keeps all "
                "state, but its random draws and roundings are not those of a training "
                "that stayed.",
                stacklevel=2,
            )

    def _share(self):
        model = self.model
        variables = [*model.variables, *model.optimizer.variables]
        variables = list({id(v): v for v in variables}.values())
        values = [keras.ops.convert_to_numpy(v) for v in variables]
        for variable, value, shared in zip(
            variables, values, gradients.from_chief(model, values), strict=True
        ):
            if shared is not value:
                variable.assign(shared)

    def _saved(self):
        found = {}
        for path in self.backup_dir.glob("*"):
            if match := _NAME.fullmatch(path.name):
                found[int(match[1])] = path
        return found
