"""How sampled videos move, and what of them stands still."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class VideoFigures:
    """What `video_figures` found.

    Attributes:
        motion: Mean |x_{t+1} - x_t| of the samples, in [-1, 1].
        real_motion: That of the real videos.
        motion_ratio: The one over the other; 1 if alike.
        still: Mean |x_{t+1} - x_t| where the mask of both frames is below 0.2, over
            `motion`; `None` without masks, or if they are nowhere so low.
        mask: Mean of the masks; `None` without them.
        standing: Share of points that change by less than 1/64 of the range
            between each two frames.
        real_standing: That of the real videos.
    """

    motion: float
    real_motion: float
    motion_ratio: float
    still: float | None
    mask: float | None
    standing: float
    real_standing: float


def motion_energy(videos):
    """Mean |x_{t+1} - x_t|.

    Args:
        videos: `(num, frames, height, width, channels)`; uint8 is mapped to [-1, 1].

    Returns:
        float.

    Raises:
        ValueError: for something else than videos of two frames at least.
    """
    return float(np.mean([_changes(video).mean() for video in _videos(videos)]))


def video_figures(videos, real, masks=None):
    """What moves in sampled videos, beside real ones.

    Args:
        videos: Samples `(num, frames, height, width, channels)`, uint8 or floats in
            [-1, 1].
        real: Real videos, the same.
        masks: Of the samples, `(num, frames, height, width, 1)` in [0, 1], 1 where
            the foreground is seen; `None` for systems without.

    Returns:
        `VideoFigures`.

    Raises:
        ValueError: for something else than videos, or masks of another shape.

    Example:

    >>> real = np.zeros((2, 4, 8, 8, 1))
    >>> real[:, ::2] = 1.0
    >>> float(video_figures(real / 2, real).motion_ratio)
    0.5
    """
    motion, real_motion = motion_energy(videos), motion_energy(real)
    still = mean_mask = None
    if masks is not None:
        masks = np.asarray(masks)
        if masks.shape != (*np.shape(videos)[:-1], 1):
            raise ValueError(
                f"Masks of videos {np.shape(videos)} have one channel. Found: "
                f"{masks.shape}."
            )
        mean_mask = float(masks.mean())
        still = _stillness(videos, masks)
        if still is not None:
            still = still / motion if motion else 0.0
    return VideoFigures(
        motion=motion,
        real_motion=real_motion,
        motion_ratio=motion / real_motion if real_motion else float("inf"),
        still=still,
        mask=mean_mask,
        standing=_standing(videos),
        real_standing=_standing(real),
    )


def _videos(videos):
    videos = np.asarray(videos)
    if videos.ndim != 5 or videos.shape[1] < 2 or not len(videos):
        raise ValueError(
            "Videos have the shape (num, frames, height, width, channels), with two "
            f"frames or more. Found: {videos.shape}."
        )
    return videos


def as_floats(videos):
    """Videos as float32 in [-1, 1]; uint8 is mapped there."""
    videos = np.asarray(videos)
    if videos.dtype == np.uint8:
        return videos.astype("float32") / np.float32(127.5) - 1
    return videos.astype("float32", copy=False)


def _changes(video):
    return np.abs(np.diff(as_floats(video), axis=0))


def _standing(videos):
    shares = [(_changes(video).max(0) < 2 / 64).mean() for video in _videos(videos)]
    return float(np.mean(shares))


def _stillness(videos, masks):
    total = count = 0
    for video, mask in zip(_videos(videos), masks, strict=True):
        low = np.maximum(mask[1:], mask[:-1])[..., 0] < 0.2
        total += _changes(video)[low].sum(dtype="float64")
        count += low.sum() * video.shape[-1]
    return float(total / count) if count else None
