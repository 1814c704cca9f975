"""Where the weights of BigGAN-PyTorch go in our `BigGAN` and `SAGAN`.

Files of a run: `G.pth` and `D.pth`, `G_ema.pth` for the moving average that samples.
Each holds one state dict. Vectors `u0` are kept; `sv0` only recorded singular values.
"""

import itertools

import keras

from keras_gans.converters import loading

IGNORED = (r".*\bsv0", r".*\bnum_batches_tracked")


def generator_layout(generator):
    """Places of the weights of `G.pth` or `G_ema.pth`.

    Args:
        generator: That of a `BigGAN` or a `SAGAN`, or its moving average.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    named = {layer.name: layer for layer in generator.layers}
    places = {}
    if "shared_embedding" in named:
        table = named["shared_embedding"].embeddings
        places["shared.weight"] = (table, loading.same)
    linear = named["linear"]
    to_map = loading.dense_to_map(linear.units // 16, 4, 4)
    places["linear.weight"] = (linear.kernel, to_map)
    places["linear.bias"] = (linear.bias, to_map)
    places["linear.u0"] = (linear.u, lambda array: to_map(array[0]))
    _add_blocks(places, named)
    norm = named["output_norm"]
    places["output_layer.0.gain"] = (norm.gamma, loading.same)
    places["output_layer.0.bias"] = (norm.beta, loading.same)
    _add_statistics(places, "output_layer.0", norm)
    _add_spectral(places, "output_layer.2", named["to_image"])
    return places


def discriminator_layout(discriminator):
    """Places of the weights of `D.pth`.

    Args:
        discriminator: That of a `BigGAN` or a `SAGAN`.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    named = {layer.name: layer for layer in discriminator.layers}
    places = {}
    _add_blocks(places, named)
    _add_spectral(places, "linear", named["linear"], loading.dense)
    table = named["embed"]
    places["embed.weight"] = (table.embeddings, loading.same)
    places["embed.u0"] = (table.u, _row)
    return places


def _add_blocks(places, named):
    for i in itertools.count():
        if f"block_{i}_conv_0" not in named:
            return
        key, name = f"blocks.{i}.0", f"block_{i}"
        for theirs, ours in (("conv1", 0), ("conv2", 1)):
            _add_spectral(places, f"{key}.{theirs}", named[f"{name}_conv_{ours}"])
        if f"{name}_skip" in named:
            _add_spectral(places, f"{key}.conv_sc", named[f"{name}_skip"])
        for k in range(2):
            if f"{name}_norm_{k}" in named:
                _add_conditional(places, f"{key}.bn{k + 1}", f"{name}_norm_{k}", named)
        if f"{name}_attention" in named:
            _add_attention(places, f"blocks.{i}.1", named[f"{name}_attention"])


def _add_conditional(places, key, name, named):
    for theirs, ours in (("gain", "gain"), ("bias", "offset")):
        layer = named[f"{name}_{ours}"]
        if isinstance(layer, keras.layers.Embedding):
            places[f"{key}.{theirs}.weight"] = (layer.embeddings, loading.same)
        else:
            _add_spectral(places, f"{key}.{theirs}", layer, loading.dense)
    _add_statistics(places, key, named[name])


def _add_statistics(places, key, norm):
    places[f"{key}.stored_mean"] = (norm.moving_mean, loading.same)
    places[f"{key}.stored_var"] = (norm.moving_variance, loading.same)


def _add_attention(places, key, attention):
    for part in ("theta", "phi", "g", "o"):
        _add_spectral(places, f"{key}.{part}", getattr(attention, part))
    places[f"{key}.gamma"] = (attention.gamma, loading.same)


def _add_spectral(places, key, layer, transform=loading.convolution):
    places[f"{key}.weight"] = (layer.kernel, transform)
    if layer.use_bias:
        places[f"{key}.bias"] = (layer.bias, loading.same)
    places[f"{key}.u0"] = (layer.u, _row)


def _row(array):
    # (1, outputs)
    return array[0]
