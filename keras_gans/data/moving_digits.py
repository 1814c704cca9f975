"""Digits that bounce over a still background: videos that need no network."""

import math

import numpy as np

from keras_gans.data.digits import SPLITS, load_digits
from keras_gans.data.order import example_draws, natural_number
from keras_gans.data.pixels import resize

NUM_VIDEOS = {"train": 5000, "test": 1000}
FRAMES = 16
SIDE = 32
# Pixels per frame where the side is 32.
_SPEEDS = (0.75, 1.75)
# A digit stays brighter than what it moves over.
_BRIGHTEST_BACKGROUND = 144


def moving_digits(
    num_videos,
    frames=FRAMES,
    side=SIDE,
    seed=0,
    background=True,
    digits_per_video=1,
    digits=None,
    digit_labels=None,
):
    """Draws videos of digits that move straight on and bounce off the sides.

    The camera stands still. Each video has a background of its own, which does not
    move: a gradient from black to grey along a direction drawn at random.

    Args:
        num_videos: Their number.
        frames: Frames of each.
        side: Pixels of a frame's sides, from 16 on; a digit takes half of them.
        seed: Integer; a video depends on it and on its own number alone.
        background: Whether there is a gradient; else black.
        digits_per_video: Digits that move about, through each other.
        digits: uint8 scans `(num, height, width, 1)`, bright on dark; `None` for
            scikit-learn's, those of the part `"train"`.
        digit_labels: Their classes.

    Returns:
        `(videos, labels)`: uint8 `(num_videos, frames, side, side, 1)`; and int64
        `(num_videos,)`, the class of the first digit of each, or `None` without
        `digit_labels`.

    Raises:
        ValueError: for numbers out of range.

    Example:

    >>> videos, labels = moving_digits(2, frames=8)
    >>> videos.shape, labels.shape
    ((2, 8, 32, 32, 1), (2,))
    """
    natural_number("num_videos", num_videos, minimum=1)
    natural_number("frames", frames, minimum=1)
    natural_number("side", side, minimum=16)
    natural_number("digits_per_video", digits_per_video, minimum=1)
    if digits is None:
        digits, digit_labels = load_digits("train")
    size = side // 2
    videos = np.empty((num_videos, frames, side, side, 1), "uint8")
    first = np.empty(num_videos, "int64")
    for i, video in enumerate(videos):
        random = example_draws(seed, 0, i)
        # Drawn in any case: the digits are the same on black.
        gradient = _gradient(side, random)
        video[:] = gradient if background else 0
        shown = random.randint(len(digits), size=digits_per_video)
        first[i] = shown[0]
        for digit in resize(digits[shown], size)[..., 0]:
            for frame, (top, left) in zip(
                video[..., 0], _path(frames, side, random), strict=True
            ):
                spot = frame[top : top + size, left : left + size]
                np.maximum(spot, digit, out=spot)
    return videos, None if digit_labels is None else np.asarray(digit_labels)[first]


def load_moving_digits(split, frames=None, image_size=None, scans=None):
    """The videos of `load("moving_digits")`.

    Args:
        split: `"train"`, `"test"` or `"all"`.
        frames: Frames of each; 16.
        image_size: `(side, side)`; 32.
        scans: Function of a split that returns digits and labels; scikit-learn's.

    Returns:
        `(videos, labels)`.

    Raises:
        ValueError: for an unknown split, or frames that are not square.
    """
    if split not in SPLITS:
        raise ValueError(f"'moving_digits' has the splits {list(SPLITS)}: {split!r}?")
    side = SIDE if image_size is None else image_size[0]
    if image_size is not None and len(set(image_size)) > 1:
        raise ValueError(
            f"Moving digits have square frames: pass one number. Found: {image_size}."
        )
    parts = []
    for seed, part in enumerate(NUM_VIDEOS):
        if split in (part, "all"):
            digits, labels = (scans or load_digits)(part)
            parts.append(
                moving_digits(
                    NUM_VIDEOS[part],
                    frames or FRAMES,
                    side,
                    seed,
                    digits=digits,
                    digit_labels=labels,
                )
            )
    videos, labels = zip(*parts, strict=True)
    return np.concatenate(videos), np.concatenate(labels)


def _path(frames, side, random):
    """The upper left corner in each frame: reflected where it would leave."""
    room = side - side // 2
    start = random.uniform(0, room, 2)
    angle = random.uniform(0, 2 * math.pi)
    speed = random.uniform(*_SPEEDS) * side / SIDE
    step = speed * np.array([math.sin(angle), math.cos(angle)])
    free = start + step * np.arange(frames)[:, None]
    return np.rint(np.abs((free + room) % (2 * room) - room)).astype(int)


def _gradient(side, random):
    angle = random.uniform(0, 2 * math.pi)
    places = np.arange(side) - (side - 1) / 2
    along = places[:, None] * math.sin(angle) + places * math.cos(angle)
    along = (along - along.min()) / (along.max() - along.min())
    return np.rint(_BRIGHTEST_BACKGROUND * along).astype("uint8")[..., None]
