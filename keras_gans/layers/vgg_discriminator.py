"""Discriminators of super-resolution: halvings as in VGG, then dense layers."""

import keras
from keras import layers

from keras_gans.layers.batch_normalization import BatchNormalization


def build_vgg_discriminator(
    image_shape,
    widths=(64, 128, 256, 512),
    hidden_units=1024,
    strided_kernel=3,
    biases="all",
    pooled=False,
):
    """Pairs of a 3x3 and a strided convolution, doubling channels, then two layers.

    The defaults are SRGAN's. All convolutions but the first are followed by batch
    normalisation, all by LeakyReLU(0.2).

    Args:
        image_shape: `(height, width, channels)`, the sides multiples of 2 to the number
            of `widths`; unless `pooled`, images of this size alone are judged.
        widths: Channels of the pairs.
        hidden_units: Units of the hidden layer; 1024, of ESRGAN 100.
        strided_kernel: Side of the strided convolutions' kernels; 3, of ESRGAN 4.
        biases: `"all"` convolutions have a bias, the `"first"` alone, or `"none"`.
        pooled: Whether the last maps are averaged instead of flattened.

    Returns:
        A `keras.Model` from images to float32 logits `(batch, 1)`.

    Raises:
        ValueError: for an image shape that cannot be halved so often.

    Reference: Ledig et al. 2017, arXiv 1609.04802, figure 4; `discriminator_arch.py`
    of xinntao/BasicSR.
    """
    multiple = 2 ** len(widths)
    if any(side % multiple or side == 0 for side in image_shape[:2]):
        raise ValueError(
            f"The discriminator halves its images {len(widths)} times: their sides "
            f"are multiples of {multiple}. Found: {tuple(image_shape)}."
        )
    shape = (None, None, image_shape[-1]) if pooled else image_shape
    images = x = keras.Input(shape, name="images")
    for i, width in enumerate(widths):
        has_norm, bias = i > 0, {"all": True, "none": False}.get(biases, i == 0)
        x = _conv(x, width, 3, 1, f"conv{i}_0", bias, has_norm)
        x = _conv(x, width, strided_kernel, 2, f"conv{i}_1", biases == "all", True)
    if pooled:
        x = layers.GlobalAveragePooling2D(name="pooled")(x)
    else:
        x = layers.Flatten(name="flat")(x)
    x = layers.Dense(hidden_units, name="linear1")(x)
    x = layers.LeakyReLU(0.2, name="linear1_act")(x)
    logits = layers.Dense(1, dtype="float32", name="linear2")(x)
    return keras.Model(images, logits, name="discriminator")


def _conv(x, width, size, stride, name, bias, has_norm):
    if stride > 1 and size == 3:
        # PyTorch pads all around; "same" would pad an even map at its far side alone.
        x = layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"{name}_padding")(x)
    padding = "valid" if stride > 1 and size == 3 else "same"
    x = layers.Conv2D(width, size, stride, padding, use_bias=bias, name=name)(x)
    if has_norm:
        x = BatchNormalization(
            unbiased=True, momentum=0.9, epsilon=1e-5, name=f"{name}_norm"
        )(x)
    return layers.LeakyReLU(0.2, name=f"{name}_act")(x)
