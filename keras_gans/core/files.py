"""Files that appear whole or not at all, whenever the process is killed."""

import contextlib
import os
import pathlib
import re

_UNFINISHED = re.compile(r"\.\d+\..+")


@contextlib.contextmanager
def written_whole(path):
    """A path to write to; the file becomes `path` when the block has ended well.

    Args:
        path: File to make or replace. Its folder must exist.

    Yields:
        `pathlib.Path` of a hidden file beside it.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            # Or a power cut after the rename could leave an empty file.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder):
    """Removes what killed processes left half written in `folder`."""
    for path in pathlib.Path(folder).glob(".*"):
        if _UNFINISHED.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)
