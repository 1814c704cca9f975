"""Where the published weights of BigGAN-deep go in our `BigGANDeep`.

They come with pytorch-pretrained-BigGAN, which read them from TensorFlow Hub, as one
state dict of the generator. Its normalisations hold a row of statistics for each of 51
truncations, 0, 0.02 ... 1, from which one is chosen here.
"""

import itertools
import math

import numpy as np

from keras_gans.converters import loading


def generator_layout(generator, truncation=1.0):
    """Places of the weights of a `pytorch_model.bin`.

    Args:
        generator: That of a `BigGANDeep`, or its moving average.
        truncation: Their truncation of the latents in [0, 1], whose statistics are
            taken: latents are then `truncation` times a normal number within two
            standard deviations.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    named = {layer.name: layer for layer in generator.layers}
    rows = _rows_at(truncation)
    table = named["shared_embedding"].embeddings
    swap = _swapped(generator.inputs[0].shape[1])
    places = {"embeddings.weight": (table, loading.dense)}
    # The first map is (4, 4, channels) there too, so its outputs stay in order.
    _add_spectral(places, "generator.gen_z", named["linear"], *_dense(swap))
    _add_layers(places, named, swap, rows)
    norm = named["output_norm"]
    places["generator.bn.weight"] = (norm.gamma, loading.same)
    places["generator.bn.bias"] = (norm.beta, loading.same)
    _add_statistics(places, "generator.bn", norm, rows)
    _add_convolution(places, "generator.conv_to_rgb", named["to_image"])
    return places


def _add_layers(places, named, swap, rows):
    # Attention is an entry of the same list, so blocks after it count one more.
    position = itertools.count()
    for i in itertools.count():
        name = f"block_{i}"
        if f"{name}_conv_0" not in named:
            return
        key = f"generator.layers.{next(position)}"
        for k in range(4):
            _add_convolution(places, f"{key}.conv_{k}", named[f"{name}_conv_{k}"])
            norm = f"{name}_norm_{k}"
            for theirs, ours in (("scale", "gain"), ("offset", "offset")):
                linear = named[f"{norm}_{ours}"]
                _add_spectral(places, f"{key}.bn_{k}.{theirs}", linear, *_dense(swap))
            _add_statistics(places, f"{key}.bn_{k}", named[norm], rows)
        if f"{name}_attention" in named:
            key = f"generator.layers.{next(position)}"
            _add_attention(places, key, named[f"{name}_attention"])


def _add_attention(places, key, attention):
    parts = {"theta": "theta", "phi": "phi", "g": "g", "o_conv": "o"}
    for theirs, ours in parts.items():
        conv = getattr(attention, ours)
        _add_convolution(places, f"{key}.snconv1x1_{theirs}", conv)
    places[f"{key}.gamma"] = (attention.gamma, lambda array: array.reshape(()))


def _add_statistics(places, key, norm, rows):
    places[f"{key}.running_means"] = (norm.moving_mean, rows)
    places[f"{key}.running_vars"] = (norm.moving_variance, rows)


def _add_convolution(places, key, layer):
    height, width, inputs, _ = layer.kernel.shape

    def vector(array):
        # v runs over (inputs, height, width) there, over (height, width, inputs) here.
        return array.reshape(inputs, height, width).transpose(1, 2, 0).reshape(-1)

    _add_spectral(places, key, layer, loading.convolution, vector)


def _add_spectral(places, key, layer, kernel, vector):
    places[f"{key}.weight_orig"] = (layer.kernel, kernel)
    places[f"{key}.weight_u"] = (layer.u, loading.same)
    places[f"{key}.weight_v"] = (layer.v, vector)
    if layer.use_bias:
        places[f"{key}.bias"] = (layer.bias, loading.same)


def _dense(swap):
    """Transforms of a linear layer's weight and of its v."""
    return lambda array: swap(array.T), swap


def _swapped(latent_dim):
    """From a condition (z, class) to ours, (class, z), along the first axis."""

    def swap(array):
        return np.concatenate([array[latent_dim:], array[:latent_dim]])

    return swap


def _rows_at(truncation):
    """The function that takes the statistics of a truncation from all of them.

    Between two rows s and s + 1 it is theirs: the fraction weighs row s, the rest row
    s + 1, the other way round than a linear interpolation would.

    Raises:
        ValueError: for a truncation outside [0, 1].
    """
    if not 0 <= truncation <= 1:
        raise ValueError(f"truncation lies in [0, 1]. Found: {truncation}.")

    def rows(array):
        place = truncation * (len(array) - 1)
        if math.isclose(place, round(place), abs_tol=1e-6):
            return array[round(place)]
        fraction, start = math.modf(place)
        start = int(start)
        return array[start] * fraction + array[start + 1] * (1 - fraction)

    return rows
