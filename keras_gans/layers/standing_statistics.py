"""Batch statistics for the inputs that a trained network will really be given."""

import keras


def average_statistics(network, batches):
    """Replaces moving statistics by the averages over some batches.

    The network normalises each batch by its own mean and variance, and remembers the
    plain averages of these. Nothing else moves: no weight, no vector of a spectral
    normalisation. Dropout, if there is any, is on.

    Args:
        network: `keras.Model` with batch normalisation.
        batches: Iterable of inputs of the network.

    Reference: Brock et al. 2018, arXiv 1809.11096, appendix F ("standing statistics").
    """
    layers = network._flatten_layers()
    norms = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
    before = [(layer, layer.trainable) for layer in layers]
    momenta = [norm.momentum for norm in norms]
    network.trainable = False
    for norm in norms:
        # A batch normalisation that is not trainable normalises as in inference.
        norm.trainable = True
    try:
        for seen, inputs in enumerate(batches):
            for norm in norms:
                # The moving average whose k-th step makes it the mean of k batches.
                norm.momentum = seen / (seen + 1)
            network(inputs, training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for layer, trainable in before:
            layer.trainable = trainable
