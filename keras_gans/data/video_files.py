"""Videos from files: films, GIFs, and folders of frames."""

import re
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from keras_gans.data.decoding import MAX_PIXELS, read_picture
from keras_gans.data.folder import SPLIT_NAMES, list_folder
from keras_gans.data.folder import SUFFIXES as PICTURE_SUFFIXES
from keras_gans.data.many_files import read_each
from keras_gans.data.pixels import fit_picture, recolor
from keras_gans.data.videos import clip_of

# Read frame by frame by PyAV; GIFs by Pillow.
FILM_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg")
_FRAME_SUFFIXES = tuple(s for s in PICTURE_SUFFIXES if s != ".gif")
_NAMED = 5


class Listing(NamedTuple):
    """The clips of a folder: `{path: files}`, their labels and the classes' names."""

    clips: dict
    labels: object
    class_names: object


def list_videos(folder, split):
    """The clips of a folder: films, GIFs, and folders of pictures, their frames.

    Args:
        folder: `pathlib.Path`.
        split: As for `load`.

    Returns:
        `Listing`. Sub-folders that hold clips are classes; those that are clips are
        none.

    Raises:
        ValueError: as `list_folder`.
    """
    suffixes = (".gif", *FILM_SUFFIXES, *_FRAME_SUFFIXES)
    files, labels, class_names = list_folder(folder, split, suffixes)
    clips, of_clips, classes_are_clips = {}, [], class_names is None
    for i, file in enumerate(files):
        is_frame = file.suffix.lower() in _FRAME_SUFFIXES
        clip = file.parent if is_frame else file
        if clip not in clips:
            clips[clip] = []
            of_clips.append(0 if labels is None else labels[i])
            parts = clip.relative_to(folder).parts
            in_split = len(parts) > 1 and parts[0] in SPLIT_NAMES
            classes_are_clips |= is_frame and len(parts) - in_split < 2
        clips[clip].append(file)
    clips = {clip: sorted(frames, key=_by_number) for clip, frames in clips.items()}
    if classes_are_clips:
        return Listing(clips, None, None)
    return Listing(clips, np.array(of_clips, "int64"), class_names)


def load_videos(
    folder, split, color_mode, on_damaged, frames, stride=1, image_size=None
):
    """The videos of a folder, and the classes that its sub-folders are.

    Args:
        folder: Path of the folder.
        split: As for `load`, like all that follow.
        color_mode: `"grey"`, `"rgb"`, or `None`: grey if all frames are.
        on_damaged: `"raise"` or `"skip"`.
        frames: How many; the last is repeated where there are fewer.
        stride: 1 takes each frame, 2 every other.
        image_size: `(height, width)`, or `None`.

    Returns:
        uint8 videos `(num, frames, height, width, channels)`, and int64 labels or
        `None`.

    Raises:
        ImportError: for films without PyAV.
        ValueError: as `load`.
    """
    clips, labels, _ = list_videos(folder, split)

    def read(clip):
        return read_video(clips[clip], frames, stride, image_size)

    if any(clip.suffix.lower() in FILM_SUFFIXES for clip in clips):
        import_av()
    videos, sound = read_each(folder, list(clips), read, on_damaged, "videos")
    if color_mode is None and (videos == videos[..., :1]).all():
        color_mode = "grey"
    return recolor(videos, color_mode), None if labels is None else labels[sound]


def read_video(files, frames=None, stride=1, image_size=None):
    """One video.

    Args:
        files: A list of one film or GIF, or of the pictures that are its frames.
        frames: How many frames to take; the last is repeated where there are fewer.
        stride: 1 takes each frame, 2 every other.
        image_size: `(height, width)`: centre crop to this aspect ratio, then resize.

    Returns:
        uint8 array `(frames, height, width, 3)`.

    Raises:
        DamagedPicture: for a picture that cannot be read.
        ImportError: for films without PyAV.
        OSError: for a damaged film.
        ValueError: for a film without frames, or frames of several sizes.
    """

    def fitted(picture):
        picture = picture.convert("RGB")
        if image_size is not None:
            picture = fit_picture(picture, image_size, antialias=True)
        return np.asarray(picture)

    suffix = files[0].suffix.lower()
    if suffix in _FRAME_SUFFIXES:
        kept = files[::stride][:frames]
        found = [read_picture(file, "rgb", fitted) for file in kept]
    else:
        read = _frames_of_gif if suffix == ".gif" else _frames_of_film
        end = None if frames is None else frames * stride
        with closing(read(files[0])) as pictures:
            found = [fitted(one) for one in islice(pictures, 0, end, stride)]
    if not found:
        raise ValueError("it has no frames")
    if len({frame.shape for frame in found}) > 1:
        raise ValueError("its frames differ in size")
    return clip_of(found, frames)


def import_av():
    """The package PyAV, which brings FFmpeg's libraries along.

    Raises:
        ImportError: saying how to install it.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "Films other than GIFs are read and written by PyAV: "
            "pip install 'keras-gans[video]'."
        ) from error
    return av


def _frames_of_gif(path):
    with Image.open(path, formats=("GIF",)) as film:
        _check_size(film.size)
        for frame in ImageSequence.Iterator(film):
            yield frame.convert("RGBA")


def _frames_of_film(path):
    with import_av().open(str(path)) as film:
        if not film.streams.video:
            raise ValueError("it has no pictures")
        stream = film.streams.video[0]
        _check_size((stream.width, stream.height))
        for frame in film.decode(stream):
            yield frame.to_image()


def _check_size(size):
    if size[0] * size[1] > MAX_PIXELS:
        raise ValueError(f"its frames of {size[0]}x{size[1]} pixels are too large")


def _by_number(file):
    """Frames 2 and 10 in this order, however they are written."""
    parts = re.split(r"(\d+)", file.name)
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts]
