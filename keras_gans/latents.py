"""The latent space of a trained system: finding an image in it."""

import math
from typing import NamedTuple

import numpy as np
from keras import ops

from keras_gans.core import gradients
from keras_gans.core.autoregressive_model import AutoregressiveModel
from keras_gans.core.descent import descend
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream


class Projection(NamedTuple):
    """Where images were found, one row each.

    `latents` are what was searched: z `(batch, latent_dim)` for `gan.predict`, or w
    `(batch, style_dim)` for all layers of `gan.synthesize`. `images` is what the system
    makes of them, `distances` and `start_distances` float32 `(batch,)` are those to the
    images looked for, at the end and at the start.
    """

    latents: np.ndarray
    images: np.ndarray
    distances: np.ndarray
    start_distances: np.ndarray


def project(
    gan,
    images,
    labels=None,
    features=None,
    space=None,
    steps=300,
    learning_rate=0.05,
    candidates=64,
    prior_weight=0.1,
    seed=0,
):
    """Looks for the latents whose images come nearest to the given ones.

    Each search starts at the nearest of some samples and follows Adam down its own
    distance; the best point on the way is kept, so no distance ends above its start.

    Args:
        gan: A trained `AdversarialModel`.
        images: uint8, or floats in [-1, 1], `(batch, *image_shape)`.
        labels: For conditional systems, as for `gan.sample`.
        features: What distances are taken in: a `keras.Model`, or another
            differentiable function, from images in [-1, 1] to `(batch, ...)`; `None`
            for pixels. Distances are mean squared differences.
        space: `"w"`, the styles of a system that has a `map` and a `synthesize`, or
            `"z"`; `None` for the first of these that there is.
        steps: Steps of Adam.
        learning_rate: Its rate, which falls to 0 along a cosine.
        candidates: Samples among which each search finds its start.
        prior_weight: In z, weight of (||z||^2 / latent_dim - 1)^2, which keeps normal
            latents where they are drawn from.
        seed: Integer in [0, 2**63), of the candidates.

    Returns:
        `Projection`.

    Raises:
        ValueError: for images that the system could not have made, `space="w"` of a
            system without styles, or a system that draws pixel after pixel, in whose
            latents there is no way down: it answers `negative_log_likelihood`.

    Example:

    >>> found = project(gan, images[:4], steps=200)  # doctest: +SKIP
    >>> found.images, found.distances  # doctest: +SKIP

    Reference: Karras et al. 2019, arXiv 1912.04958, section 5, without its noise.
    """
    if isinstance(gan, AutoregressiveModel):
        raise ValueError(
            f"{type(gan).__name__} draws pixel after pixel: its latents choose among "
            "levels, and no slope leads to an image."
        )
    has_styles = hasattr(gan, "synthesize")
    space = space or ("w" if has_styles else "z")
    if space not in ("z", "w") or (space == "w" and not has_styles):
        raise ValueError(
            f"space is 'z', or 'w' for systems with styles. Found: {space!r} for "
            f"{type(gan).__name__}."
        )
    target = ops.convert_to_numpy(scaled(ops.convert_to_tensor(images)))
    if target.shape[1:] != gan.image_shape:
        raise ValueError(
            f"Images of shape {gan.image_shape} are looked for. Found: "
            f"{target.shape[1:]}."
        )
    labels = gan.labels_for(len(target), labels)
    make = _maker(gan, labels, space)
    features = features or (lambda batch: batch)
    wanted = ops.convert_to_tensor(features(ops.convert_to_tensor(target)))

    def distances(latents):
        return _mean_square(features(make(latents)) - wanted)

    def objective(latents):
        found = distances(latents)
        if space == "w" or getattr(gan, "latent_range", None) is not None:
            return found
        excess = ops.mean(ops.square(latents), axis=1) - 1.0
        return found + prior_weight * ops.square(excess)

    start = _nearest_candidates(gan, len(target), space, distances, candidates, seed)
    found = search(objective, start, steps, learning_rate)
    first, last = (np.array(ops.convert_to_numpy(distances(p))) for p in (start, found))
    # The prior may have traded distance for a likelier latent.
    found = np.where((last <= first)[:, None], found, start)
    return Projection(
        found,
        np.array(ops.convert_to_numpy(make(ops.convert_to_tensor(found)))),
        np.minimum(last, first),
        first,
    )


def search(objective, start, steps=300, learning_rate=0.05):
    """Follows Adam down an objective of each row; rows do not touch each other.

    Args:
        objective: Differentiable function from `(batch, dimensions)` to `(batch,)`.
        start: Array `(batch, dimensions)`.
        steps: int.
        learning_rate: At first; it falls to 0 along a cosine.

    Returns:
        numpy float32 `(batch, dimensions)`: of each row the best point seen.
    """

    def rate(step):
        return 0.5 * learning_rate * (1.0 + ops.cos(math.pi * step / steps))

    run = gradients.compiled(lambda at: descend(objective, at, steps, rate).best)
    start = ops.convert_to_tensor(np.asarray(start, "float32"))
    return np.array(ops.convert_to_numpy(run(start)))


def _maker(gan, labels, space):
    labels = None if labels is None else ops.convert_to_tensor(labels)
    layers = 0 if space == "z" else gan.map(np.zeros((1, gan.latent_dim))).shape[1]

    def make(latents):
        latents = ops.convert_to_tensor(latents)
        if space == "w":
            styles = ops.repeat(latents[:, None], layers, axis=1)
            return ops.cast(gan.synthesize(styles), "float32")
        return gan.images_of(latents if labels is None else (latents, labels))

    return make


def _nearest_candidates(gan, count, space, distances, candidates, seed):
    """For each of `count` rows the nearest of so many draws of its own."""
    best = lowest = None
    for k in range(max(candidates, 1)):
        drawn = gan.draw_latents(count, CounterStream(seed, first_row=k * count))
        drawn = drawn if space == "z" else gan.map(drawn)[:, 0]
        value = np.array(ops.convert_to_numpy(distances(drawn)))
        drawn = np.array(ops.convert_to_numpy(drawn))
        if best is None:
            best, lowest = drawn, value
        better = value < lowest
        best[better], lowest[better] = drawn[better], value[better]
    return best


def _mean_square(difference):
    axes = tuple(range(1, len(difference.shape)))
    return ops.mean(ops.square(ops.cast(difference, "float32")), axis=axes)
