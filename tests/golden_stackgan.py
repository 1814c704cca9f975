"""Inputs and the references' names of weights, for the fixtures of both StackGANs.

The rules are those of the translation fixtures, sections 0.1 to 0.4 and 8.
"""

import functools
import re

import numpy as np

from keras_gans.converters import loading
from tests import golden

NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def noise(dim):
    """z."""
    return golden.latents(0, dim, batch=2)


def text(dim):
    """txt."""
    return _cosines(dim, 0.3, 2, 1)


def condition_noise(dim):
    """eps."""
    return _cosines(dim, 0.9, 3, 2)


def _cosines(dim, step, row, start):
    rows = row * np.arange(2)[:, None] + start
    return np.cos(step * np.arange(dim) + rows).astype("float32")


def layout(network, names, gated=False):
    """Reference's name to `(variable, transform)`.

    Args:
        network: Network.
        names: Dict of layer to the reference's name of it.
        gated: Whether the units of the layers `project` and `project_norm` are those
            of a map twice, values and gates.
    """
    places = {}
    for layer_name, name in names.items():
        layer = network.get_layer(layer_name)
        if hasattr(layer, "moving_mean"):
            variables = {k: getattr(layer, v) for k, v in NORM.items()}
        else:
            variables = {"weight": layer.kernel}
            variables |= {"bias": layer.bias} if layer.use_bias else {}
        for leaf, variable in variables.items():
            transform = _transform(layer_name, variable, gated)
            places[f"{name}.{leaf}"] = (variable, transform)
    return places


def _transform(layer_name, variable, gated):
    if layer_name.startswith("project"):
        units = variable.shape[-1] // (2 if gated else 1)
        one = loading.dense_to_map(units // 16, 4, 4)
        return functools.partial(_twice, one) if gated else one
    rank = len(variable.shape)
    return {1: loading.same, 2: loading.dense, 4: loading.convolution}[rank]


def _twice(transform, array):
    return np.concatenate([transform(half) for half in np.split(array, 2)], axis=-1)


def stage1_names():
    names = {"condition": "ca_net.fc", "project": "fc.0", "project_norm": "fc.1"}
    return names | _ups(4) | {"to_images": "img.0"}


def stage2_names(blocks=2):
    names = {"condition": "ca_net.fc", "first": "encoder.0"}
    names |= {"down_0": "encoder.2", "down_0_norm": "encoder.3"}
    names |= {"down_1": "encoder.5", "down_1_norm": "encoder.6"}
    names |= {"joint": "hr_joint.0", "joint_norm": "hr_joint.1"}
    for i in range(blocks):
        for j in range(2):
            names[f"block_{i}_conv_{j}"] = f"residual.{i}.block.{3 * j}"
            names[f"block_{i}_norm_{j}"] = f"residual.{i}.block.{3 * j + 1}"
    return names | _ups(4) | {"to_images": "img.0"}


def _ups(count):
    found = {}
    for i in range(count):
        found[f"up_{i}_conv"] = f"upsample{i + 1}.1"
        found[f"up_{i}_norm"] = f"upsample{i + 1}.2"
    return found


def discriminator_names(network):
    """Those of StackGAN's."""
    names, count = {}, 0
    for layer in network.layers:
        if re.fullmatch(r"(down|narrow)_\d", layer.name):
            names[layer.name] = f"encode_img.{count}"
            if f"{layer.name}_norm" in {x.name for x in network.layers}:
                names[f"{layer.name}_norm"] = f"encode_img.{count + 1}"
                count += 1
            count += 2
    heads = "get_cond_logits.outlogits", "get_uncond_logits.outlogits"
    names |= {"joint": f"{heads[0]}.0", "joint_norm": f"{heads[0]}.1"}
    names |= {"conditional_score": f"{heads[0]}.3"}
    if "unconditional_score" in {x.name for x in network.layers}:
        names["unconditional_score"] = f"{heads[1]}.0"
    return names


def tree_names(branches=3, blocks=2, conditional=True):
    """Those of StackGAN-v2's generator of images of 64 pixels a side and more."""
    names = {"condition": "ca_net.fc"} if conditional else {}
    names |= {"project": "h_net1.fc.0", "project_norm": "h_net1.fc.1"}
    names |= {layer: f"h_net1.{name}" for layer, name in _ups(4).items()}
    names["to_images_64"] = "img_net1.img.0"
    for i in range(1, branches):
        ours, theirs = f"branch_{i}", f"h_net{i + 1}"
        names |= _conv_norm(f"{ours}_joint", f"{theirs}.jointConv", 0)
        for j in range(blocks):
            for k in range(2):
                block = f"{theirs}.residual.{j}.block"
                names |= _conv_norm(f"{ours}_block_{j}_{k}", block, 3 * k)
        names |= _conv_norm(f"{ours}_up", f"{theirs}.upsample", 1)
        names[f"to_images_{64 << i}"] = f"img_net{i + 1}.img.0"
    return names


def _conv_norm(ours, theirs, first):
    return {
        f"{ours}_conv": f"{theirs}.{first}",
        f"{ours}_norm": f"{theirs}.{first + 1}",
    }


def branch_names(side):
    """Those of StackGAN-v2's discriminator of images of this side."""
    names, theirs = {"down_0": "img_code_s16.0"}, "img_code_s16"
    for i in range(1, 4):
        names[f"down_{i}"] = f"{theirs}.{3 * i - 1}"
        names[f"down_{i}_norm"] = f"{theirs}.{3 * i}"
    more = (side // 64).bit_length() - 1
    for i in range(more):
        theirs = f"img_code_s{32 << i}"
        names |= {f"down_{4 + i}": f"{theirs}.0", f"down_{4 + i}_norm": f"{theirs}.1"}
    for i in range(more):
        last = f"{theirs}_{i + 1}"
        names |= {f"narrow_{i}": f"{last}.0", f"narrow_{i}_norm": f"{last}.1"}
    names |= {"joint": "jointConv.0", "joint_norm": "jointConv.1"}
    return names | {
        "conditional_score": "logits.0",
        "unconditional_score": "uncond_logits.0",
    }
