"""Where the weights of pytorch-CycleGAN-and-pix2pix go in ours.

Its files hold one network each (`latest_net_G.pth`). Numbers in names count the modules
of a sequence, activations and paddings included. Old files also hold statistics of
instance normalisations, which do nothing.
"""

import re

from keras_gans.converters import loading

_NORM = ("weight", "bias", "running_mean", "running_var")
IGNORED = (r".*num_batches_tracked",)


def prepared(arrays):
    """The arrays as a network of one GPU and of today has them.

    Args:
        arrays: Dict of name to array.

    Returns:
        The same without the `module.` of networks trained on many GPUs, and without
        the statistics of norms that have no weights.
    """
    plain = {re.sub(r"^module\.", "", name): array for name, array in arrays.items()}
    statistics = re.compile(r"(.*)\.running_(mean|var)")
    return {
        name: array
        for name, array in plain.items()
        if not (m := statistics.fullmatch(name)) or f"{m[1]}.weight" in plain
    }


def unet_layout(generator):
    """Places of the weights of a U-Net, whose modules are nested in one another.

    Args:
        generator: What `layers.build_unet` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    names = {layer.name for layer in generator.layers}
    halvings = max(int(m[1]) for n in names if (m := re.fullmatch(r"down_(\d+)", n)))
    places = {}
    place_convolution(places, "model.model.0", generator.get_layer("down_1"))
    place_convolution(places, "model.model.3", generator.get_layer("to_image"))
    inside = "model.model.1."
    for i in range(2, halvings + 1):
        place_convolution(places, f"{inside}model.1", generator.get_layer(f"down_{i}"))
        up, norm = generator.get_layer(f"up_{i - 1}"), f"up_{i - 1}_norm"
        # The innermost module has no norm on the way down.
        first = 5 if i < halvings else 3
        if i < halvings:
            place_norm(
                places, f"{inside}model.2", generator.get_layer(f"down_{i}_norm")
            )
        place_convolution(places, f"{inside}model.{first}", up)
        place_norm(places, f"{inside}model.{first + 1}", generator.get_layer(norm))
        inside += "model.3."
    return places


def residual_layout(generator):
    """Places of the weights of a ResNet generator.

    Args:
        generator: What `layers.build_residual_translator` returned, or a network of all
            its layers but the last.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    names = {layer.name for layer in generator.layers}
    halvings = sum(bool(re.fullmatch(r"down_\d+", name)) for name in names)
    blocks = sum(bool(re.fullmatch(r"block_\d+", name)) for name in names)
    ends = [(1, "first")] + [(1 + 3 * i, f"down_{i}") for i in range(1, halvings + 1)]
    start = 4 + 3 * halvings
    for i in range(halvings):
        ends.append((start + blocks + 3 * i, f"up_{halvings - i}"))
    places = {}
    for index, name in ends:
        place_convolution(places, f"model.{index}", generator.get_layer(name))
        place_norm(places, f"model.{index + 1}", generator.get_layer(f"{name}_norm"))
    for i in range(blocks):
        # A dropout between the convolutions counts as a module.
        second = 6 if f"block_{i}_dropout" in names else 5
        for k, index in enumerate((1, second)):
            name = f"model.{start + i}.conv_block.{index}"
            place_convolution(places, name, generator.get_layer(f"block_{i}_conv_{k}"))
            norm = generator.get_layer(f"block_{i}_norm_{k}")
            place_norm(places, f"model.{start + i}.conv_block.{index + 1}", norm)
    if "to_image" in names:
        last = start + blocks + 3 * halvings + 1
        place_convolution(places, f"model.{last}", generator.get_layer("to_image"))
    return places


def generator_layout(generator):
    """Places of the weights of either generator.

    Args:
        generator: A U-Net or a ResNet.
    """
    is_unet = any(layer.name == "skip_1" for layer in generator.layers)
    return unet_layout(generator) if is_unet else residual_layout(generator)


