"""The arrays of an `.npz` file, each looked at before it is unpacked.

An archive of a few kilobytes can unpack to a terabyte, or claim to. What an array
claims must be what its archive holds, and what is packed a hundredfold must be small.
"""

import contextlib
import math
import os
import stat
import zipfile

import numpy as np

MAX_MEMBERS = 10_000
# Blank pictures do pack a thousandfold; up to this size they may.
SMALL_BYTES = 1 << 27
MAX_RATIO = 100


class Archive:
    """The arrays of an open `.npz` file.

    Args:
        path: Path of the file, for the messages.
        file: The file, open for reading bytes.

    Attributes:
        names: Names of the arrays, as in the file.
    """

    def __init__(self, path, file):
        self._path = path
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path} is no regular file.")
        with self._as_value_error("is not a readable .npz file"):
            self._check_directory(file)
            self._zip = zipfile.ZipFile(file)
        members = self._zip.namelist()
        self.names = [name.removesuffix(".npy") for name in members]

    def _check_directory(self, file):
        magic = file.read(6)
        if magic == b"\x93NUMPY":
            raise ValueError("it holds one bare array, not the .npz layout")
        # Unpickling would run code: what is no archive is not even looked at.
        end = zipfile._EndRecData(file)
        if end is None or end[zipfile._ECD_SIZE] > 128 * MAX_MEMBERS:
            raise ValueError("it is no archive, or one of far too many files")

    def read(self, name):
        """Returns the array of this name.

        Raises:
            ValueError: If it is damaged, holds objects, or would unpack to far more
                than it is packed in.
        """
        member = name if name in self._zip.NameToInfo else f"{name}.npy"
        with self._as_value_error(f"is damaged: {name!r}"):
            info = self._zip.getinfo(member)
            with self._zip.open(info) as packed:
                self._check_claims(name, info, packed)
            with self._zip.open(info) as packed:
                return np.lib.format.read_array(packed, allow_pickle=False)

    def _check_claims(self, name, info, packed):
        version = np.lib.format.read_magic(packed)
        read = {(1, 0): np.lib.format.read_array_header_1_0}
        read = read.get(version, np.lib.format.read_array_header_2_0)
        shape, _, dtype = read(packed)
        if dtype.hasobject:
            raise _Refused(
                f"{self._path} holds pickled objects under {name!r}, which are "
                "refused because reading them can run code: save plain arrays."
            )
        claimed = math.prod(shape) * dtype.itemsize + packed.tell()
        if min(shape, default=0) < 0 or claimed != info.file_size:
            raise ValueError(
                f"an array of shape {shape} takes {claimed} bytes, it has "
                f"{info.file_size}"
            )
        packed_size = max(1, info.compress_size)
        if claimed > SMALL_BYTES and claimed > MAX_RATIO * packed_size:
            raise _Refused(
                f"{self._path}: {name!r} would unpack from {packed_size} bytes to "
                f"{claimed}, more than {MAX_RATIO} times as much: refused. Save it "
                "with np.savez if it is meant."
            )

    @contextlib.contextmanager
    def _as_value_error(self, what):
        try:
            yield
        except _Refused:
            raise
        except Exception as error:
            # zipfile, zlib, lzma and NumPy's parser raise a dozen kinds.
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"{self._path} {what}: {reason}") from error


class _Refused(ValueError):
    """Said in full already."""
