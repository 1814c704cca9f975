"""The light networks of a detector, and any other backbone's two maps."""

import keras
from keras import layers

from keras_gans.layers import BatchNormalization


def build_backbone(image_shape=(128, 128, 3), base_channels=32):
    """Six 3x3 convolutions to an eighth of the sides; the early maps are a half.

    574,944 weights for colours and 32 channels, those 1,344 of them counted that are
    moving statistics.

    Args:
        image_shape: `(height, width, channels)`.
        base_channels: Channels of the first map; the others have 2 and 4 times as many.

    Returns:
        `keras.Model` from images to `[early, deep]`.
    """
    images = keras.Input(image_shape, name="images")
    width = base_channels
    early = _block(images, width, 2, "stem")
    x = _block(early, 2 * width, 2, "b2_1")
    x = _block(x, 2 * width, 1, "b2_2")
    x = _block(x, 4 * width, 2, "b3_1")
    x = _block(x, 4 * width, 1, "b3_2")
    x = _block(x, 4 * width, 1, "b4_1")
    deep = _block(x, 4 * width, 1, "b4_2")
    return keras.Model(images, [early, deep], name="backbone")


def _block(x, channels, stride, name):
    x = layers.Conv2D(
        channels,
        3,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(),
        name=f"{name}_conv",
    )(x)
    x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def two_maps(model, early, deep):
    """A backbone of a model of images: two of its layers.

    Args:
        model: `keras.Model`, such as `keras.applications.VGG16(include_top=False,
            weights=None, input_shape=...)`. It sees images in [-1, 1]: put what it
            needs before it.
        early: Name of a layer of high resolution, such as `"block1_conv2"`.
        deep: Name of the layer whose features are classified, `"block5_conv3"`.

    Returns:
        `keras.Model` from images to `[early, deep]`.

    Raises:
        ValueError: naming a layer that there is not.
    """
    names = [layer.name for layer in model.layers]
    for name in (early, deep):
        if name not in names:
            raise ValueError(
                f"{model.name} has no layer {name!r}. It has: {', '.join(names)}."
            )
    maps = [model.get_layer(name).output for name in (early, deep)]
    return keras.Model(model.inputs[0], maps, name="backbone")


def build_rpn(channels, num_anchors, hidden_channels=None):
    """Says at each place of a map of which anchors there is something, and where.

    Args:
        channels: Channels of the map.
        num_anchors: Anchors at each place.
        hidden_channels: Of its convolution; `None` for as many as the map has.

    Returns:
        `keras.Model` from maps to `[logits, deltas]`, one and four for each anchor.
    """
    maps = keras.Input((None, None, channels), name="maps")
    x = layers.Conv2D(
        hidden_channels or channels,
        3,
        padding="same",
        activation="relu",
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
        name="conv",
    )(maps)
    outputs = [
        layers.Conv2D(
            count,
            1,
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
            name=name,
        )(x)
        for count, name in ((num_anchors, "objectness"), (4 * num_anchors, "deltas"))
    ]
    return keras.Model(maps, outputs, name="rpn")


def two_dense_layers(regions, hidden_units):
    """Regions, flat, through `fc6` and `fc7`, as the papers call them."""
    x = layers.Flatten(name="flatten")(regions)
    for name in ("fc6", "fc7"):
        x = layers.Dense(
            hidden_units,
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(),
            name=name,
        )(x)
    return x


def build_head(roi_shape=(7, 7, 128), num_classes=10, hidden_units=256):
    """Classes and boxes of regions: two dense layers, then one each.

    1,684,787 weights for 7x7x128, 10 classes and 256 units.

    Args:
        roi_shape: `(rows, columns, channels)` of what is cut out of the map.
        num_classes: K.
        hidden_units: Of both layers.

    Returns:
        `keras.Model` from regions to `[logits, deltas]`: K + 1, of which the first is
        that of the background, and 4 K.
    """
    regions = keras.Input(roi_shape, name="regions")
    x = two_dense_layers(regions, hidden_units)
    logits = layers.Dense(
        num_classes + 1,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.01),
        name="classes",
    )(x)
    deltas = layers.Dense(
        4 * num_classes,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.001),
        name="boxes",
    )(x)
    return keras.Model(regions, [logits, deltas], name="head")
