"""PatchGAN: a discriminator that judges every patch of an image by itself."""

import keras
from keras import layers

from keras_gans.layers.translation_blocks import (
    free_size,
    normalization,
    small_weights,
)


def build_patch_discriminator(channels, halvings=3, base_channels=64, norm="batch"):
    """Strided convolutions, then a map of logits, one for each patch.

    `halvings` convolutions of stride 2 and two of stride 1, of 4x4 kernels and padding
    1, with leaky ReLUs of slope 0.2. A logit sees 16, 34, 70, 142 or 286 pixels for 1
    to 5 halvings; 0 is the PixelGAN, three 1x1 convolutions that see one. Keras' "same"
    would pad the last two at their far side more, and put out two more logits.

    Args:
        channels: Of the images; for pairs those of both together.
        halvings: Number of strided convolutions.
        base_channels: Channels after the first; they double, up to eight times.
        norm: `"batch"` or `"instance"`.

    Returns:
        A `keras.Model` from `(batch, h, w, channels)` to float32 logits
        `(batch, h / 2^halvings - 2, w / 2^halvings - 2, 1)`; of PixelGAN `(batch, h,
        w, 1)`.

    Reference: Isola et al. 2016, arXiv 1611.07004, appendix 6.1.2.
    """
    images = x = free_size(channels, "images")
    widths = [base_channels * min(2**i, 8) for i in range(halvings + 1)]
    size, padding, strides = 4, 1, [2] * halvings + [1]
    if halvings == 0:
        size, padding, strides = 1, 0, [1, 1]
        widths = [base_channels, 2 * base_channels]
    for i, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        x = _conv(x, width, size, stride, padding, f"conv_{i}", norm if i else None)
        if i:
            x = normalization(norm, f"norm_{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{i}")(x)
    # PixelGAN's last convolution follows the others in having no bias before batches.
    last = norm if halvings == 0 else None
    x = _conv(x, 1, size, 1, padding, "to_logits", last)
    logits = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")


def _conv(x, width, size, stride, padding, name, norm):
    if padding:
        x = layers.ZeroPadding2D(padding, name=f"{name}_padding")(x)
    return layers.Conv2D(width, size, stride, name=name, **small_weights(norm))(x)
