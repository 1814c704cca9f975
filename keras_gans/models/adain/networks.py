"""The networks of AdaIN: VGG-19's first stages, and the same mirrored."""

import keras
import numpy as np
from keras import layers, ops

from keras_gans.layers import ReflectionPadding2D, torch_weights, vgg19_features

# Of each stage of VGG-19; of the last one taken only the first.
CONVOLUTIONS = (2, 2, 4, 4, 4)


def build_encoder(channels=3, base_channels=64, stages=4):
    """VGG-19 up to the first map of a stage, with mirrored borders.

    A 1x1 convolution in front brings the colours into the form that the weights were
    trained for; it starts at 2x - 1.

    Args:
        channels: Of the pictures.
        base_channels: Channels of the first stage; 64.
        stages: 2 to 5.

    Returns:
        `keras.Model` from pictures in [0, 1] to the list of relu1_1, relu2_1, ...
    """
    if not 2 <= stages <= len(CONVOLUTIONS):
        raise ValueError(f"VGG-19 has 2 to 5 stages. Found: {stages}.")
    pictures = keras.Input((None, None, channels), name="pictures")
    x = layers.Conv2D(channels, 1, name="colors")(pictures)
    taps = []
    for stage in range(1, stages + 1):
        width = base_channels * min(2 ** (stage - 1), 8)
        if stage > 1:
            # "same" rounds odd sides up, as PyTorch's ceil_mode does.
            x = layers.MaxPooling2D(2, 2, "same", name=f"pool{stage - 1}")(x)
        for i in range(1, 1 + (CONVOLUTIONS[stage - 1] if stage < stages else 1)):
            x = _convolved(
                x, width, f"{stage}_{i}", {"kernel_initializer": "he_normal"}
            )
            x = layers.ReLU(name=f"relu{stage}_{i}")(x)
            taps += [x] if i == 1 else []
    encoder = keras.Model(pictures, taps, name="encoder")
    kernel = 2.0 * np.eye(channels, dtype="float32")[None, None]
    encoder.get_layer("colors").set_weights([kernel, -np.ones(channels, "float32")])
    return encoder


def build_decoder(widths, channels=3, initialization="torch"):
    """The encoder mirrored: each pooling becomes a doubling to the nearest pixel.

    Args:
        widths: Channels of the encoder's maps, from the first to the last.
        channels: Of the pictures.
        initialization: `"torch"` or `"he"`.

    Returns:
        `keras.Model` from the encoder's last map to pictures in [0, 1].
    """
    features = x = keras.Input((None, None, widths[-1]), name="features")
    for stage in range(len(widths), 0, -1):
        width = widths[stage - 1]
        for i in range(CONVOLUTIONS[stage - 1] if stage < len(widths) else 1, 0, -1):
            made = width if i > 1 else ([channels, *widths])[stage - 1]
            last = stage == i == 1
            options = (
                {"kernel_initializer": "he_normal"}
                if initialization == "he"
                else torch_weights(9 * x.shape[-1])
            )
            options |= {"dtype": "float32"} if last else {}
            x = _convolved(x, made, f"{stage}_{i}", options)
            if not last:
                x = layers.ReLU(name=f"relu{stage}_{i}")(x)
        if stage > 1:
            x = layers.UpSampling2D(2, interpolation="nearest", name=f"up{stage - 1}")(
                x
            )
    return keras.Model(features, x, name="decoder")


def vgg19_encoder(vgg=None, stages=4):
    """The paper's encoder from Keras' VGG-19: mirrored borders, colours from [0, 1].

    The weights are not scaled to means of 1: call `normalize_activations` on it with
    some photographs.

    Args:
        vgg: A `keras.applications.VGG19`; `None` for that of ImageNet, whose weights
            are downloaded.
        stages: 2 to 5.

    Returns:
        What `build_encoder` returns.
    """
    features = vgg19_features((f"relu{stages}_1",), vgg)
    encoder = build_encoder(3, 64, stages)
    for layer in features.layers:
        if layer.name.startswith("conv"):
            encoder.get_layer(layer.name).set_weights(layer.get_weights())
    # From [0, 1] where theirs starts from [-1, 1].
    kernel, bias = features.get_layer("colors").get_weights()
    colors = [2.0 * kernel, bias - kernel.sum(axis=(0, 1, 2))]
    encoder.get_layer("colors").set_weights(colors)
    return encoder


def normalize_activations(encoder, pictures):
    """Scales an encoder's convolutions such that each channel's mean is 1.

    What a layer divides by, the next one multiplies with: but for a factor per channel
    its maps stay as they are. Channels that hardly ever answer are scaled less.

    Args:
        encoder: What `build_encoder` returned.
        pictures: Array in [0, 1], of which the means are taken.

    Returns:
        numpy float64 array: what the channels of the last map were divided by.

    Reference: Gatys et al. 2015, arXiv 1508.06576, methods.
    """
    names = [la.name for la in encoder.layers if la.name.startswith("relu")]
    maps = [encoder.get_layer(name).output for name in names]
    probe = keras.Model(encoder.input, [ops.mean(m, axis=(1, 2)) for m in maps])
    found = probe.predict(pictures, batch_size=16, verbose=0)
    before = None
    for name, means in zip(names, found, strict=True):
        layer = encoder.get_layer(name.replace("relu", "conv"))
        mean = means.mean(axis=0, dtype="float64")
        mean = np.maximum(mean, 0.1 * mean.mean())
        kernel, bias = (ops.convert_to_numpy(w) for w in layer.weights)
        if before is not None:
            kernel = kernel * before[:, None]
        layer.set_weights([kernel / mean, bias / mean])
        before = mean
    return before


def _convolved(x, width, number, options):
    x = ReflectionPadding2D(name=f"pad{number}")(x)
    return layers.Conv2D(width, 3, name=f"conv{number}", **options)(x)


def widths(encoder):
    """Channels of an encoder's maps, a list of integers."""
    return [part.shape[-1] for part in encoder.outputs]
