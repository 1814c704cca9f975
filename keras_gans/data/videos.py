"""Videos as arrays: clips of them, and files of arrays."""

import numpy as np

from keras_gans.data.archives import Archive
from keras_gans.data.pixels import recolor, resize


def clip_of(video, frames=None, stride=1):
    """Every so many frames of a video, as many as are asked for.

    Args:
        video: Array whose first axis is time, or a list of frames.
        frames: How many; where there are fewer, the last is repeated. `None`: all.
        stride: 1 takes each frame, 2 every other.

    Returns:
        Array.
    """
    clip = np.asarray(video)[::stride][:frames]
    missing = 0 if frames is None else frames - len(clip)
    return np.concatenate([clip, np.repeat(clip[-1:], missing, 0)]) if missing else clip


def clips_of(videos, frames=None, stride=1, image_size=None, color_mode=None):
    """What `load` makes of an array of videos.

    Args:
        videos: uint8 `(num, frames, height, width, channels)`.
        frames: As for `clip_of`.
        stride: As for `clip_of`.
        image_size: `(height, width)`: centre crop to this aspect ratio, then resize.
        color_mode: `"grey"`, `"rgb"` or `None`.

    Returns:
        uint8 array.
    """
    videos = clip_of(videos.swapaxes(0, 1), frames, stride).swapaxes(0, 1)
    if image_size is not None and videos.shape[2:4] != tuple(image_size):
        flat = resize(videos.reshape(-1, *videos.shape[2:]), image_size)
        videos = flat.reshape(*videos.shape[:2], *flat.shape[1:])
    return recolor(videos, color_mode)


def as_videos(videos, where):
    """Arrays as uint8 videos `(num, frames, height, width, 1 or 3)`.

    Args:
        videos: Array of integers in [0, 255]; a single channel may be absent.
        where: The file and the name in it, for the message.

    Raises:
        ValueError: If it holds no videos.
    """
    if videos.ndim == 4:
        videos = videos[..., None]
    if videos.ndim != 5 or videos.shape[-1] not in (1, 3) or 0 in videos.shape:
        raise ValueError(
            f"{where} has shape {videos.shape}, expected (num_videos, frames, height, "
            "width, 1 or 3)."
        )
    if videos.dtype.kind not in "iu" or videos.min() < 0 or videos.max() > 255:
        raise ValueError(
            f"{where} is {videos.dtype}, expected uint8 pixels in [0, 255]: nothing is "
            "rescaled by guess."
        )
    return videos.astype("uint8", copy=False)


def npz_holds_videos(path):
    """Whether an `.npz` file names arrays of videos."""
    with open(path, "rb") as file:
        return any("videos" in name for name in Archive(path, file).names)


def load_npy(path, split):
    """The videos of a bare `.npy` array, which is the part `"train"` and all."""
    if split not in ("train", "all"):
        raise ValueError(f"{path} has the splits ['train', 'all'], got {split!r}.")
    try:
        # Mapped: a header that claims more than the file holds is refused.
        videos = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as why:
        raise ValueError(f"{path} is not a readable .npy file: {why}") from why
    return as_videos(np.asarray(videos), str(path))
