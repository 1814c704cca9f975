"""Many videos as one film, and films as files."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from keras_gans.core.files import written_whole
from keras_gans.pictures.grids import image_grid

FILM_SUFFIXES = (".gif", ".mp4")


def video_grid(videos, columns=None, scale=None):
    """One film of many, row by row, with a thin border.

    Args:
        videos: float array `(num, frames, height, width, 1 or 3)` in [-1, 1], or uint8.
        columns: Videos per row; `None` for about a square.
        scale: As for `image_grid`.

    Returns:
        uint8 array `(frames, height, width, channels)`.

    Raises:
        ValueError: for something else than videos.

    Example:

    >>> save_gif("digits.gif", video_grid(gan.sample(16, seed=7)))
    """
    if videos.ndim != 5:
        raise ValueError(
            "A film shows videos of shape (num, frames, height, width, 1 or 3). Found: "
            f"{videos.shape}."
        )
    columns = columns or math.isqrt(len(videos) - 1) + 1
    frames = videos.swapaxes(0, 1)
    return np.stack([image_grid(images, columns, scale) for images in frames])


def save_film(path, frames, seconds=0.08):
    """Writes a film as a GIF or an MP4, by the ending of the file's name.

    Args:
        path: File to write.
        frames: uint8 array `(frames, height, width, 1 or 3)`.
        seconds: How long each frame is shown.

    Raises:
        ValueError: for another ending.
        ImportError: as `save_mp4`.
    """
    kinds = {".gif": save_gif, ".mp4": save_mp4}
    suffix = Path(path).suffix.lower()
    if suffix not in kinds:
        raise ValueError(f"Films are GIF or MP4 files. Found the name {path}.")
    kinds[suffix](path, frames, seconds)


def save_gif(path, frames, seconds=0.08):
    """Writes a film as an endless GIF, wholly or not at all.

    Args:
        path: File to write.
        frames: uint8 array `(frames, height, width, 1 or 3)`.
        seconds: How long each frame is shown.
    """
    first, *others = [
        Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame)
        for frame in frames
    ]
    with written_whole(path) as file:
        first.save(
            file,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=round(1000 * seconds),
            loop=0,
        )


def save_mp4(path, frames, seconds=0.08):
    """Writes a film as an MP4 of H.264, wholly or not at all.

    Odd sides get a line of black: the format has none.

    Args:
        path: File to write.
        frames: uint8 array `(frames, height, width, 1 or 3)`.
        seconds: How long each frame is shown.

    Raises:
        ImportError: without PyAV, which brings FFmpeg's libraries along.
    """
    from keras_gans.data.video_files import import_av

    av = import_av()
    height, width, channels = frames.shape[1:]
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    frames = np.repeat(frames, 3 // channels, axis=-1)
    with (
        written_whole(path) as file,
        av.open(str(file), "w", format="mp4") as film,
    ):
        stream = film.add_stream(
            "libx264", rate=Fraction(1 / seconds).limit_denominator(1000)
        )
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"  # what every player shows
        stream.options = {"crf": "16"}
        for pixels in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        film.mux(stream.encode())
