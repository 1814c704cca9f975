"""Which classes and functions of Keras, and of this package, do nothing but compute.

The lookup is the one that Keras will do, so what is judged is what is built. Nothing
is imported or built for it.
"""

import functools
import re
import sys
import types

PREFIX = "keras_gans>"
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


def registered_object(name):
    """Returns what is registered in Keras under a name, or `None`."""
    import keras

    return keras.saving.get_registered_object(name)


def is_function_safe(name, module, registered):
    """Whether a function only computes; the arguments are those of a config."""
    import keras

    if registered not in (None, name, "function"):  # Keras writes all three
        return False
    if name.startswith(PREFIX):
        return isinstance(registered_object(name), types.FunctionType)
    if not FUNCTION_MODULE.fullmatch(module):
        return False
    function = getattr(getattr(keras, module.split(".")[1]), name, None)
    plumbing = name in ("get", "serialize", "deserialize")
    return isinstance(function, types.FunctionType) and not plumbing


def is_class_safe(name, module, registered):
    """Whether a class only computes; the arguments are those of a config."""
    import keras

    if registered and registered.startswith(PREFIX):
        # The names must agree: some paths in Keras read the one, some the other.
        found = registered_object(registered)
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
