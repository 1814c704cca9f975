"""Networks whose parameters are to be counted, without drawing a hundred million."""

import contextlib
from unittest import mock

import keras


@contextlib.contextmanager
def cheap_weights():
    """Inside, every weight of every new layer starts at zero."""
    add_weight = keras.layers.Layer.add_weight

    def add_zeros(self, *args, **kwargs):
        args = list(args)
        if len(args) > 1:
            args[1] = "zeros"
        else:
            kwargs["initializer"] = "zeros"
        return add_weight(self, *args, **kwargs)

    with mock.patch.object(keras.layers.Layer, "add_weight", add_zeros):
        yield
