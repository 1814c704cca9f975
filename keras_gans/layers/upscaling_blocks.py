"""What the generators of super-resolution are made of."""

from keras import initializers, layers

from keras_gans.layers.pixel_shuffle import PixelShuffle
from keras_gans.layers.rescaling import Rescaling


def small_he(share=0.1):
    """Arguments of a convolution: He's normal kernel times `share`, no bias at first.

    Args:
        share: 0.1, with which deep residual networks begin near the identity.
    """
    return {
        "kernel_initializer": initializers.VarianceScaling(
            2.0 * share**2, "fan_in", "untruncated_normal"
        )
    }


def to_unit_range(x, name="unit_range"):
    """[-1, 1], the library's range, to the [0, 1] of these papers."""
    return Rescaling(0.5, 0.5, name=name)(x)


def from_unit_range(x, name="images"):
    """[0, 1] to [-1, 1], in float32; outputs are linear and clipped when used."""
    return Rescaling(2.0, -1.0, dtype="float32", name=name)(x)


def factors_of(scale):
    """The factors by which maps grow, one stage each: 2 as often as it goes, or 3.

    Raises:
        ValueError: for a scale that is neither 1, 3 nor a power of 2.
    """
    if scale == 3:
        return [3]
    count = scale.bit_length() - 1
    if scale < 1 or scale != 2**count:
        raise ValueError(f"scale is 1, 3, or a power of 2. Found: {scale}.")
    return [2] * count


def shuffled_up(x, channels, factor, name, **weights):
    """A 3x3 convolution to r^2 times the channels, which become r x r pixels."""
    conv = layers.Conv2D(channels * factor**2, 3, padding="same", name=name, **weights)
    return PixelShuffle(factor, name=f"{name}_shuffle")(conv(x))
