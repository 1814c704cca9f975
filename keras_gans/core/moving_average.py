"""The exponential moving average (EMA) twin of a network."""

import keras
from keras import ops


def twin_of(network):
    """A copy of `network` with the same weights that no optimizer will train."""
    twin = keras.models.clone_model(network)
    if not twin.built:
        twin.build_from_config(network.get_build_config())
    copy_weights(network, twin)
    twin.trainable = False
    return twin


def copy_weights(source, target):
    """Gives `target` the weights of `source`, a network of the same structure."""
    for new, old in zip(target.weights, source.weights, strict=True):
        # A real copy: JAX gives each variable's buffer away to the training step.
        new.assign(ops.copy(old))


def follow(twin, network, decay, average_buffers=False):
    """theta_twin <- decay * theta_twin + (1 - decay) * theta.

    Trained weights are averaged; the rest (batch statistics) is copied, as in the
    references of ProGAN and StyleGAN, or averaged too, as in that of BigGAN. Seeds of
    dropout layers stay the twin's own.

    Args:
        twin: What `twin_of(network)` returned.
        network: The `keras.Model` being trained.
        decay: Float in [0, 1], or a scalar tensor.
        average_buffers: Whether to average what is not trained too.
    """
    for average, weight in zip(twin.weights, network.weights, strict=True):
        is_number = weight.dtype.startswith(("float", "bfloat"))
        if weight.trainable or (average_buffers and is_number):
            average.assign(average + (1.0 - decay) * (weight - average))
        else:
            average.assign(weight)
