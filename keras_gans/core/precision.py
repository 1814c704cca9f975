"""float32 where half precision would lose what the mathematics is about."""

import contextlib

import keras

_HALF = ("float16", "bfloat16")
_FLOAT32 = keras.dtype_policies.DTypePolicy("float32")


@contextlib.contextmanager
def in_float32(network):
    """Inside, all layers of `network` compute in float32, whatever their policy.

    The weights are float32 in mixed precision anyway; a penalty on the slope of a
    float16 network would be a penalty on its rounding, and overflows early.
    """
    layers = [
        layer
        for layer in network._flatten_layers()
        if layer.compute_dtype in _HALF or hasattr(layer, "_held")
    ]
    for layer in layers:
        # Replicas are traced in threads that take turns: the first to come in holds
        # the policy, the last to go out puts it back.
        policy, inside = getattr(layer, "_held", (layer.dtype_policy, 0))
        layer._held = (policy, inside + 1)
        layer.dtype_policy = _FLOAT32
    try:
        yield
    finally:
        for layer in layers:
            policy, inside = layer._held
            if inside > 1:
                layer._held = (policy, inside - 1)
            else:
                layer.dtype_policy = policy
                del layer._held


def as_float32(outputs):
    """A network's outputs, those of half precision as float32; nested as they are."""

    def cast(output):
        half = keras.backend.standardize_dtype(output.dtype) in _HALF
        return keras.ops.cast(output, "float32") if half else output

    return keras.tree.map_structure(cast, outputs)


@contextlib.contextmanager
def under_policy(name):
    """What is built inside has the dtype policy `name`, whatever the global one is."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
