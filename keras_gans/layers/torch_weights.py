"""How PyTorch starts its layers, which its reference implementations rely on."""

import keras


def torch_weights(fan_in):
    """Arguments of a layer whose kernel and bias start at U(-1, 1) / sqrt(fan_in).

    A third of the variance of He's initialisation, and biases that are not zero. New
    initializers each time: one instance would give equal layers equal weights.

    Args:
        fan_in: Numbers that make one output: the inputs of a dense layer, the input
            channels times the kernel's area of a convolution.

    Returns:
        Dict of keyword arguments for a dense or convolutional Keras layer.
    """
    reach = fan_in**-0.5
    uniform = keras.initializers.RandomUniform
    return {
        "kernel_initializer": uniform(-reach, reach),
        "bias_initializer": uniform(-reach, reach),
    }
