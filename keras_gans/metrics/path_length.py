"""Perceptual path length: how much an image changes for a small step in the latents."""

import numpy as np

from keras_gans.metrics.result import Result


def perceptual_path_length(
    generate,
    distance,
    latent_dim,
    num_samples=50_000,
    epsilon=1e-4,
    interpolation="slerp",
    sampling="full",
    mapping=None,
    percentiles=(1, 99),
    batch_size=64,
    seed=0,
    protocol=None,
):
    """E d(G(interp(z0, z1, t)), G(interp(z0, z1, t + epsilon))) / epsilon^2.

    Distances below the lower and above the upper percentile are left out of the mean,
    as published. Two calls of `generate` must see the same noise wherever a generator
    has noise besides its latents.

    Args:
        generate: Function from float64 latents `(batch, latent_dim)` to images.
        distance: Function from two batches of images to one distance each,
            `(batch,)`; LPIPS in the papers, quadratic for small changes.
        latent_dim: int, latents are standard normal.
        num_samples: int, pairs of latents; 50,000 or 100,000 published.
        epsilon: float, step along the path, whose whole length is 1.
        interpolation: `"slerp"` along the unit sphere, for generators that normalise
            their latents; `"slerp_scaled"` keeps the latents' own length, for all
            others; `"lerp"` along the straight line, for mapped latents.
        sampling: `"full"`, t uniform in [0, 1), or `"end"`, t = 0.
        mapping: Function from z to what is interpolated (StyleGAN's w); `None` for z.
        percentiles: Pair in [0, 100]; `(0, 100)` keeps all.
        batch_size: int.
        seed: int, of latents and t.
        protocol: `Protocol` of the distance's network.

    Returns:
        `Result` with `path_length`, lower is smoother, and the `std` of the distances
        that were kept.

    Raises:
        ValueError: For an unknown option, an `epsilon` or count that is not positive,
            or distances that are not finite or not one per pair.

    Example:

    >>> def squared(a, b):
    ...     return ((a - b) ** 2).sum(axis=1)
    >>> options = {"interpolation": "lerp", "percentiles": (0, 100)}
    >>> result = perceptual_path_length(lambda z: 3 * z, squared, 8, 4000, **options)
    >>> 140 < result.value < 148  # 2 * 8 * 3**2
    True

    Reference: Karras et al. 2018, "A style-based generator architecture for GANs",
    section 4.1, arXiv 1812.04948.
    """
    _check(num_samples, batch_size, epsilon, percentiles)
    path, random = _path(interpolation, sampling), np.random.default_rng(seed)
    found = []
    for start in range(0, num_samples, batch_size):
        count = min(batch_size, num_samples - start)
        ends = _mapped(random.standard_normal((2, count, latent_dim)), mapping)
        t = random.random((count, 1)) if sampling == "full" else np.zeros((count, 1))
        here, there = (path(*ends, s) for s in (t, t + epsilon))
        found.append(_one_each(distance(generate(here), generate(there)), count))
    kept = _within(np.concatenate(found) / epsilon**2, *percentiles)
    return Result(
        "perceptual_path_length",
        {"path_length": kept.mean(), "std": kept.std()},
        {
            "epsilon": epsilon,
            "interpolation": interpolation,
            "sampling": sampling,
            "space": "z" if mapping is None else "mapped",
            "lower_percentile": percentiles[0],
            "upper_percentile": percentiles[1],
        },
        **({} if protocol is None else {"protocol": protocol}),
        num_generated=num_samples,
        seed=seed,
    )


def slerp(a, b, t):
    """Interpolates along the great circle from a/|a| to b/|b|.

    Args:
        a: float `(batch, dimensions)`, no row zero.
        b: The same.
        t: float `(batch, 1)` or scalar: 0 at a, 1 at b.

    Returns:
        float64 `(batch, dimensions)`, rows of length 1. Where b points against a, the
        circle is undefined, and the result is a/|a| cos(pi t), shorter.

    Example:

    >>> slerp([[1.0, 0.0]], [[0.0, 2.0]], 0.5).round(4).tolist()
    [[0.7071, 0.7071]]

    Reference: Shoemake 1985; `metrics/perceptual_path_length.py` of NVlabs/stylegan.
    """
    a, b = _normalised(np.asarray(a, "float64")), _normalised(np.asarray(b, "float64"))
    cosine = np.clip((a * b).sum(axis=-1, keepdims=True), -1.0, 1.0)
    angle = t * np.arccos(cosine)
    return a * np.cos(angle) + _normalised(b - cosine * a) * np.sin(angle)


def _path(interpolation, sampling):
    paths = {"slerp": slerp, "slerp_scaled": slerp_scaled, "lerp": lerp}
    if interpolation not in paths or sampling not in ("full", "end"):
        raise ValueError(
            f"interpolation must be one of {', '.join(paths)} and sampling full or "
            f"end. Found: {interpolation}, {sampling}."
        )
    return paths[interpolation]


def slerp_scaled(a, b, t):
    """`slerp` times a length that changes evenly from that of `a` to that of `b`."""
    lengths = [np.linalg.norm(end, axis=-1, keepdims=True) for end in (a, b)]
    return slerp(a, b, t) * lerp(*lengths, t)


def lerp(a, b, t):
    """The straight line: a + t (b - a)."""
    return a + (b - a) * t


def _normalised(rows):
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    # Rounding, not a direction: the difference of two unit vectors that are equal.
    return np.where(length > 1e-12, rows / np.maximum(length, 1e-12), 0.0)


def _one_each(distances, count):
    distances = np.asarray(distances, "float64")
    if distances.shape != (count,) or not np.isfinite(distances).all():
        raise ValueError(
            f"distance must return {count} finite numbers of shape ({count},), found "
            f"shape {distances.shape}, {np.isfinite(distances).sum()} finite."
        )
    return distances


def _mapped(ends, mapping):
    if mapping is None:
        return ends
    return [np.asarray(mapping(end), "float64") for end in ends]


def _within(values, lower, upper):
    low = np.percentile(values, lower, method="lower")
    high = np.percentile(values, upper, method="higher")
    return values[(low <= values) & (values <= high)]


def _check(num_samples, batch_size, epsilon, percentiles):
    if num_samples < 1 or batch_size < 1 or not epsilon > 0:
        raise ValueError(
            "num_samples, batch_size and epsilon must be positive. Found: "
            f"{num_samples}, {batch_size}, {epsilon}."
        )
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise ValueError(f"percentiles must rise within [0, 100]: {percentiles}.")
