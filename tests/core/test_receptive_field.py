import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core import gradients
from keras_gans.core.receptive_field import receptive_radius
from keras_gans.layers import build_rrdb, build_srvgg, build_unet
from keras_gans.models.srgan import build_msrresnet, build_srresnet

NETWORKS = {
    "srvgg": lambda: build_srvgg(1, 4, 2, 2),
    "srresnet": lambda: build_srresnet(1, 4, 1, 2),
    "msrresnet": lambda: build_msrresnet(1, 2, 1, 2),
    "rrdb": lambda: build_rrdb(1, 4, 1, 2, 2),
    "rrdb x2": lambda: build_rrdb(1, 2, 1, 2, 2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_seen_lies_within_the_radius(name):
    """Slopes of single pixels of the output are 0 beyond it, and not much nearer."""
    network = NETWORKS[name]()
    for weight in network.weights:  # no path may be closed
        weight.assign(0.05 + np.abs(ops.convert_to_numpy(weight)))
    radius = receptive_radius(network)
    side = 2 * radius + 9
    side += side % 2
    at = side // 2
    # Before a tanh, which has no slope where it is large.
    end = "conv_out" if name == "srresnet" else network.layers[-1].name
    linear = keras.Model(network.input, network.get_layer(end).output)
    images = ops.zeros((1, side, side, 1))
    scale, reaches = linear(images).shape[1] // side, []
    for place in (scale * at, scale * at + scale - 1):
        slopes = gradients.input_gradient(
            lambda x, place=place: linear(x, training=False)[:, place, place, 0], images
        )
        seen = np.argwhere(ops.convert_to_numpy(slopes)[0, ..., 0] != 0)
        reaches.append(np.abs(seen - at).max())
    assert radius - 2 <= max(reaches) <= radius


def test_known_stacks():
    # 12 convolutions of 3 pixels and one more; two of 9, five of 3 at 1, 1 at 2.
    assert receptive_radius(build_srvgg(convolutions=12, base_channels=2)) == 14
    assert receptive_radius(build_srresnet(blocks=2, base_channels=2)) == 12


def test_layers_that_look_at_everything():
    assert math.isinf(receptive_radius(build_srresnet(blocks=1, norm="instance")))
    assert math.isinf(receptive_radius(build_unet(3, 3, 5, 2)))
