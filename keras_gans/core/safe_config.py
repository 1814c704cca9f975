"""What a stranger wrote is checked here before anything acts on it.

A config can name any class, and Keras would build it; so only classes that this package
registered, and Keras classes that do nothing but compute, are let through. Nothing is
imported or built while checking.
"""

import hashlib
import pathlib
import re

from keras_gans.core.harmless import (
    PREFIX,
    is_class_safe,
    is_function_safe,
    registered_object,
)
from keras_gans.core.plain_json import SIZE_LIMITS, PresetError, parse_json, shown

REQUIRED_FILES = ("config.json", "model.weights.h5")
PICTURES = (
    "samples.png",
    "interpolation.png",
    "classes.png",
    "curves.png",
    "heatmaps.png",
)
WRITTEN_BY_PEOPLE = ("README.md", "recipe.toml", "metrics.json", *PICTURES)
ALLOWED_FILES = frozenset((*REQUIRED_FILES, "metadata.json", *WRITTEN_BY_PEOPLE))
PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
MAX_DEPTH = 200
# Two networks of 900 layers, written out, are 100,000 values.
MAX_VALUES = 400_000
# Values that Keras rebuilds by itself, without looking up a class.
PLAIN_VALUE = re.compile("__(keras_tensor|tensor|numpy|bytes|slice|ellipsis)__")
# NumPy would also take "S1000000000", of which one letter is a gigabyte.
NUMBER_TYPE = re.compile(r"bool|u?int\d{1,2}|b?float\d{2}")


def check_config(config):
    """Raises unless each class and function in a serialised config is harmless.

    Harmless is: registered under `keras_gans>`, or a part of Keras that only computes:
    no layer that runs code from its config or opens files; as functions, those of
    `keras.activations` and `keras.losses`. The lookup is the one that Keras will do, so
    what is checked is what is built.

    Args:
        config: what `keras.saving.serialize_keras_object` returned, or its JSON.

    Returns:
        int, how many values it holds.

    Raises:
        PresetError: with the refused class and its place; or if it holds more than
            `MAX_VALUES`, or nests deeper than `MAX_DEPTH`.

    Example:

    >>> check_config({"module": "os", "class_name": "system", "config": {}})
    Traceback (most recent call last):
    ...
    keras_gans.core.plain_json.PresetError: config: the class os.system is refused.
    """
    waiting, count = [(config, "config", 0)], 1
    while waiting:  # a writer may nest deeper than Python recurses
        value, where, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise PresetError(f"{shown(where, 80)}: nested deeper than {MAX_DEPTH}.")
        parts = _parts(value, where)
        count += len(parts)
        if count > MAX_VALUES:
            raise PresetError(f"config: it holds more than {MAX_VALUES} values.")
        for key, child in parts:
            if child is not None and not isinstance(child, (bool, int, float)):
                waiting.append((child, f"{where}.{key}", depth + 1))
    return count


def _parts(value, where):
    if isinstance(value, dict):
        if "class_name" in value:
            _check_object(value, where)
        _check_calls(value.get("inbound_nodes"), where)
        return value.items()
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if not isinstance(value, str):
        raise PresetError(
            f"{shown(where)}: a {type(value).__name__} is no plain value."
        )
    # Keras replaces a bare string by the object registered under it.
    if not value.startswith(PREFIX) and registered_object(value) is not None:
        raise PresetError(f"{shown(where)}: {value!r} is of another package: refused.")
    return ()


def _check_calls(nodes, where):
    """Each call in a network must be of something on a symbolic tensor.

    On plain numbers Keras would compute at once: a terabyte of zeros, say.
    """
    for node in nodes or ():
        level = [node] if isinstance(node, dict) else []
        for _ in range(5):  # the arguments, and lists or dicts of tensors in them
            if any(_is_tensor(value) for value in level):
                break
            level = [
                part
                for value in level
                if isinstance(value, (dict, list))
                for part in (value.values() if isinstance(value, dict) else value)
            ]
        else:
            raise PresetError(f"{shown(where)}: a call without a tensor is refused.")


