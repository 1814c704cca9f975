"""The only place that knows a backend: a few functions, written once for each.

`value_and_gradients`, `input_gradient`, `value_and_input_gradient`, `apply` and
`as_keras_step` differentiate and step; `fused_batch_norm` and `fuse_update` reach for
kernels that TensorFlow has and JAX does not need; `replica`, `count_replicas`,
`is_chief`, `from_chief`, `check_strategy` and `scope_of` know where the code runs,
`mean_over_replicas` averages and `gathered` collects there; `host_value` reads a number
between two steps; `compiled` traces a function that is called many times;
`has_fast_volumes` knows whether convolutions of three sides are fast.
They have the same meaning in `tensorflow.py` and `jax.py`; everything else in the
library is `keras.ops`.
"""

from typing import NamedTuple

import keras


class Replica(NamedTuple):
    """Where this code runs: replica `index` of `count`, on one host or several.

    `index` is a Python int where it is known while tracing, else a scalar tensor.
    """

    index: object
    count: int
    across_hosts: bool


if keras.backend.backend() == "tensorflow":
    from keras_gans.core.gradients import tensorflow as _backend
    from keras_gans.core.gradients import tensorflow_adam as _kernels
elif keras.backend.backend() == "jax":
    from keras_gans.core.gradients import jax as _backend
    from keras_gans.core.gradients import jax as _kernels
else:
    raise ImportError(
        "keras_gans runs on the TensorFlow and JAX backends of Keras, not on "
        f"'{keras.backend.backend()}'. Set KERAS_BACKEND=tensorflow or "
        "KERAS_BACKEND=jax before Keras is imported."
    )

value_and_gradients = _backend.value_and_gradients
input_gradient = _backend.input_gradient
value_and_input_gradient = _backend.value_and_input_gradient
apply = _backend.apply
as_keras_step = _backend.as_keras_step
fused_batch_norm = _backend.fused_batch_norm
fuse_update = _kernels.fuse_update
count_replicas = _backend.count_replicas
is_chief = _backend.is_chief
from_chief = _backend.from_chief
check_strategy = _backend.check_strategy
scope_of = _backend.scope_of
host_value = _backend.host_value
mean_over_replicas = _backend.mean_over_replicas
gathered = _backend.gathered
compiled = _backend.compiled
has_fast_volumes = _backend.has_fast_volumes


def replica():
    """The `Replica` in which the caller runs; index 0 of 1 without a strategy."""
    return Replica(*_backend.replica())
