"""The weights of DCGAN's layers, which the systems built on it share."""

import keras


def dcgan_weights():
    """Arguments of a layer without bias whose kernel starts at N(0, 0.02).

    A new initializer each time: one instance would give equal layers equal weights.

    Returns:
        Dict of keyword arguments for a dense or convolutional Keras layer.

    Reference: arXiv 1511.06434, section 4.
    """
    return {
        "use_bias": False,
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.02),
    }
