"""The graph of the Inception network of 2015-12-05, the one behind FID.

Its convolutions are those of `keras.applications.InceptionV3`. Its last block pools by
the maximum, its batch normalizations scale, and it has 1008 classes.
"""

import keras
from keras import layers

from keras_gans.core.precision import under_policy


def build_inception(num_logits=1008):
    """Builds the graph of 2015-12-05, its layers named as in PyTorch's conversions.

    All weights are zero: features of a network whose weights nobody loaded must not
    look like features. The logits have no bias, as in the code of the Inception Score.

    Args:
        num_logits: int, classes; the published weights have 1008.

    Returns:
        `keras.Model` from float32 images scaled to [-1, 1], `(batch, height, width,
        3)` with at least 75 pixels a side, to features `(batch, 2048)` and logits
        `(batch, num_logits)`. `get_layer("pool_1")`, `"pool_2"` and `"Mixed_6e"` give
        the maps of 64, 192 and 768 channels.

    Reference: Szegedy et al. 2015, table 1, arXiv 1512.00567.
    """
    # Features rounded by a training's bfloat16 would give other distances.
    with under_policy("float32"):
        images = keras.Input((None, None, 3), dtype="float32", name="images")
        x = _stem(images)
        for name, pool_channels in (("5b", 32), ("5c", 64), ("5d", 64)):
            x = _block_a(x, f"Mixed_{name}", pool_channels)
        x = _block_b(x, "Mixed_6a")
        for name, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
            x = _block_c(x, f"Mixed_{name}", channels)
        x = _block_d(x, "Mixed_7a")
        x = _block_e(x, "Mixed_7b", layers.AveragePooling2D)
        # Perhaps a slip in 2015, and part of every FID since.
        x = _block_e(x, "Mixed_7c", layers.MaxPooling2D)
        features = layers.GlobalAveragePooling2D(name="features")(x)
        logits = layers.Dense(
            num_logits, use_bias=False, kernel_initializer="zeros", name="fc"
        )(features)
        return keras.Model(images, (features, logits), name="inception")


def _stem(images):
    x = _convolution(images, "Conv2d_1a_3x3", 32, 3, strides=2, padding="valid")
    x = _convolution(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = _convolution(x, "Conv2d_2b_3x3", 64, 3)
    x = layers.MaxPooling2D(3, 2, name="pool_1")(x)
    x = _convolution(x, "Conv2d_3b_1x1", 80, 1, padding="valid")
    x = _convolution(x, "Conv2d_4a_3x3", 192, 3, padding="valid")
    return layers.MaxPooling2D(3, 2, name="pool_2")(x)


def _block_a(x, block, pool_channels):
    one = _convolution(x, f"{block}.branch1x1", 64, 1)
    five = _convolution(x, f"{block}.branch5x5_1", 48, 1)
    five = _convolution(five, f"{block}.branch5x5_2", 64, 5)
    three = _convolution(x, f"{block}.branch3x3dbl_1", 64, 1)
    three = _convolution(three, f"{block}.branch3x3dbl_2", 96, 3)
    three = _convolution(three, f"{block}.branch3x3dbl_3", 96, 3)
    pool = layers.AveragePooling2D(3, 1, padding="same", name=f"{block}.pool")(x)
    pool = _convolution(pool, f"{block}.branch_pool", pool_channels, 1)
    return layers.Concatenate(name=block)([one, five, three, pool])


def _block_b(x, block):
    halved = {"strides": 2, "padding": "valid"}
    three = _convolution(x, f"{block}.branch3x3", 384, 3, **halved)
    double = _convolution(x, f"{block}.branch3x3dbl_1", 64, 1)
    double = _convolution(double, f"{block}.branch3x3dbl_2", 96, 3)
    double = _convolution(double, f"{block}.branch3x3dbl_3", 96, 3, **halved)
    pool = layers.MaxPooling2D(3, 2, name=f"{block}.pool")(x)
    return layers.Concatenate(name=block)([three, double, pool])


def _block_c(x, block, channels):
    one = _convolution(x, f"{block}.branch1x1", 192, 1)
    seven = _convolution(x, f"{block}.branch7x7_1", channels, 1)
    seven = _convolution(seven, f"{block}.branch7x7_2", channels, (1, 7))
    seven = _convolution(seven, f"{block}.branch7x7_3", 192, (7, 1))
    double = _convolution(x, f"{block}.branch7x7dbl_1", channels, 1)
    double = _convolution(double, f"{block}.branch7x7dbl_2", channels, (7, 1))
    double = _convolution(double, f"{block}.branch7x7dbl_3", channels, (1, 7))
    double = _convolution(double, f"{block}.branch7x7dbl_4", channels, (7, 1))
    double = _convolution(double, f"{block}.branch7x7dbl_5", 192, (1, 7))
    pool = layers.AveragePooling2D(3, 1, padding="same", name=f"{block}.pool")(x)
    pool = _convolution(pool, f"{block}.branch_pool", 192, 1)
    return layers.Concatenate(name=block)([one, seven, double, pool])


def _block_d(x, block):
    halved = {"strides": 2, "padding": "valid"}
    three = _convolution(x, f"{block}.branch3x3_1", 192, 1)
    three = _convolution(three, f"{block}.branch3x3_2", 320, 3, **halved)
    seven = _convolution(x, f"{block}.branch7x7x3_1", 192, 1)
    seven = _convolution(seven, f"{block}.branch7x7x3_2", 192, (1, 7))
    seven = _convolution(seven, f"{block}.branch7x7x3_3", 192, (7, 1))
    seven = _convolution(seven, f"{block}.branch7x7x3_4", 192, 3, **halved)
    pool = layers.MaxPooling2D(3, 2, name=f"{block}.pool")(x)
    return layers.Concatenate(name=block)([three, seven, pool])


def _block_e(x, block, pooling):
    one = _convolution(x, f"{block}.branch1x1", 320, 1)
    three = _convolution(x, f"{block}.branch3x3_1", 384, 1)
    double = _convolution(x, f"{block}.branch3x3dbl_1", 448, 1)
    double = _convolution(double, f"{block}.branch3x3dbl_2", 384, 3)
    # Both end in two convolutions side by side.
    ends = [
        _convolution(start, f"{block}.{branch}{side}", 384, kernel)
        for start, branch in ((three, "branch3x3_2"), (double, "branch3x3dbl_3"))
        for side, kernel in (("a", (1, 3)), ("b", (3, 1)))
    ]
    pool = pooling(3, 1, padding="same", name=f"{block}.pool")(x)
    pool = _convolution(pool, f"{block}.branch_pool", 192, 1)
    return layers.Concatenate(name=block)([one, *ends, pool])


def _convolution(x, name, channels, kernel_size, strides=1, padding="same"):
    x = layers.Conv2D(
        channels,
        kernel_size,
        strides,
        padding,
        use_bias=False,
        kernel_initializer="zeros",
        name=f"{name}.conv",
    )(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}.bn")(x)
    return layers.ReLU(name=f"{name}.relu")(x)
