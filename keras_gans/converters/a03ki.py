"""Where the weights of A03ki's f-AnoGAN in PyTorch go in ours.

Its files hold one network each: `results/generator`, `discriminator` and `encoder`.
Numbers in names count the modules of a sequence, activations and dropouts included.
"""

import math

from keras_gans.converters import loading
from keras_gans.converters.junyanz import place_convolution, place_norm

IGNORED = (r".*num_batches_tracked",)


def generator_layout(generator):
    """Places of the weights of a generator, of either folder.

    Args:
        generator: That of an `FAnoGAN` with `architecture="mvtec"` or `"mnist"`.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    places, layer = {}, generator.get_layer
    if "l1" in {one.name for one in generator.layers}:
        shape = layer("as_map").output.shape[1:]
        _place_dense(places, "l1.0", layer("l1"), loading.dense_to_map, shape)
        for i, index in enumerate((0, 3, 7)):
            place_norm(places, f"conv_blocks.{index}", layer(f"norm_{i}"))
        for index, name in ((2, "conv_1"), (6, "conv_2"), (9, "to_image")):
            place_convolution(places, f"conv_blocks.{index}", layer(name))
        return places
    for i, index in enumerate((0, 2, 5, 8)):
        _place_dense(places, f"model.{index}", layer(f"dense_{i}"))
        if i:
            place_norm(places, f"model.{index + 1}", layer(f"norm_{i}"))
    # The last layer makes pixels channel by channel there.
    shape = generator.output.shape[1:]
    to_image = layer("to_image")
    _place_dense(places, "model.11", to_image, loading.dense_to_map, shape)
    return places


def critic_layout(critic):
    """Places of the weights of a discriminator.

    Args:
        critic: As for `generator_layout`.
    """
    if "conv_0" in {layer.name for layer in critic.layers}:
        return _strided_layout(critic, "score")
    places = _perceptron_layout(critic, "features")
    _place_dense(places, "last_layer.0", critic.get_layer("score"))
    return places


def encoder_layout(encoder):
    """Places of the weights of an encoder.

    Args:
        encoder: As for `generator_layout`.
    """
    if "conv_0" in {layer.name for layer in encoder.layers}:
        return _strided_layout(encoder, "latents")
    places = _perceptron_layout(encoder, "model")
    _place_dense(places, "model.4", encoder.get_layer("latents"))
    return places


def _strided_layout(network, last):
    places = {}
    for i, index in enumerate((0, 3, 7, 11)):
        place_convolution(places, f"model.{index}", network.get_layer(f"conv_{i}"))
        if i:
            place_norm(places, f"model.{index + 3}", network.get_layer(f"norm_{i}"))
    shape = network.get_layer("features").input.shape[1:]
    layer = network.get_layer(last)
    _place_dense(places, "adv_layer.0", layer, loading.dense_from_map, shape)
    return places


def _perceptron_layout(network, root):
    places, shape = {}, network.input.shape[1:]
    first, second = (network.get_layer(f"dense_{i}") for i in range(2))
    _place_dense(places, f"{root}.0", first, loading.dense_from_map, shape)
    _place_dense(places, f"{root}.2", second)
    return places


def _place_dense(places, name, layer, transform=None, map_shape=None):
    """Adds the places of a dense layer, which may read or make a flattened map."""
    kernel, bias = loading.dense, loading.same
    if transform is not None:
        height, width, channels = map_shape
        kernel = transform(channels, height, width)
        bias = kernel if transform is loading.dense_to_map else bias
    places[f"{name}.weight"] = (layer.kernel, kernel)
    places[f"{name}.bias"] = (layer.bias, bias)


def describe(arrays):
    """The `FAnoGAN` that a generator's arrays belong to, as `(name, arguments)`.

    The perceptrons do not say how their pixels are arranged: a square, grey if it can
    be.
    """
    found = {"bounded_encoder": True, "gan_steps": 0}
    if "l1.0.weight" in arrays:
        units, latents = arrays["l1.0.weight"].shape
        channels, width = arrays["conv_blocks.9.weight"].shape[0], 0
        width = arrays["conv_blocks.2.weight"].shape[0]
        side = 4 * math.isqrt(units // width)
        return "f_anogan", {
            **found,
            "architecture": "mvtec",
            "image_shape": (side, side, channels),
            "latent_dim": latents,
            "base_channels": width,
        }
    width, latents = arrays["model.0.weight"].shape
    pixels = arrays["model.11.weight"].shape[0]
    channels = 1 if math.isqrt(pixels) ** 2 == pixels else 3
    side = math.isqrt(pixels // channels)
    return "f_anogan", {
        **found,
        "architecture": "mnist",
        "image_shape": (side, side, channels),
        "latent_dim": latents,
        "base_channels": width,
    }
