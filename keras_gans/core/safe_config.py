"""What a stranger wrote is checked here before anything acts on it.

A config can name any class, and Keras would build it; so only classes that this package
registered, and Keras classes that do nothing but compute, are let through. Nothing is
imported or built while checking.
"""

import functools
import hashlib
import json
import pathlib
import re
import sys
import types

REQUIRED_FILES = ("config.json", "model.weights.h5")
WRITTEN_BY_PEOPLE = ("README.md", "recipe.toml", "metrics.json", "samples.png")
ALLOWED_FILES = frozenset((*REQUIRED_FILES, "metadata.json", *WRITTEN_BY_PEOPLE))
SIZE_LIMITS = {"metadata.json": 1 << 20, "config.json": 1 << 24, "index.json": 1 << 24}
PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
MAX_DEPTH = 200
PREFIX = "keras_gans>"
# Values that Keras rebuilds by itself, without looking up a class.
PLAIN_VALUE = re.compile("__(keras_tensor|tensor|numpy|bytes|slice|ellipsis)__")
PUBLIC_MODULE = re.compile(
    r"keras(\.(layers|models|initializers|regularizers|constraints|optimizers"
    r"|optimizers\.schedules|losses|metrics|dtype_policies|random))?"
)
# Functional models and the operations in them are saved under private module names.
PRIVATE_MODULE = re.compile(
    r"keras\.src\.(models\.functional|ops\.(core|einops|image|linalg|math|nn|numpy))"
)
FUNCTION_MODULE = re.compile(r"keras\.(activations|losses)")
# These run code from the config, or open files that it names (vocabularies).
REFUSED_LAYERS = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
REFUSED_LAYERS += ("StringLookup", "IntegerLookup", "TextVectorization")


class PresetError(ValueError):
    """A preset that cannot be found, trusted, read or written; the message says why."""


def check_config(config):
    """Raises unless each class and function in a serialised config is harmless.

    Harmless is: registered under `keras_gans>`, or a part of Keras that only computes:
    no layer that runs code from its config or opens files; as functions, those of
    `keras.activations` and `keras.losses`. The lookup is the one that Keras will do, so
    what is checked is what is built.

    Args:
        config: what `keras.saving.serialize_keras_object` returned, or its JSON.

    Raises:
        PresetError: with the refused class and its place.

    Example:

    >>> check_config({"module": "os", "class_name": "system", "config": {}})
    Traceback (most recent call last):
    ...
    keras_gans.core.safe_config.PresetError: config: the class os.system is refused.
    """
    waiting = [(config, "config", 0)]  # a writer may nest deeper than Python recurses
    while waiting:
        value, where, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise PresetError(f"{where[:80]}...: nested deeper than {MAX_DEPTH}.")
        for key, child in _parts(value, where):
            if child is not None and not isinstance(child, (bool, int, float)):
                waiting.append((child, f"{where}.{key}", depth + 1))


def _parts(value, where):
    if isinstance(value, dict):
        if "class_name" in value:
            _check_object(value, where)
        return value.items()
    if isinstance(value, (list, tuple)):
        return enumerate(value)
    if not isinstance(value, str):
        raise PresetError(f"{where}: a {type(value).__name__} is no plain value.")
    # Keras replaces a bare string by the object registered under it.
    if not value.startswith(PREFIX) and _registered(value) is not None:
        raise PresetError(f"{where}: {value!r} is of another package: refused.")
    return ()


def _registered(name):
    import keras

    return keras.saving.get_registered_object(name)


def _check_object(node, where):
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name", name)  # the default is that of Keras
    if not isinstance(name, str) or not isinstance(registered, (str, type(None))):
        raise PresetError(f"{where}: a class name that is no string is refused.")
    kind, is_safe = "class", _class_is_safe
    if name == "function":
        kind, is_safe, name = name, _function_is_safe, str(node.get("config"))
    is_plain = PLAIN_VALUE.fullmatch(node["class_name"])
    if "config" in node and (is_plain or is_safe(name, str(module), registered)):
        return  # its strings, these names too, are still to be checked
    hint, label = "", registered if ">" in str(registered) else f"{module}.{name}"
    if label.startswith(PREFIX) and _registered(label) is None:
        hint = " (it is not in this version of keras_gans)"
    raise PresetError(f"{where}: the {kind} {label[:200]} is refused{hint}.")


def _function_is_safe(name, module, registered):
    import keras

    if registered not in (None, name, "function"):  # Keras writes all three
        return False
    if name.startswith(PREFIX):
        return isinstance(_registered(name), types.FunctionType)
    if not FUNCTION_MODULE.fullmatch(module):
        return False
    function = getattr(getattr(keras, module.split(".")[1]), name, None)
    plumbing = name in ("get", "serialize", "deserialize")
    return isinstance(function, types.FunctionType) and not plumbing


def _class_is_safe(name, module, registered):
    import keras

    if registered and registered.startswith(PREFIX):
        # The names must agree: some paths in Keras read the one, some the other.
        found = _registered(registered)
        return isinstance(found, type) and found.__name__ == name
    home = sys.modules.get(module) if PRIVATE_MODULE.fullmatch(module) else None
    if PUBLIC_MODULE.fullmatch(module):
        home = functools.reduce(getattr, module.split(".")[1:], keras)
    found = getattr(home, name, None)
    if registered not in (None, name) or not isinstance(found, type):
        return False
    kinds = (
        *(keras.Operation, keras.Initializer, keras.Regularizer, keras.Optimizer),
        *(keras.Loss, keras.Metric, keras.DTypePolicy, keras.random.SeedGenerator),
        *(keras.constraints.Constraint,),
        keras.optimizers.schedules.LearningRateSchedule,
    )
    # By object, not by name: a class can be exported under several names.
    refused = tuple(getattr(keras.layers, layer) for layer in REFUSED_LAYERS)
    return issubclass(found, kinds) and not issubclass(found, refused)


def parse_json(raw, name, where):
    """Returns the object in a file's bytes; raises `PresetError` if there is none."""
    if len(raw) > SIZE_LIMITS[name]:
        raise PresetError(f"{name} of {where} is too long: {len(raw)} bytes.")
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as why:
        raise PresetError(f"{name} of {where} cannot be parsed: {why}") from why
    if not isinstance(parsed, dict):
        raise PresetError(f"{name} of {where} does not hold an object.")
    return parsed


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