def discriminator_layout(discriminator):
    """Places of the weights of a PatchGAN or PixelGAN discriminator.

    Args:
        discriminator: What `layers.build_patch_discriminator` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    names = {layer.name for layer in discriminator.layers}
    convs = sum(bool(re.fullmatch(r"conv_\d+", name)) for name in names)
    is_pixel = discriminator.get_layer("conv_0").kernel_size == (1, 1)
    root = "net" if is_pixel else "model"
    places = {}
    for i in range(convs):
        index = 0 if i == 0 else 3 * i - 1
        place_convolution(
            places, f"{root}.{index}", discriminator.get_layer(f"conv_{i}")
        )
        if i:
            norm = discriminator.get_layer(f"norm_{i}")
            place_norm(places, f"{root}.{index + 1}", norm)
    last = discriminator.get_layer("to_logits")
    place_convolution(places, f"{root}.{3 * convs - 1}", last)
    return places


def place_convolution(places, name, layer):
    """Adds the places of a convolution's weights.

    Args:
        places: Dict of name to `(variable, transform)`.
        name: The reference's name of the convolution.
        layer: Ours.
    """
    places[f"{name}.weight"] = (layer.kernel, loading.convolution)
    if layer.use_bias:
        places[f"{name}.bias"] = (layer.bias, loading.same)


def place_norm(places, name, layer):
    """Adds the places of a batch normalisation's weights and statistics.

    Args:
        places: Dict of name to `(variable, transform)`.
        name: The reference's name of the norm.
        layer: Ours; one without weights has no places.
    """
    if not layer.weights:  # an instance normalisation
        return
    kept = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    for leaf, variable in zip(_NORM, kept, strict=True):
        places[f"{name}.{leaf}"] = (variable, loading.same)


def describe_pix2pix(arrays):
    """The `Pix2Pix` that a generator's arrays belong to, as `(name, arguments)`."""
    if "model.model.0.weight" not in arrays:
        side, found = _described_residual(arrays)
        return "pix2pix", {**found, "image_shape": side, "architecture": "resnet"}
    first = arrays["model.model.0.weight"]
    # The outermost module and those nested in it, each with two convolutions.
    halvings = sum(array.ndim == 4 for array in arrays.values()) // 2
    colours = arrays["model.model.3.weight"].shape[1]
    side = 2**halvings
    return "pix2pix", {
        "image_shape": (side, side, colours),
        "source_channels": first.shape[1],
        "halvings": halvings,
        "base_channels": first.shape[0],
        "normalization": _normalization(arrays, "model.model.1.model.2.weight"),
    }


def describe_cyclegan(arrays):
    """The `CycleGAN` that a generator's arrays belong to, as `(name, arguments)`."""
    side, found = _described_residual(arrays)
    del found["source_channels"]
    return "cyclegan", {**found, "image_shape": side}


def describe_discriminator(arrays):
    """Arguments that a discriminator's arrays give away."""
    if "net.0.weight" in arrays:
        return {
            "discriminator_halvings": 0,
            "discriminator_channels": arrays["net.0.weight"].shape[0],
        }
    convs = sum(array.ndim == 4 for array in arrays.values())
    return {
        "discriminator_halvings": convs - 2,
        "discriminator_channels": arrays["model.0.weight"].shape[0],
    }


def _described_residual(arrays):
    first = arrays["model.1.weight"]
    outer = [
        int(m[1]) for n in arrays if (m := re.fullmatch(r"model\.(\d+)\.weight", n))
    ]
    last = arrays[f"model.{max(outer)}.weight"]
    blocks = {name.split(".")[1] for name in arrays if ".conv_block." in name}
    norm = _normalization(arrays, "model.2.weight")
    # The second convolution of a block is its fifth module, with a dropout its sixth.
    second = f"model.{min(map(int, blocks))}.conv_block.6.weight"
    has_dropout = second in arrays and arrays[second].ndim == 4
    return (256, 256, last.shape[0]), {
        "source_channels": first.shape[1],
        "residual_blocks": len(blocks),
        "base_channels": first.shape[0],
        "dropout_rate": 0.5 if has_dropout else 0.0,
        "normalization": norm,
    }


def _normalization(arrays, gamma):
    return "batch" if gamma in arrays else "instance"
