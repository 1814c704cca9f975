"""The colours of one picture for another: by histograms, or by covariances."""

import numpy as np

METHODS = ("histogram", "coral", "linear")


def transfer_colors(image, colors, method="histogram"):
    """An image in the colours of another, whose size may differ.

    * `"histogram"`: of each channel, value v becomes the one at the same place in the
      other's ordered values, F_t^-1(F_s(v)).
    * `"coral"`: x' = sqrt(C_t) sqrt(C_s)^-1 x for standardised channels, with
      C = X X^T + I over all n pixels, then the other's means and deviations.
    * `"linear"`: x' = A (x - mu_s) + mu_t with A = L_t L_s^-1 of the Cholesky factors
      of both covariances.

    Args:
        image: Floats `(height, width, channels)`, in any range.
        colors: The image whose colours it takes, in the same range.
        method: One of the above.

    Returns:
        float32 array of the image's shape, clipped to the range of `colors`.

    Raises:
        ValueError: for an unknown method, or images of other shapes.

    Reference: Gatys et al. 2016, arXiv 1606.05897; for `"coral"` the code of
    github.com/naoto0804/pytorch-AdaIN.
    """
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}. Found: {method!r}.")
    image, colors = (np.asarray(part, "float64") for part in (image, colors))
    if image.ndim != 3 or colors.ndim != 3 or image.shape[-1] != colors.shape[-1]:
        raise ValueError(
            "Two images (height, width, channels) of as many channels fit. Found: "
            f"{image.shape} and {colors.shape}."
        )
    made = {"histogram": _by_histogram, "coral": coral, "linear": _by_covariance}[
        method
    ]
    found = made(image, colors)
    return np.clip(found, colors.min(), colors.max()).astype("float32")


def coral(source, target, per_pixel=True):
    """CORAL, not clipped; see `transfer_colors`.

    Args:
        source: Floats `(height, width, channels)`.
        target: The same, of another size if need be.
        per_pixel: Whether both matrices count as if there were as many pixels. In the
            reference they do not: there the covariance of a picture with a tenth of
            the style's pixels comes out at a tenth.

    Returns:
        float64 array of the source's shape.
    """
    standard, _, _ = _standardized(source)
    wanted, mean, deviation = _standardized(target)
    roots = [_root(part @ part.T + np.eye(len(part))) for part in (standard, wanted)]
    moved = roots[1] @ np.linalg.solve(roots[0], standard)
    if per_pixel:
        moved *= np.sqrt(standard.shape[1] / wanted.shape[1])
    return (moved * deviation + mean).T.reshape(source.shape)


def _standardized(image):
    pixels = image.reshape(-1, image.shape[-1]).T.astype("float64")
    mean = pixels.mean(axis=1, keepdims=True)
    # A channel without contrast stays without.
    deviation = np.maximum(pixels.std(axis=1, ddof=1, keepdims=True), 1e-8)
    return (pixels - mean) / deviation, mean, deviation


def _root(matrix):
    left, values, right = np.linalg.svd(matrix)
    return left @ np.diag(np.sqrt(values)) @ right


def _by_covariance(source, target):
    parts = [part.reshape(-1, part.shape[-1]).T for part in (source, target)]
    means = [part.mean(axis=1, keepdims=True) for part in parts]
    own, other = (
        np.linalg.cholesky(np.atleast_2d(np.cov(part)) + 1e-5 * np.eye(len(part)))
        for part in parts
    )
    moved = other @ np.linalg.solve(own, parts[0] - means[0]) + means[1]
    return moved.T.reshape(source.shape)


def _by_histogram(source, target):
    channels = [
        _matched(source[..., i], target[..., i]) for i in range(source.shape[-1])
    ]
    return np.stack(channels, axis=-1)


def _matched(source, target):
    _, places, counts = np.unique(source, return_inverse=True, return_counts=True)
    values, others = np.unique(target, return_counts=True)
    found = np.interp(
        np.cumsum(counts) / source.size, np.cumsum(others) / target.size, values
    )
    return found[places].reshape(source.shape)
