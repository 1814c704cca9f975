"""Folders that are replaced wholly or not at all, whatever happens meanwhile.

A folder is written beside its place, as `.NAME.ID.tmp`; then the old one steps aside,
as `.NAME.ID.old`, because no system renames a folder onto a full one. Whoever works on
one of them holds a lock on it, which ends with the process: what nobody holds was left
behind by a kill.
"""

import contextlib
import os
import pathlib
import re
import shutil
import uuid

try:
    import fcntl
except ImportError:  # Windows: without locks nothing is known to be left behind
    fcntl = None

from keras_gans.core.safe_config import REQUIRED_FILES, PresetError


@contextlib.contextmanager
def replacing(path):
    """Gives a new folder to fill, which is then renamed to `path`.

    What earlier calls for the same path left behind when they were killed is removed.

    Args:
        path: `pathlib.Path`, absolute; a folder that is already there is replaced.

    Raises:
        OSError: as the file system does; `path` is then as it was before.

    Example:

    >>> with replacing(path) as folder:  # doctest: +SKIP
    ...     (folder / "config.json").write_text("{}")
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    folder, lock = _new_folder(path)
    try:
        yield folder
        _put_in_place(folder, path)
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            _unlock(lock)  # or this process would wait for itself the next time


def recovered(path):
    """Returns the path of a folder, put back if a kill fell between the two renames.

    Args:
        path: path or str, of a folder that may be missing.
    """
    path = pathlib.Path(path)
    with contextlib.suppress(RuntimeError):  # no home folder of that name
        path = path.expanduser()
    for aside in [] if os.path.lexists(path) else _left(path, "old"):
        # While a living process holds it, it is about to put the new one there.
        lock = _lock(aside, wait=True)
        whole = all((aside / name).is_file() for name in REQUIRED_FILES)
        with contextlib.suppress(OSError):  # somebody else did, or nobody may write
            if whole and not path.exists():
                aside.rename(path)
        _unlock(lock)
    return path


def sweep_files(folder, label, ending):
    """Removes files `{label}.ID{ending}` that killed processes left in a folder."""
    ours = re.compile(rf"{re.escape(label)}\.[0-9a-f]{{32}}{re.escape(ending)}")
    for name in os.listdir(folder):
        if ours.fullmatch(name) and (lock := _lock(folder / name, wait=False)):
            with contextlib.suppress(OSError):
                os.unlink(folder / name)
            _unlock(lock)


def hold(file):
    """Locks a new, open file; returns whether nobody swept it before that."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    return os.path.exists(file.name)


def _put_in_place(folder, path):
    if not path.exists():
        folder.rename(path)
        return
    aside, lock = folder.with_suffix(".old"), _lock(path, wait=True)
    try:
        path.rename(aside)
        try:
            folder.rename(path)
        except BaseException:
            aside.rename(path)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        _unlock(lock)


def _new_folder(path):
    while True:
        folder = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        folder.mkdir()
        lock = _lock(folder, wait=True)
        if folder.exists():  # nobody swept it before it was locked
            return folder, lock
        _unlock(lock)


def _sweep(path):
    for left in [*_left(path, "tmp"), *_left(path, "old")]:
        lock = _lock(left, wait=False)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
        _unlock(lock)


def _left(path, ending):
    """The folders of earlier replacements of `path`, the newest first."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{32}}\.{ending}")
    found = []
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                found.append((entry.stat().st_mtime, path.with_name(entry.name)))
    return [folder for _, folder in sorted(found, reverse=True)]


def _lock(folder, wait):
    """Returns what holds the lock, or `None` if somebody else has it."""
    if fcntl is None:
        return None
    lock = None
    try:
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # held, gone, or a file system without locks
        _unlock(lock)
        return None
    return lock


def _unlock(lock):
    if lock is not None:
        os.close(lock)


class BoundedOutput:
    """A file to download into: it never grows past the size that was declared."""

    def __init__(self, file, name, size, exact=True):
        self.file, self.name, self.size, self.exact = file, name, size, exact
        self.flush = file.flush  # which pooch calls
        self.restart()

    def restart(self):
        """Empties the file, for another attempt."""
        self.file.seek(0)
        self.file.truncate()
        self.received = 0

    def write(self, chunk):
        """Adds bytes; raises `PresetError` when they are more than were declared."""
        self.received += len(chunk)
        if self.received > self.size:
            raise PresetError(f"{self.name}: expected {self.size} bytes, found more.")
        self.file.write(chunk)
