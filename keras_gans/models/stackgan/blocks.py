"""What both StackGANs are built of: conditions, convolutions, discriminators."""

import keras
from keras import layers, ops

from keras_gans.layers import (
    BatchNormalization,
    GatedLinearUnit,
    WholeMapConv2D,
    dcgan_weights,
)

ACTIVATIONS = ("linear", "relu", "leaky_relu", "glu")


@keras.saving.register_keras_serializable("keras_gans")
class SampledCondition(layers.Layer):
    """A condition drawn around its text: c = m + exp(log s2 / 2) e.

    Call arguments:
        inputs: `[parameters, noise]`: m and log s2 side by side, `(batch, 2 * dim)`,
            and e, `(batch, dim)`.

    Returns:
        `[c, m, log s2]`, each `(batch, dim)`.

    Reference: arXiv 1612.03242, section 3.2.
    """

    def call(self, inputs):
        """Conditions with their distribution."""
        parameters, noise = inputs
        mean, log_variance = ops.split(parameters, 2, axis=-1)
        return [mean + ops.exp(0.5 * log_variance) * noise, mean, log_variance]

    def compute_output_shape(self, input_shape):
        """Three times the shape of the noise."""
        return [tuple(input_shape[1])] * 3


def augmented_condition(text, noise, activation, weights=dcgan_weights):
    """Conditioning augmentation: a normal condition around each text.

    Args:
        text: Text vectors.
        noise: Standard normal, `(batch, condition_dim)`.
        activation: Of the dense layer that gives mean and log-variance, one of
            `ACTIVATIONS`.
        weights: Function that returns arguments of a layer without bias.

    Returns:
        `[condition, mean, log_variance]`.
    """
    units = 2 * noise.shape[-1] * (2 if activation == "glu" else 1)
    options = {**weights(), "use_bias": True}
    x = layers.Dense(units, name="condition", **options)(text)
    kind = {
        "relu": lambda: layers.ReLU(name="condition_relu"),
        "leaky_relu": lambda: layers.LeakyReLU(0.2, name="condition_relu"),
        "glu": lambda: GatedLinearUnit(name="condition_glu"),
    }
    if activation != "linear":
        x = kind[activation]()(x)
    return SampledCondition(dtype="float32", name="sampled_condition")([x, noise])


def conv(x, filters, name, size=3, strides=1, weights=dcgan_weights):
    """A convolution without bias."""
    return layers.Conv2D(
        filters, size, strides, padding="same", name=name, **weights()
    )(x)


def norm(x, name):
    """Batch normalisation as in PyTorch, its scales from N(1, 0.02)."""
    scales = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=scales, name=name
    )(x)


def tiled(condition, side, name="condition"):
    """A condition at each point of a map of `side` x `side` points."""
    dim = condition.shape[-1]
    x = layers.Reshape((1, 1, dim), name=f"{name}_as_map")(condition)
    return layers.UpSampling2D(side, name=f"{name}_tiled")(x)


def to_image(x, channels, name, weights=dcgan_weights):
    """The convolution and the tanh that make an image."""
    x = conv(x, channels, f"to_{name}", weights=weights)
    return layers.Activation("tanh", dtype="float32", name=name)(x)


def build_discriminator(
    image_shape,
    condition_dim,
    base_channels,
    unconditional=False,
    condition_first=False,
    weights=dcgan_weights,
    name="discriminator",
):
    """Image -> 4x4 map by strided convolutions -> logits with and without condition.

    Args:
        image_shape: `(side, side, channels)`, the side 4 * 2^n.
        condition_dim: Length of a condition; `None` for images alone.
        base_channels: Channels at half the side. They double with each halving; on the
            4x4 map, convolutions bring them back to eight times as many.
        unconditional: Whether there are logits of the image alone too.
        condition_first: Whether the condition comes before the image's channels.
        weights: Function that returns arguments of a layer without bias.
        name: Name of the network.

    Returns:
        `keras.Model` from `(images, conditions)`, or from images alone, to a list of
        logits `(batch, 1)`: conditional first.
    """
    images = keras.Input(image_shape, name="images")
    code = _image_code(images, base_channels, weights)
    inputs, logits = images, []
    if condition_dim is not None:
        condition = keras.Input((condition_dim,), name="condition")
        inputs = [images, condition]
        parts = [code, tiled(condition, 4)]
        x = layers.Concatenate(name="joined")(parts[::-1] if condition_first else parts)
        x = norm(conv(x, code.shape[-1], "joint", weights=weights), "joint_norm")
        x = layers.LeakyReLU(0.2, name="joint_relu")(x)
        logits.append(_logits(x, "conditional", weights))
    if unconditional or condition_dim is None:
        logits.append(_logits(code, "unconditional", weights))
    return keras.Model(inputs, logits, name=name)


def _image_code(x, base_channels, weights):
    halvings = count_doublings(x.shape[1])
    for i in range(halvings):
        x = conv(x, base_channels * 2**i, f"down_{i}", 4, 2, weights)
        x = norm(x, f"down_{i}_norm") if i else x
        x = layers.LeakyReLU(0.2, name=f"down_{i}_relu")(x)
    for i in range(halvings - 4):
        x = conv(x, x.shape[-1] // 2, f"narrow_{i}", weights=weights)
        x = norm(x, f"narrow_{i}_norm")
        x = layers.LeakyReLU(0.2, name=f"narrow_{i}_relu")(x)
    return x


def _logits(x, name, weights):
    options = {**weights(), "use_bias": True}
    score = WholeMapConv2D(1, 4, dtype="float32", name=f"{name}_score", **options)
    return layers.Flatten(dtype="float32", name=name)(score(x))


def count_doublings(side):
    """How often 4 pixels a side are doubled to `side`.

    Raises:
        ValueError: when doubling does not lead there.
    """
    doublings = int(side // 4).bit_length() - 1
    if doublings < 1 or side != 4 * 2**doublings:
        raise ValueError(
            "These networks make images of 8x8, 16x16, 32x32 ... pixels: 4 is doubled "
            f"to them. Found the side {side}: resize the images."
        )
    return doublings


def check_shapes(network, inputs, outputs):
    """Refuses a network of the user's that takes or makes something else.

    Args:
        network: `keras.Model`; one that does not know its shapes is let through.
        inputs: List of shapes without the batch axis.
        outputs: The same.

    Raises:
        ValueError: naming both.
    """
    if not hasattr(network, "inputs"):
        return
    taken = [tuple(x.shape[1:]) for x in network.inputs]
    made = [tuple(x.shape[1:]) for x in network.outputs]
    if (taken, made) != (inputs, outputs):
        raise ValueError(
            f"The {network.name} makes {made} from {taken}; the system was built for "
            f"{outputs} from {inputs}."
        )
