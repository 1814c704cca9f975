"""Floating-point operations that a training step needs, however it is executed.

Counted are dense and (transposed) convolution layers, a multiply-add as two; the rest
is below 1 %. Zeros of the padding count. The gradient with respect to a layer's weights
costs as much as its forward pass, and so does that with respect to its input, which the
first layer needs only where the images themselves are differentiated.
"""

import math

import keras


def forward(network):
    """`(all, first)`: of one sample through `network`, and of its first such layer."""
    counts = [of_layer(layer) for layer in network._flatten_layers()]
    counts = [n for n in counts if n]
    return sum(counts), counts[0]


def of_layer(layer):
    """Multiply-adds, times two, of `layer` for one sample; 0 for a layer without."""
    if isinstance(layer, keras.layers.Conv2DTranspose):
        positions = layer.input.shape[1:-1]
    elif isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
        positions = layer.output.shape[1:-1]
    else:
        return 0
    return 2 * math.prod(layer.kernel.shape) * math.prod(positions)


def dcgan(gan):
    """Per image of DCGAN's step.

    Generator: forward and both gradients. Discriminator: forward of real and fake and
    both gradients each; then fake again, and the gradient with respect to it.
    """
    (g, g_first), (d, d_first) = forward(gan.generator), forward(gan.discriminator)
    return 3 * g - g_first + 2 * (3 * d - d_first) + 2 * d


def wgan_gp(gan):
    """Per image of one of WGAN-GP's critic updates, with its share of the generator's.

    A critic update: a fake; forward and both gradients of real and fake; for the
    penalty forward, slope, and the slope's gradients with respect to weights and to
    the slope itself (activations are piecewise linear: nothing else).
    """
    (g, g_first), (c, c_first) = forward(gan.generator), forward(gan.critic)
    critic_update = g + 2 * (3 * c - c_first) + 4 * c
    generator_update = 3 * g - g_first + 2 * c
    return critic_update + generator_update / gan.critic_steps


COUNTED = {"dcgan": dcgan, "wgan_gp": wgan_gp}


def per_step(system, gan, batch_size):
    """FLOPs of one `train_step`; `None` for a system that is not counted here."""
    if system not in COUNTED:
        return None
    return COUNTED[system](gan) * batch_size * gan.updates_per_batch
