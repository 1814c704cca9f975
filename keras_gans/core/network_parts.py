"""Parts of networks as networks of their own."""

import keras


def features_of(network):
    """The part of a network before its last layer with weights, as a network.

    Args:
        network: Functional `keras.Model` from images to one score.

    Returns:
        A `keras.Model` of the same layers, from images to flat features.

    Raises:
        ValueError: for a network that is no graph of layers.
    """
    if not hasattr(network, "inputs"):
        raise ValueError(
            f"The features of {network.name} are asked for: make it a functional "
            "keras.Model."
        )
    last = [layer for layer in network.layers if layer.trainable_weights][-1]
    features = keras.layers.Flatten(dtype="float32")(last.input)
    return keras.Model(network.input, features, name=f"{network.name}_features")
