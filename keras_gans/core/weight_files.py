"""A weight file is looked through before anything in it is read.

HDF5 can do far more than hold arrays: point into other files, store a terabyte of
zeros in a few bytes, go round in circles. Keras needs none of it, so a file that uses
any of it was not written by Keras, and is refused. What is left is plain arrays that
lie in the file byte for byte: reading them never needs more memory than it is long.
"""

import math
import os
import pathlib
import stat
import tempfile

import numpy as np

from keras_gans.core.files import written_whole
from keras_gans.core.safe_config import PresetError, shown

# StyleGAN at 1024x1024 with its EMA twin and optimizers has about 5,000 groups and
# arrays, nested 6 deep.
MAX_OBJECTS = 50_000
MAX_DEPTH = 60
MAX_ATTRIBUTES = 16  # Keras writes one


def arrays_of(path):
    """Returns name to shape of the arrays in a weight file, and their bytes in all.

    Args:
        path: HDF5 file as `keras.Model.save_weights` writes it.

    Returns:
        `(shapes, total_bytes)`: a dict and an int; the total is at most the length of
        the file.

    Raises:
        PresetError: it is no HDF5 file, or holds links, arrays that are not plain or
            not wholly inside the file, or more than `MAX_OBJECTS` objects; the file
            and the object are named.

    Example:

    >>> shapes, total = arrays_of("my_digits/model.weights.h5")  # doctest: +SKIP
    """
    import h5py

    path = pathlib.Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for a writer
            raise PresetError("it is no regular file.")
        with h5py.File(path, "r") as file:
            return _checked(file, os.path.getsize(path))
    except PresetError as why:
        raise PresetError(f"{path} is refused: {why}") from why
    except Exception as why:  # h5py raises a dozen kinds
        raise PresetError(f"{path} cannot be loaded: {why}") from why


def _checked(file, length):
    import h5py

    shapes, total, seen = {}, 0, set()
    waiting = [("", file.id)]
    while waiting:
        where, group = waiting.pop()
        _check_attributes(where, group)
        for name, kind in _members(where, group, seen):
            if kind == h5py.h5o.TYPE_GROUP:
                waiting.append((name, h5py.h5o.open(file.id, name.encode())))
                continue
            if kind != h5py.h5o.TYPE_DATASET:
                raise PresetError(f"{shown(name)} is neither a group nor an array.")
            array = h5py.h5o.open(file.id, name.encode())
            _check_attributes(name, array)
            shapes[name], size = _check_array(name, array)
            total += size
            if total > length:
                raise PresetError(
                    f"up to {shown(name)} its arrays need {total} bytes, and it has "
                    f"{length}."
                )
    return shapes, total


def _members(where, group, seen):
    """Yields path and kind of what a group holds, each object being new."""
    import h5py

    if where.count("/") >= MAX_DEPTH:
        raise PresetError(f"{shown(where)} is nested deeper than {MAX_DEPTH}.")
    for raw in group:
        name = "/".join(filter(None, (where, raw.decode())))
        if group.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
            raise PresetError(f"{shown(name)} is a link to elsewhere.")
        info = h5py.h5o.get_info(group, raw)
        if info.addr in seen:
            raise PresetError(f"{shown(name)} is in it under another name too.")
        seen.add(info.addr)
        if len(seen) > MAX_OBJECTS:
            raise PresetError(f"it holds more than {MAX_OBJECTS} objects.")
        yield name, info.type


def _check_attributes(name, item):
    import h5py

    count = h5py.h5a.get_num_attrs(item)
    if count > MAX_ATTRIBUTES:
        raise PresetError(f"{shown(name)} has {count} attributes.")
    for index in range(count):
        attribute = h5py.h5a.open(item, index=index)
        if attribute.get_type().get_class() != h5py.h5t.STRING or attribute.shape:
            raise PresetError(f"an attribute of {shown(name)} is no text.")


def _check_array(name, array):
    """Returns the shape and the bytes of an array that is plain."""
    import h5py

    kind, layout = array.get_type(), array.get_create_plist()
    # Opaque: how h5py stores bfloat16, which NumPy has no type for.
    plain = {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM}
    opaque = kind.get_class() == h5py.h5t.OPAQUE and kind.get_size() == 2
    if not opaque and kind.get_class() not in plain or kind.get_size() > 16:
        raise PresetError(f"{shown(name)} holds something else than numbers.")
    if layout.get_external_count():
        raise PresetError(f"{shown(name)} has its values in another file.")
    whole = layout.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    if not whole or layout.get_nfilters():
        raise PresetError(f"{shown(name)} is virtual, compressed or in chunks.")
    space = array.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        raise PresetError(f"{shown(name)} has no shape.")
    declared = math.prod(array.shape) * kind.get_size()
    if array.get_storage_size() != declared:
        raise PresetError(
            f"{shown(name)} of shape {array.shape} needs {declared} bytes, and the "
            f"file has {array.get_storage_size()} for it."
        )
    return array.shape, declared


def narrow(path):
    """Rewrites kernels and matrices of a weight file as float16: half the size.

    Vectors (biases, batch statistics, seeds) stay as they are. They take little room,
    and a variance may lie outside the range of float16.

    Args:
        path: HDF5 file as `keras.Model.save_weights` writes it; replaced.

    Raises:
        PresetError: a weight is too large for float16; it is named.
    """
    import h5py

    path = pathlib.Path(path)

    def copy(name, item):
        if isinstance(item, h5py.Group):
            copied = narrowed.require_group(name)
        else:
            values = item[()]
            if values.ndim > 1 and values.dtype == np.float32:
                with np.errstate(over="ignore"):  # told below, by name
                    values = values.astype(np.float16)
                if np.isinf(values).any():
                    raise PresetError(f"{name} is too large for float16.")
            copied = narrowed.create_dataset(name, data=values)
        for key, value in item.attrs.items():
            copied.attrs[key] = value

    with (
        written_whole(path) as temporary,
        h5py.File(path, "r") as wide,
        h5py.File(temporary, "w") as narrowed,
    ):
        copy("/", wide)
        wide.visititems(copy)


def values_of(shapes):
    """Returns how many numbers arrays of these shapes hold, `shapes` as `arrays_of`."""
    return sum(math.prod(shape) for shape in shapes.values())


def load_weights(model, path, found):
    """Loads weights after comparing each name and shape: Keras skips some silently.

    Args:
        model: a built model.
        path: the weight file.
        found: name to shape of its arrays, from `arrays_of`.

    Raises:
        PresetError: a weight is missing, left over, or has another shape.
    """
    try:
        with tempfile.TemporaryDirectory() as scratch:
            expected = pathlib.Path(scratch) / "expected.weights.h5"
            model.save_weights(expected)
            wanted, _ = arrays_of(expected)
        for name in sorted(wanted.keys() | found.keys()):
            mine, its = wanted.get(name, "no such weight"), found.get(name, "nothing")
            if mine != its:
                raise PresetError(
                    f"{shown(name)}: expected {mine}, the file has {its}."
                )
        model.load_weights(path)
    except Exception as why:  # h5py and Keras raise a dozen kinds
        raise PresetError(f"{path} cannot be loaded: {why}") from why
