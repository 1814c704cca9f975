"""Presets: a system in a folder, in the three files of KerasHub's convention.

`config.json` says what to build, `model.weights.h5` holds its weights, `metadata.json`
says where they come from and has the SHA-256 of the other two.
"""

import datetime
import json
import os
import pathlib
import shutil

from keras_gans.core import safe_config, staging, weight_files
from keras_gans.core.bounded_build import bounded
from keras_gans.core.download import fetch
from keras_gans.core.plain_json import PresetError, read_bounded, shown

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def save_to_preset(model, path, include_optimizer=True, weights_dtype=None):
    """Writes a model as a preset folder: wholly, or not at all.

    The folder is written beside `path` and renamed. A preset that is already there is
    replaced, but keeps the files that people write (`README.md`, `recipe.toml`,
    `metrics.json`, `samples.png`).

    Args:
        model: a built model whose class is registered under `keras_gans`.
        path: the folder to make.
        include_optimizer: keeps the optimizers and their state, so that training can
            go on; without them the file is about a third of the size.
        weights_dtype: `"float16"` stores kernels and matrices in half the room, rounded
            to 11 bits, and takes no optimizers; `None` stores weights as they are.

    Raises:
        PresetError: the config names something that `from_preset` would refuse, `path`
            holds other people's files, a weight is too large for `weights_dtype`, or
            the disk is full.
        ValueError: an unknown `weights_dtype`, or one together with optimizers.

    Example:

    >>> save_to_preset(gan, "my_digits", include_optimizer=False)  # doctest: +SKIP
    """
    path = staging.recovered(pathlib.Path(path).expanduser().resolve())
    kept = _replaceable(path)
    with_optimizer = bool(include_optimizer and model.compiled)
    _check_dtype(weights_dtype, with_optimizer)
    config = _config(model, with_optimizer)
    try:
        with staging.replacing(path) as folder:
            (folder / CONFIG).write_text(json.dumps(config, indent=2), "utf-8")
            source = model if with_optimizer else _uncompiled_twin(model, config)
            source.save_weights(folder / WEIGHTS)
            if weights_dtype:
                weight_files.narrow(folder / WEIGHTS)
            metadata = _metadata(model, folder, with_optimizer)
            (folder / METADATA).write_text(json.dumps(metadata, indent=2), "utf-8")
            for name in kept:
                shutil.copy2(path / name, folder / name)
    except (OSError, RuntimeError) as why:  # h5py reports a full disk as either
        raise PresetError(f"{path} could not be written: {why}") from why


def _check_dtype(weights_dtype, with_optimizer):
    if weights_dtype not in (None, "float16"):
        raise ValueError(
            f"weights_dtype is 'float16' or None. Found: {weights_dtype!r}."
        )
    if weights_dtype and with_optimizer:
        # Squared gradients of Adam are far below the smallest float16.
        raise ValueError(
            "Optimizers are not stored in float16: pass include_optimizer=False too."
        )


def _replaceable(path):
    """Returns the files in `path` to carry over; raises if it is not a preset."""
    if not path.exists():
        return []
    names = sorted(os.listdir(path)) if path.is_dir() else [path.name]
    for name in names:
        if not path.is_dir() or name not in safe_config.ALLOWED_FILES:
            raise PresetError(f"{path} is not replaced: {name!r} is part of no preset.")
    return [name for name in names if name in safe_config.WRITTEN_BY_PEOPLE]


def _config(model, with_optimizer):
    import keras

    config = keras.saving.serialize_keras_object(model)
    if not with_optimizer:
        config.pop("compile_config", None)
    try:
        if with_optimizer and not config.get("compile_config"):
            raise PresetError("It does not say how it was compiled.")
        raw = json.dumps(config).encode()  # what a reader will find
        config = safe_config.parse_json(raw, CONFIG, "this model")
        safe_config.check_config(config)
        _system_class(config, type(model))
    except (PresetError, TypeError) as why:
        raise PresetError(
            f"from_preset would refuse this {type(model).__name__}: {why} "
            "Save it with model.save('name.keras') instead."
        ) from why
    return config


