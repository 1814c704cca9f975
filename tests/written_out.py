"""ProGAN's and StyleGAN's tables of layers once more, in float64 NumPy, at 8x8 pixels.

Weights are those of a network, by its layers' names; everything else is written anew.
"""

import numpy as np
from keras import ops

GAIN = 2**0.5


def scores(network, images, blur=False):
    """What a discriminator makes of images; its biases are given values first."""
    _fill_vectors(network)
    x = activated(conv(images, network, "from_rgb_8_conv"))
    x = activated(conv(x, network, "block_8_conv_0"))
    x = blurred(x) if blur else x
    x = conv(x, network, "block_8_conv_1")
    x = activated(x.reshape(len(x), 4, 2, 4, 2, -1).mean(axis=(2, 4)))
    deviation = np.sqrt(x.var(axis=0) + 1e-8).mean()
    x = np.concatenate([x, np.full_like(x[..., :1], deviation)], axis=-1)
    x = activated(conv(x, network, "head_conv")).reshape(len(x), -1)
    x = activated(dense(x, network, "head_dense"))
    return dense(x, network, "score", gain=1.0)


def synthesis(network, styles):
    """What a synthesis makes of styles, with its fixed noise."""
    _fill_vectors(network)
    constant = array(network.get_layer("block_4_constant").constant)
    x = np.repeat(constant[None], len(styles), axis=0)
    x = styled(x, network, "block_4_layer_0", styles[:, 0])
    x = conv(x, network, "block_4_conv_1")
    x = styled(x, network, "block_4_layer_1", styles[:, 1])
    x = x.repeat(2, axis=1).repeat(2, axis=2)
    # Before the bias, which is as bright at the border as inside.
    x = blurred(conv(x, network, "block_8_conv_0"))
    x = styled(x, network, "block_8_layer_0", styles[:, 2])
    x = conv(x, network, "block_8_conv_1")
    x = styled(x, network, "block_8_layer_1", styles[:, 3])
    return conv(x, network, "to_rgb_8", gain=1.0)


def styled(x, network, name, w):
    """Noise, bias, activation, normalisation and style."""
    noise = network.get_layer(f"{name}_noise")
    x = x + array(noise.noise)[None, :, :, None] * array(noise.strength)
    x = activated(x + array(network.get_layer(f"{name}_bias").bias))
    x = x - x.mean(axis=(1, 2), keepdims=True)
    x = x / np.sqrt(np.square(x).mean(axis=(1, 2), keepdims=True) + 1e-8)
    affine = network.get_layer(f"{name}_style").style
    y = w @ array(affine.kernel) / np.sqrt(w.shape[1]) + array(affine.bias)
    scale, shift = np.split(y[:, None, None], 2, axis=-1)
    return x * (scale + 1) + shift


def conv(x, network, name, gain=GAIN):
    """A "same" convolution, as a sum over its taps."""
    layer = network.get_layer(name)
    kernel = array(layer.kernel)
    side = len(kernel)
    edge, (height, width) = side // 2, x.shape[1:3]
    x = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    total = 0.0
    for i in range(side):
        for j in range(side):
            total = total + x[:, i : i + height, j : j + width] @ kernel[i, j]
    total = total * gain / np.sqrt(np.prod(kernel.shape[:3]))
    return total + array(layer.bias) if layer.use_bias else total


def dense(x, network, name, gain=GAIN):
    """A dense layer."""
    layer = network.get_layer(name)
    return x @ array(layer.kernel) * gain / np.sqrt(x.shape[1]) + array(layer.bias)


def activated(x):
    """Leaky ReLU."""
    return np.where(x > 0, x, 0.2 * x)


def blurred(x):
    """[1, 2, 1] / 4 in both directions, zeros outside."""
    for axis in (1, 2):
        before = np.roll(x, 1, axis)
        after = np.roll(x, -1, axis)
        first, last = [slice(None)] * 4, [slice(None)] * 4
        first[axis], last[axis] = 0, -1
        before[tuple(first)] = after[tuple(last)] = 0
        x = (before + 2 * x + after) / 4
    return x


def array(variable):
    """Its values in float64."""
    return ops.convert_to_numpy(variable).astype("float64")


def _fill_vectors(network):
    for i, weight in enumerate(network.trainable_weights):
        if len(weight.shape) == 1:
            weight.assign(np.cos(np.arange(weight.shape[0]) + i))
