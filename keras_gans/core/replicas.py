"""What several replicas need of a network, and what they cannot do."""

import contextlib

import keras

from keras_gans.core import gradients
from keras_gans.core.random import make_distinct_on_replicas


def prepare(network):
    """Makes `network` fit for training on the replicas that will share each batch.

    Its dropout draws differ between replicas, and batch statistics are those of the
    whole batch: the paper's batch is the global one, and moving statistics of parts
    would drift apart.

    Raises:
        ValueError: under a strategy on which Keras does not train.
    """
    gradients.check_strategy()
    make_distinct_on_replicas(network)
    if gradients.replica().count > 1:
        for layer in _batch_normalisations(network):
            if not layer.synchronized:
                layer.synchronized = layer.synchronized_for_replicas = True


@contextlib.contextmanager
def as_given(network):
    """Inside, `network` describes itself as it was before `prepare`.

    Keras refuses a synchronised layer on JAX, where one program sees the whole batch.
    """
    changed = [
        layer
        for layer in _batch_normalisations(network)
        if getattr(layer, "synchronized_for_replicas", False)
    ]
    for layer in changed:
        layer.synchronized = False
    try:
        yield
    finally:
        for layer in changed:
            layer.synchronized = True


def check_support(optimizer, steps_per_execution, jit_compile):
    """Refuses what Keras 3.15 cannot do on several replicas.

    Raises:
        ValueError: for several steps per execution, accumulated gradients, or XLA.
    """
    if gradients.replica().count == 1:
        return
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if inner.gradient_accumulation_steps:
        several = "gradient_accumulation_steps"
    elif steps_per_execution > 1:
        several = "steps_per_execution"
    elif jit_compile is True:
        raise ValueError(
            "TensorFlow cannot compile a step with XLA that sums gradients over "
            'several replicas; leave jit_compile at "auto".'
        )
    else:
        return
    raise ValueError(
        f"Keras cannot combine {several} > 1 with a distribution strategy of "
        "several replicas; set it to 1."
    )


def _batch_normalisations(network):
    return [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
