"""What keeps the colors of images that are made of one another alike."""

from keras import ops


def color_consistency(images, others, covariance_weight=5.0):
    """MSE of each image's mean color, and w times that of its colors' covariances.

    Args:
        images: `(batch, height, width, channels)`.
        others: What they are to be like, `(batch, height, width, channels)` of any
            size; no gradient goes there.
        covariance_weight: w.

    Returns:
        float32 scalar.

    Reference: arXiv 1710.10916, section 4.3.
    """
    means, covariances = _statistics(images)
    wanted, wanted_covariances = _statistics(ops.stop_gradient(others))
    loss = ops.mean(ops.square(means - wanted))
    distance = ops.square(covariances - wanted_covariances)
    return loss + covariance_weight * ops.mean(distance)


def _statistics(images):
    pixels = images.shape[1] * images.shape[2]
    colors = ops.reshape(ops.cast(images, "float32"), (-1, pixels, images.shape[3]))
    means = ops.mean(colors, axis=1, keepdims=True)
    away = colors - means
    return means, ops.matmul(ops.transpose(away, (0, 2, 1)), away) / pixels