def _uncompiled_twin(model, config):
    """Returns a copy without optimizer; given networks use their `config` up."""
    import keras
    import numpy as np

    twin = keras.saving.deserialize_keras_object(config)
    if hasattr(model, "copy_state_to"):
        model.copy_state_to(twin)
    else:  # no system: a classifier
        twin.set_weights(model.get_weights())
    kept = getattr(model, "lasting_weights", model.weights)
    for mine, its in zip(kept, twin.weights, strict=True):
        # A weight outside every network would silently be saved as initialised.
        if not np.array_equal(mine.numpy(), its.numpy(), equal_nan=True):
            raise PresetError(f"{mine.path} was not copied: see `copy_state_to`.")
    return twin


def _metadata(model, folder, with_optimizer):
    import keras

    from keras_gans import version

    networks = getattr(model, "networks", ())
    counts = {name: getattr(model, name).count_params() for name in networks}
    provenance = getattr(model, "provenance", None)
    return {
        "keras_version": keras.version(),
        "keras_gans_version": version.__version__,
        "backend": keras.config.backend(),
        "system": _system_name(type(model)),
        "parameter_count": counts or {"model": model.count_params()},
        "include_optimizer": with_optimizer,
        "date_saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **({"provenance": dict(provenance)} if provenance else {}),
        "files": {n: safe_config.file_facts(folder / n) for n in (CONFIG, WEIGHTS)},
    }


def _system_name(system):
    import keras

    if isinstance(system, type):
        system = keras.saving.get_registered_name(system)
    return system.removeprefix(safe_config.PREFIX)


def load_from_preset(handle, expected_class=None):
    """Returns the model in a preset; compiled if it was saved with its optimizers.

    Args:
        handle: see `keras_gans.core.download.fetch`.
        expected_class: the preset's class must be this class or a subclass of it.

    Raises:
        PresetError: the preset cannot be fetched or is damaged; its config names a
            class that is not allowed or not `expected_class`; a weight is missing,
            left over, or has another shape.

    Example:

    >>> gan = load_from_preset("my_digits")  # doctest: +SKIP
    """
    import keras

    folder = fetch(handle)
    try:
        raw = read_bounded(folder / CONFIG)
        config = safe_config.parse_json(raw, CONFIG, folder)
        num_values = safe_config.check_config(config)
        system = _system_class(config, expected_class)
        shapes, weight_bytes = weight_files.arrays_of(folder / WEIGHTS)
        # What is float16 in the file is float32 in memory.
        weight_bytes = max(weight_bytes, 4 * weight_files.values_of(shapes))
        try:
            with bounded(weight_bytes, num_values):
                model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        except Exception as why:  # a stranger's config can make a constructor do that
            # Keras prints whole configs into its messages.
            reason = shown(" ".join(str(why).split()), 600)
            raise PresetError(f"{system.__name__} cannot be built: {reason}") from why
        weight_files.load_weights(model, folder / WEIGHTS, shapes)
        if provenance := _provenance(folder):
            model.provenance = provenance
    except PresetError as why:
        raise PresetError(f"The preset {str(handle)!r} is refused. {why}") from why
    return model


def _provenance(folder):
    """Where converted weights come from, and their licence; it stays with them."""
    if not (folder / METADATA).exists():
        return None
    raw = read_bounded(folder / METADATA)
    found = safe_config.parse_json(raw, METADATA, folder).get("provenance")
    if found is None:
        return None
    pairs = found.items() if isinstance(found, dict) else [(found, None)]
    if not all(isinstance(part, str) for pair in pairs for part in pair):
        raise PresetError(f"{METADATA}: its provenance is no table of texts.")
    return found


def _system_class(config, expected):
    import keras

    registered = config.get("registered_name") or config.get("class_name")
    system = keras.saving.get_registered_object(registered)
    if not isinstance(system, type) or not issubclass(system, keras.Model):
        raise PresetError(f"{registered} is not a system of keras_gans.")
    if expected and not issubclass(system, expected):
        raise PresetError(f"It holds a {system.__name__}, not a {expected.__name__}.")
    return system


from_preset = load_from_preset


def list_presets(system=None):
    """Returns the built-in presets, name to description.

    Args:
        system: only those of this class, or of the class of this name. `None` for all
            GANs, but not the classifiers by which they are measured.

    Example:

    >>> isinstance(list_presets(), dict)
    True
    """
    return {
        name: entry.get("description", "")
        for name, entry in safe_config.read_index().items()
        if _is_listed(entry, system)
    }


def _is_listed(entry, system):
    if system is None:
        return entry.get("role") != "extractor"
    return entry.get("system") == _system_name(system)
