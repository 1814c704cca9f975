"""Arrays from many files, each of which may be damaged."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.decoding import DamagedPicture

_NAMED = 5


def read_each(folder, files, read, on_damaged, what):
    """Reads files side by side, and names those that cannot be read.

    Args:
        folder: Path.
        files: Paths below it.
        read: Function from a path to an array.
        on_damaged: `"raise"`, or `"skip"` for a warning.
        what: `"volumes"` or `"videos"`, for messages.

    Returns:
        The arrays, stacked, and which files they are of, bools `(len(files),)`.

    Raises:
        ValueError: for damaged files, unless they are to be skipped and some are left;
            for arrays of several shapes.
    """

    def attempt(file):
        try:
            return read(file)
        except (DamagedPicture, ValueError, OSError) as why:
            return str(why) or type(why).__name__

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(attempt, files))
    sound = np.array([not isinstance(one, str) for one in found])
    if not sound.all():
        _report(folder, files, found, on_damaged, what)
    arrays = [one for one in found if not isinstance(one, str)]
    if len(shapes := {one.shape for one in arrays}) > 1:
        raise ValueError(
            f"The {what} of {folder} come in {len(shapes)} sizes, "
            f"{', '.join(map(str, sorted(shapes)[:_NAMED]))}: pass image_size=... to "
            "bring them to one."
        )
    return np.stack(arrays), sound


def _report(folder, files, found, on_damaged, what):
    """The files of which a reason was found in the place of an array."""
    outcomes = zip(files, found, strict=True)
    reasons = {file: why for file, why in outcomes if isinstance(why, str)}
    named = [
        f"{shown(file.relative_to(folder))} ({why.rstrip('.')})"
        for file, why in reasons.items()
    ]
    told = (
        f"{len(named)} of {len(files)} {what} in {folder} cannot be read: "
        f"{', '.join(named[:_NAMED])}"
    )
    told += f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    if on_damaged == "raise" or len(named) == len(files):
        raise ValueError(f"{told}. on_damaged='skip' leaves damaged ones out.")
    warnings.warn(f"{told}; skipped.", stacklevel=5)
