"""What VGG-19 sees in a picture, for perceptual losses."""

import keras
import numpy as np
from keras import layers

_CONVOLUTIONS = (2, 2, 4, 4, 4)
# What a picture in [-1, 1] becomes: gain and offset of each channel, in which order.
_MEANS = {
    "caffe": np.array([103.939, 116.779, 123.68]),
    "torchvision": np.array([0.485, 0.456, 0.406]),
}
_DEVIATIONS = np.array([0.229, 0.224, 0.225])


def build_vgg19_features(maps=("conv5_4",), colors="torchvision", base_channels=64):
    """VGG-19 as far as some of its maps, with new weights, from pictures in [-1, 1].

    Args:
        maps: Names of the maps: `"conv5_4"` before its activation, `"relu5_4"` after
            it; SRGAN takes `("relu5_4",)`, ESRGAN `("conv5_4",)`, Real-ESRGAN
            `("conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_4")`.
        colors: How pictures are presented: `"caffe"`, as Keras' weights want it;
            `"torchvision"`; or `None`, as they are.
        base_channels: Channels of the first maps; 64.

    Returns:
        A frozen `keras.Model` from `(batch, height, width, 3)` to the map, or to the
        list of them, in order.

    Raises:
        ValueError: for a map that there is not, or other colours.
    """
    names = [
        f"{kind}{stage + 1}_{i + 1}"
        for stage, count in enumerate(_CONVOLUTIONS)
        for i in range(count)
        for kind in ("conv", "relu")
    ]
    if not maps or set(maps) - set(names):
        raise ValueError(
            f"Maps of VGG-19 are conv1_1, relu1_1 ... relu5_4. Found: {maps!r}."
        )
    if colors is not None and colors not in _MEANS:
        known = ", ".join(map(repr, _MEANS))
        raise ValueError(f"colors is {known} or None. Found: {colors!r}.")
    images = keras.Input((None, None, 3), name="images")
    x, found = images, {}
    if colors is not None:
        x = layers.Conv2D(3, 1, name="colors")(x)
    last = max(map(names.index, maps))
    for name in names[: last + 1]:
        stage, i = map(int, name[4:].split("_"))
        if name.startswith("relu"):
            x = layers.ReLU(name=name)(x)
        else:
            if i == 1 and stage > 1:
                x = layers.MaxPooling2D(2, name=f"pool{stage - 1}")(x)
            width = base_channels * min(2 ** (stage - 1), 8)
            x = layers.Conv2D(width, 3, padding="same", name=name)(x)
        found[name] = x
    outputs = [found[name] for name in maps]
    network = keras.Model(
        images, outputs[0] if len(outputs) == 1 else outputs, name="vgg19_features"
    )
    if colors is not None:
        network.get_layer("colors").set_weights(_presented(colors))
    network.trainable = False
    return network


def vgg19_features(maps=("relu5_4",), vgg=None):
    """`build_vgg19_features` with Keras' weights of ImageNet.

    Their maps are larger than those of torchvision's, so weights of losses made for the
    one do not suit the other.

    Args:
        maps: As for `build_vgg19_features`.
        vgg: A `keras.applications.VGG19`; `None` for that of ImageNet, whose weights
            are downloaded.

    Raises:
        ValueError: as `build_vgg19_features`.
    """
    network = build_vgg19_features(maps, "caffe")
    vgg = vgg or keras.applications.VGG19(include_top=False, weights="imagenet")
    for layer in network.layers:
        if layer.name.startswith("conv"):
            theirs = vgg.get_layer(
                f"block{layer.name[4]}_{layer.name[:4]}{layer.name[6]}"
            )
            layer.set_weights(theirs.get_weights())
    return network


def _presented(colors):
    """Kernel and bias of the 1x1 convolution from [-1, 1]."""
    if colors == "caffe":  # blue first, 0 to 255 without the mean
        kernel, bias = 127.5 * np.eye(3)[::-1], 127.5 - _MEANS[colors]
    else:
        kernel = np.diag(0.5 / _DEVIATIONS)
        bias = (0.5 - _MEANS[colors]) / _DEVIATIONS
    return [kernel.reshape(1, 1, 3, 3).astype("float32"), bias.astype("float32")]
