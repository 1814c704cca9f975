"""Gradients and replicas on TensorFlow. See the package docstring for the contract."""

import functools

import keras
import numpy as np
import tensorflow as tf


def value_and_gradients(objective, groups):
    """Differentiates several scalars, each with respect to its own variables.

    Args:
        objective: Function of no arguments returning `(totals, result)`, with one
            scalar in `totals` for each group.
        groups: List of lists of `keras.Variable`.

    Returns:
        `(result, gradients)`: `gradients[i][j]` is d totals[i] / d groups[i][j],
        all taken at the same values. Unconnected variables get zeros, as in JAX.
    """
    values = [[v.value for v in group] for group in groups]
    with tf.GradientTape(
        persistent=len(groups) > 1, watch_accessed_variables=False
    ) as tape:
        tape.watch(values)
        totals, result = objective()
    zero = tf.UnconnectedGradients.ZERO
    pairs = zip(totals, values, strict=True)
    found = [tape.gradient(t, v, unconnected_gradients=zero) for t, v in pairs]
    # Dense as in JAX, also those of looked-up rows: what scales or checks gradients
    # need not know TensorFlow's sparse ones.
    return result, [[tf.convert_to_tensor(g) for g in group] for group in found]


def input_gradient(function, inputs):
    """Gradient of `sum(function(inputs))` with respect to `inputs`.

    The sum makes each row the gradient of its own score, provided that no score
    depends on another row (so no batch normalisation in `function`). The result can
    be differentiated again.
    """
    return value_and_input_gradient(function, inputs)[1]


def value_and_input_gradient(function, inputs):
    """`function(inputs)`, and what `input_gradient` returns."""
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        scores = function(inputs)
    zero = tf.UnconnectedGradients.ZERO
    return scores, tape.gradient(scores, inputs, unconnected_gradients=zero)


def compiled(function, variables=()):
    """`function` of tensors, traced once for each shape; variables are read anew.

    Args:
        function: Of tensors, to tensors.
        variables: `keras.Variable`s that may change between two calls. (TensorFlow
            reads all of them anew, JAX these alone.)
    """
    return tf.function(function, autograph=False)


def fused_batch_norm(x, gamma, beta, epsilon):
    """Batch normalisation of float32 maps by one kernel in each direction.

    Args:
        x: Maps `(batch, height, width, channels)`.
        gamma: Scales `(channels,)`.
        beta: Offsets `(channels,)`.
        epsilon: Added to the variance.

    Returns:
        `(y, mean, variance)`; the variance is the unbiased one.
    """
    return tf.compat.v1.nn.fused_batch_norm(
        x, gamma, beta, epsilon=epsilon, is_training=True
    )


def apply(optimizer, gradients, variables):
    """Applies `optimizer`; a non-finite float16 gradient skips it on all replicas."""
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if scaled and replica()[1] > 1:
        gradients = _poison_together(gradients)
    optimizer.apply(gradients, variables)


def _poison_together(gradients):
    # LossScaleOptimizer asks replica 0 alone whether the gradients are finite, before
    # they are summed: a bad replica 1 would be applied. Adding a number that is NaN on
    # all replicas as soon as it is on one makes them skip together.
    finite = [tf.reduce_all(tf.math.is_finite(g)) for g in gradients]
    own = tf.where(tf.reduce_all(finite), 0.0, float("nan"))
    shared = tf.distribute.get_replica_context().all_reduce("SUM", own)
    return [g + tf.cast(shared, g.dtype) for g in gradients]


def replica():
    """(index, count, across hosts) of the calling replica."""
    strategy = tf.distribute.get_strategy()
    context = tf.distribute.get_replica_context()
    index = 0 if context is None else context.replica_id_in_sync_group
    across = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return index, strategy.num_replicas_in_sync, across


def mean_over_replicas(value):
    """The mean of a tensor over the replicas that share a batch."""
    if replica()[1] == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce("MEAN", value)


def gathered(value):
    """The rows of all replicas, those of the first one first."""
    if replica()[1] == 1:
        return value
    return tf.distribute.get_replica_context().all_gather(value, axis=0)


def as_keras_step(model, kind, step):
    """TensorFlow's trainer takes `step(data)` as it is."""
    return step


def check_strategy():
    """Refuses the strategies on which Keras 3 does not train.

    Raises:
        ValueError: for any strategy but those of one device, of several mirrored
            devices, or of several mirrored hosts.
    """
    strategy = tf.distribute.get_strategy()
    if tf.distribute.has_strategy() and not isinstance(
        strategy,
        (
            tf.distribute.MirroredStrategy,
            tf.distribute.MultiWorkerMirroredStrategy,
            tf.distribute.OneDeviceStrategy,
        ),
    ):
        raise ValueError(
            f"Keras 3 does not train under {type(strategy).__name__}: use "
            "tf.distribute.MirroredStrategy or MultiWorkerMirroredStrategy."
        )


def scope_of(model):
    """The context in which variables of `model` are to be made."""
    return model.distribute_strategy.scope()


def host_value(model, variable, arguments):
    """The value of an integer scalar variable before a step.

    Args:
        model: An `AdversarialModel`.
        variable: One of its `keras.Variable`s that is not trained.
        arguments: What Keras' loop is about to call the step function with.

    Returns:
        int.
    """
    return int(variable.numpy())


def count_replicas(model):
    """Number of replicas that share each batch of `model`."""
    return model.distribute_strategy.num_replicas_in_sync


def is_chief(model):
    """Whether this process writes files: the only one, or the first worker."""
    return model.distribute_strategy.extended.should_checkpoint


def from_chief(model, arrays):
    """What the chief worker has, on every worker; all of them must call this.

    Args:
        model: Says under which strategy.
        arrays: List of numpy arrays, of the same shapes and dtypes on all workers.

    Returns:
        List of numpy arrays, bit for bit the chief's; `arrays` itself without workers.
    """
    strategy = model.distribute_strategy
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return arrays
    data = b"".join(array.tobytes() for array in arrays)
    words = np.frombuffer(data + bytes(-len(data) % 8), "int64")

    @tf.function
    def exchange(mine):
        context = tf.distribute.get_replica_context()
        is_chief = tf.equal(context.replica_id_in_sync_group, 0)
        # The sum of one bit pattern and zeros, exact whatever the numbers mean.
        return context.all_reduce("SUM", mine * tf.cast(is_chief, mine.dtype))

    received = strategy.run(exchange, args=(tf.constant(words),))
    received = strategy.experimental_local_results(received)[0]
    data, start, found = received.numpy().tobytes(), 0, []
    for array in arrays:
        part = np.frombuffer(data, array.dtype, array.size, start)
        found.append(part.reshape(array.shape))
        start += array.nbytes
    return found


@functools.cache
def has_fast_volumes(by_xla=False):
    """Whether convolutions of three sides are as fast as those of two.

    Those of XLA are not on CPUs. TensorFlow's own for CPUs take some 80 times as long
    as oneDNN's, which it leaves out on CPUs without AVX-512 unless
    TF_ENABLE_ONEDNN_OPTS is 1.
    """
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        from tensorflow.python.util import _pywrap_util_port
    except ImportError:  # a private name
        return False
    return not by_xla and _pywrap_util_port.IsMklEnabled()
