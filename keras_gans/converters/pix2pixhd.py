"""Where the weights of NVIDIA's pix2pixHD go in ours.

Its files hold one network each (`latest_net_G.pth`, `latest_net_D.pth`,
`latest_net_E.pth`). Numbers in names count the modules of a sequence, activations and
paddings included.
"""

import re

from keras_gans.converters.junyanz import place_convolution, residual_layout


def generator_layout(generator):
    """Places of the weights of a generator, global or with enhancers (`local`).

    Args:
        generator: What `models.pix2pixhd.build_generator` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    names = {layer.name for layer in generator.layers}
    if "trunk" not in names:
        return residual_layout(generator)
    places = residual_layout(generator.get_layer("trunk"))
    enhancers = _count(r"enhancer_\d+_down", names)
    for i in range(1, enhancers + 1):
        ours = f"enhancer_{i}"
        place_convolution(places, f"model{i}_1.1", generator.get_layer(f"{ours}_first"))
        place_convolution(places, f"model{i}_1.4", generator.get_layer(f"{ours}_down"))
        blocks = _count(rf"{ours}_block_\d+", names)
        for block in range(blocks):
            for k, index in enumerate((1, 5)):
                name = f"model{i}_2.{block}.conv_block.{index}"
                conv = generator.get_layer(f"{ours}_block_{block}_conv_{k}")
                place_convolution(places, name, conv)
        up = generator.get_layer(f"{ours}_up")
        place_convolution(places, f"model{i}_2.{blocks}", up)
    last = generator.get_layer("to_image")
    place_convolution(places, f"model{enhancers}_2.{blocks + 4}", last)
    return places


def global_layout(trunk, head):
    """Places of a global generator in the first part of a generator with enhancers.

    Args:
        trunk: The layer `trunk` of such a generator.
        head: What `models.pix2pixhd.build_trunk_head` returned.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    names = {layer.name for layer in trunk.layers}
    halvings, blocks = _count(r"down_\d+", names), _count(r"block_\d+", names)
    places = residual_layout(trunk)
    last = f"model.{5 + 6 * halvings + blocks}"
    place_convolution(places, last, head.get_layer("to_image"))
    return places


def encoder_layout(encoder):
    """Places of the weights of an encoder of features.

    Args:
        encoder: What `models.pix2pixhd.build_encoder` returned.
    """
    return residual_layout(encoder)


def discriminator_layout(discriminator, matches_features=True):
    """Places of the weights of discriminators of several scales.

    The reference counts scales from the coarsest on.

    Args:
        discriminator: What `models.pix2pixhd.build_discriminator` returned.
        matches_features: Whether it was trained with feature matching; without, its
            layers have other names.

    Returns:
        Dict of name to `(variable, transform)`, for `loading.assign`.
    """
    names = {layer.name for layer in discriminator.layers}
    scales = _count(r"scale_\d+_to_logits", names)
    convs = _count(r"scale_0_conv_\d+", names)
    places = {}
    for level in range(scales):
        scale = scales - 1 - level
        ours = [f"scale_{level}_conv_{j}" for j in range(convs)]
        for j, name in enumerate([*ours, f"scale_{level}_to_logits"]):
            theirs = f"scale{scale}_layer{j}.0"
            if not matches_features:
                theirs = f"layer{scale}.{max(0, 3 * j - 1)}"
            place_convolution(places, theirs, discriminator.get_layer(name))
    return places


def _count(pattern, names):
    return sum(bool(re.fullmatch(pattern, name)) for name in names)
