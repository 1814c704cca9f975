"""What must be the same when a training goes on, written down and compared."""

import json

import keras
import numpy as np

from keras_gans.core import gradients

# Keras numbers the names of layers and optimizers anew in every process and notebook;
# what connects the layers repeats those names.
_NAMES = frozenset(
    ("name", "build_config", "inbound_nodes", "input_layers", "output_layers")
)
_DATASET = "training_facts"


def of_training(model):
    """All that decides how `model`, now being fitted, is trained.

    Args:
        model: A compiled `System`, within `fit`.

    Returns:
        Dict that JSON can hold. `machine` is what may change when a training goes on
        elsewhere; everything else may not.
    """
    facts = {
        "system": type(model).__name__,
        "arguments": model.get_config(),
        "compile": model.get_compile_config(),
        "precision": keras.config.dtype_policy().name,
        "batch_size": model.step_batch_size,
    }
    facts = _without_names(facts)
    facts["machine"] = {
        "backend": keras.config.backend(),
        "replicas": gradients.count_replicas(model),
    }
    return json.loads(json.dumps(facts))


def differences(old, new):
    """Where two nested dicts differ, as `fit.epochs (2, now 4)`.

    Args:
        old: Dict.
        new: Dict.

    Returns:
        List of str.
    """
    before, after = dict(_leaves(old, "")), dict(_leaves(new, ""))
    return [
        f"{name} ({before.get(name, 'none')}, now {after.get(name, 'none')})"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def write(facts, path):
    """Adds facts to a weights file that Keras has written."""
    import h5py

    with h5py.File(path, "a") as file:
        text = json.dumps(facts).encode()
        file.create_dataset(_DATASET, data=np.frombuffer(text, "uint8"))


def read(path):
    """The facts in a weights file; an empty dict where there are none."""
    import h5py

    with h5py.File(path, "r") as file:
        if _DATASET not in file:
            return {}
        return json.loads(file[_DATASET][()].tobytes())


def _without_names(value):
    if isinstance(value, dict):
        return {k: _without_names(v) for k, v in value.items() if k not in _NAMES}
    if isinstance(value, (list, tuple)):
        return [_without_names(v) for v in value]
    return value


def _leaves(table, prefix):
    pairs = enumerate(table) if isinstance(table, list) else table.items()
    for key, value in pairs:
        nested = isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(v, dict) for v in value)
        )
        if nested:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
