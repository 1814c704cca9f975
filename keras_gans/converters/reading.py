"""State dicts from files: arrays under names, and nothing that could run.

A pickle is a program. Of PyTorch's files only the tensors are read
(`torch.load(weights_only=True)`), of NumPy's only plain arrays; everything else is
refused.
"""

import pathlib
import zipfile

import numpy as np

SUFFIXES = (".safetensors", ".npz", ".pt", ".pth", ".bin")


def read_state_dict(path, entry=None):
    """Returns the arrays of a file of weights, by their names.

    Args:
        path: `.safetensors`, `.npz`, or what `torch.save(state_dict, path)` wrote
            (`.pt`, `.pth`, `.bin`; needs PyTorch).
        entry: Name of the state dict to take from a checkpoint of several, such as
            `"avgG"` or `"G_ema"`; nested ones are joined by dots.

    Returns:
        Dict of name to numpy array; floating-point numbers as float32. A `module.` in
        front of all names, which PyTorch's DataParallel leaves there, is taken off.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if a PyTorch file is to be read without PyTorch.
        ValueError: for another kind of file, one that holds more than arrays, or an
            `entry` that is not there.
    """
    path = pathlib.Path(path).expanduser()
    if path.suffix not in SUFFIXES:
        raise ValueError(
            f"{path.name} is none of {', '.join(SUFFIXES)}. Pickled networks are not "
            "read, since they could run anything: in the program they belong to, write "
            "torch.save(network.state_dict(), 'weights.pt')."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    tree = _READERS[path.suffix](path)
    arrays = dict(_arrays(_entry_of(tree, entry, path), path))
    if arrays and all(name.startswith("module.") for name in arrays):
        arrays = {n.removeprefix("module."): a for n, a in arrays.items()}
    return arrays


def _read_safetensors(path):
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except SafetensorError as why:
        raise ValueError(f"{path} is damaged: {why}") from why


def _read_npz(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, zipfile.BadZipFile) as why:
        raise ValueError(f"{path} holds no plain arrays: {why}") from why


def _read_torch(path):
    try:
        import torch
    except ImportError as why:
        raise ImportError(
            f"Reading {path.name} needs PyTorch: pip install torch. Or write it as "
            ".safetensors or .npz where PyTorch is."
        ) from why
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as why:  # UnpicklingError, and what a damaged archive raises
        reason = " ".join(str(why).split())[:200]
        raise ValueError(
            f"{path} holds more than tensors, or is damaged, and is refused: {reason}"
        ) from why


_READERS = {
    ".safetensors": _read_safetensors,
    ".npz": _read_npz,
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".bin": _read_torch,
}


def _entry_of(tree, entry, path):
    for part in entry.split(".") if entry else ():
        if not isinstance(tree, dict) or part not in tree:
            known = sorted(map(str, tree))[:20] if isinstance(tree, dict) else []
            raise ValueError(f"{path} has no entry {entry!r}. Found: {known}.")
        tree = tree[part]
    if not isinstance(tree, dict):
        raise ValueError(f"{path} holds no state dict, but a {type(tree).__name__}.")
    inner = sorted(str(k) for k, value in tree.items() if isinstance(value, dict))
    if inner:
        raise ValueError(f"{path} holds several state dicts: name an entry of {inner}.")
    return tree


def _arrays(tree, path):
    for name, value in tree.items():
        if hasattr(value, "detach"):
            value = value.detach().float() if value.is_floating_point() else value
            value = value.numpy()
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            raise ValueError(
                f"{path}: {name} is no array of numbers, but {type(value).__name__}."
            )
        if value.dtype.kind == "f":
            value = value.astype("float32", copy=False)
            if not np.isfinite(value).all():
                raise ValueError(f"{path}: {name} holds values that are not finite.")
        yield str(name), value