def _is_tensor(value):
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _check_object(node, where):
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name", name)  # the default is that of Keras
    if not isinstance(name, str) or not isinstance(registered, (str, type(None))):
        raise PresetError(f"{shown(where)}: a class name is no string: refused.")
    kind, is_safe = "class", is_class_safe
    if name == "function":
        kind, is_safe, name = name, is_function_safe, str(node.get("config"))
    is_plain = PLAIN_VALUE.fullmatch(node["class_name"])
    if is_plain and name in ("__numpy__", "__tensor__"):
        is_plain = NUMBER_TYPE.fullmatch(_dtype_of(node))
    if "config" in node and (is_plain or is_safe(name, str(module), registered)):
        return  # its strings, these names too, are still to be checked
    hint, label = "", registered if ">" in str(registered) else f"{module}.{name}"
    if label.startswith(PREFIX) and registered_object(label) is None:
        hint = " (it is not in this version of keras_gans)"
    raise PresetError(f"{shown(where)}: the {kind} {shown(label)} is refused{hint}.")


def _dtype_of(node):
    config = node.get("config")
    return str(config.get("dtype") if isinstance(config, dict) else None)


def metadata_table(raw, where):
    """Returns the checked table of files in the bytes of a `metadata.json`."""
    table = parse_json(raw, "metadata.json", where).get("files")
    return check_table(table, f"metadata.json of {where}")


def check_table(table, where):
    """Returns a table of files, reduced to what we use, if all of it is allowed.

    Only the names in `ALLOWED_FILES` pass, which refuses every path that climbs.
    """
    checked = {}
    try:
        for name, facts in table.items():
            if name not in ALLOWED_FILES:
                raise PresetError(f"{where} lists the file {name!r}: refused.")
            sha256, size = facts["sha256"], facts["size"]
            if not re.fullmatch("[0-9a-f]{64}", sha256) or type(size) is not int:
                raise PresetError(f"{where}: {name} has no usable SHA-256 or size.")
            if not 0 <= size <= SIZE_LIMITS.get(name, size):
                raise PresetError(f"{where}: {name} claims {size} bytes: refused.")
            checked[name] = {"sha256": sha256, "size": size}
    except (TypeError, AttributeError, KeyError) as why:
        raise PresetError(f"{where} has no usable table of files: {why!r}") from why
    for name in REQUIRED_FILES:
        if name not in checked:
            raise PresetError(f"{where} lists no {name}.")
    return checked


def zoo_folder():
    """Returns the folder of the index: in the wheel, or else in the checkout."""
    package = pathlib.Path(__file__).resolve().parents[1]
    in_wheel = package / "zoo"
    return in_wheel if in_wheel.is_dir() else package.parent / "zoo"


def read_index():
    """Returns the presets in the index, name to entry, every name in it checked."""
    folder = zoo_folder()
    try:
        raw = (folder / "index.json").read_bytes()
        presets = parse_json(raw, "index.json", folder)["presets"]
        for name, entry in presets.items():
            if not PRESET_NAME.fullmatch(name):
                raise PresetError(f"{folder} lists the preset {name!r}: refused.")
            entry["files"] = check_table(entry["files"], f"index.json: {name}")
    except (OSError, TypeError, AttributeError, KeyError) as why:
        raise PresetError(f"{folder}/index.json is no zoo index: {why!r}") from why
    return presets


def file_facts(path):
    """Returns `{"sha256": hex, "size": bytes}` of a file."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "size": pathlib.Path(path).stat().st_size}


def damage(path, facts):
    """Returns what is wrong with a file, expected and found, or `None`."""
    if not path.is_file():
        return f"expected {facts['size']} bytes, found no file"
    if path.stat().st_size != facts["size"]:
        return f"expected {facts['size']} bytes, found {path.stat().st_size}"
    found = file_facts(path)["sha256"]
    if found != facts["sha256"]:
        return f"expected SHA-256 {facts['sha256']}, found {found}"
    return None


def check_files(folder, table):
    """Returns `folder` if every file in `table` is in it as declared, else raises."""
    for name, facts in table.items():
        problem = damage(folder / name, facts)
        if problem:
            raise PresetError(f"{folder / name} is damaged: {problem}.")
    return folder
