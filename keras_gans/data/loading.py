"""`load(name)`: real pictures by name, from a folder, or from a file."""

import difflib
import os
from pathlib import Path, PurePath

from keras_gans.core.plain_json import shown
from keras_gans.data.digits import CLASS_NAMES, load_digits
from keras_gans.data.folder import list_folder
from keras_gans.data.moving_digits import load_moving_digits
from keras_gans.data.npz import load_npz, npz_class_names
from keras_gans.data.order import natural_number
from keras_gans.data.picture_files import PictureFiles
from keras_gans.data.pixels import as_size, check_color_mode, recolor, resize
from keras_gans.data.tfds_source import UnknownDataset, load_tfds, tfds_class_names
from keras_gans.data.video_files import load_videos
from keras_gans.data.videos import clips_of, load_npy, npz_holds_videos
from keras_gans.data.volumes import (
    cube_of,
    holds_volumes,
    list_volumes,
    load_volumes,
    resized,
)

_VARIABLE = "KERAS_GANS_DATA"
_MOVING = ("moving_digits", "moving_mnist")


def load(
    name,
    split="train",
    image_size=None,
    color_mode=None,
    antialias=True,
    on_damaged="raise",
    frames=None,
    stride=1,
):
    """Loads pictures and, where there are any, their labels.

    `name` is looked up in this order:

    1. `"digits"`: scikit-learn's 1,797 scans, no network needed; 32x32x1 unless
       `image_size` says otherwise (8 gives the raw scans). `"train"` is the first
       1,437 of them, `"test"` the last 360. `"moving_digits"`: videos of these
       scans, which bounce over a still background (`moving_digits`), 5,000 of the
       first scans and 1,000 of the last; `"moving_mnist"`: the same of the data set
       `"mnist"`.
    2. A folder of pictures (jpg, png, bmp, webp, a gif's first frame). Sub-folders
       become classes, in the order of their sorted names; a flat folder has no
       labels. Sub-folders that are all called `train`, `test`, `val` or
       `validation` are splits. Hidden files and other files are ignored, EXIF
       orientation is applied, transparency is laid over white, 16 bits are scaled
       to 8. Or a folder of volumes (npy, binvox; off, obj, stl and ply meshes, which
       are voxelised to `image_size`), sorted in the same way. Or, with `frames`, a
       folder of videos: gif, mp4 and other films, and folders of pictures.
    3. An `.npz` file with `train_images`, `train_labels`, `test_images`,
       `test_labels` (or `x_train`, `y_train`, ...; or `images`, `labels`); with
       `voxels` or `videos` in the place of `images`, of volumes or videos; or a
       bare `.npy` array of videos.
    4. With the environment variable `KERAS_GANS_DATA=<folder>`: `<folder>/<name>.npz`
       or the folder `<folder>/<name>`.
    5. A TensorFlow Datasets name, downloaded by TFDS.

    Args:
        name: str or path, see above. Write `"./mnist"` for a path that must not be
            taken for a data set's name.
        split: `"train"`, `"test"`, `"all"`, or whatever the source has.
        image_size: int or `(height, width)`: centre crop to this aspect ratio, then
            resize. `None` keeps the source's size. Of volumes the side of the cube:
            smaller ones are laid in its middle, multiples of it reduced.
        color_mode: `"grey"`, `"rgb"`, or `None` to keep the source's; a folder is
            grey only if all its pictures are.
        antialias: `False` resizes to the nearest pixel, which makes no new colours.
        on_damaged: For folders: `"raise"` lists the damaged files in one error,
            `"skip"` leaves them out with a warning that names them.
        frames: Of videos how many frames to take; the last is repeated where there
            are fewer. `None` for all.
        stride: Of videos, 1 takes each frame, 2 every other, and so on.

    Returns:
        `(images, labels)`: uint8 `(num_images, height, width, channels)` in
        [0, 255], volumes `(num, depth, height, width, 1)` with 0 for empty and 255
        for filled voxels, videos `(num, frames, height, width, channels)`; and int64
        `(num_images,)` or `None` without labels. `class_names` tells what the integers
        mean.

    Raises:
        FileNotFoundError: If nothing of that name exists.
        ImportError: If only TFDS could have it, and TFDS is not installed.
        RuntimeError: If TFDS cannot download it.
        ValueError: If an argument is wrong, pictures are damaged or of mixed sizes,
            an `.npz` has another layout, or `name` climbs out of `KERAS_GANS_DATA`.

    Example:

    >>> images, labels = load("digits")
    >>> images.shape, str(images.dtype), labels.shape
    ((1437, 32, 32, 1), 'uint8', (1437,))
    """
    check_color_mode(color_mode)
    image_size = None if image_size is None else as_size(image_size)
    kind, path = locate(name)
    if _is_of_videos(kind, path, frames):
        options = {"frames": frames, "stride": stride, "image_size": image_size}
        return _load_videos(kind, path, split, color_mode, options, on_damaged)
    if frames is not None or stride != 1:
        raise ValueError(f"frames and stride are of videos; {name} holds pictures.")
    if kind == "folder" and holds_volumes(path):
        volumes, labels = load_volumes(path, split, cube_of(image_size), on_damaged)
        return resized(volumes, None, color_mode), labels
    if kind == "folder":
        files = PictureFiles(path, split, image_size, color_mode, antialias, on_damaged)
        return files.read_all()
    if kind == "digits":
        images, labels = load_digits(split)
        image_size = image_size or (32, 32)
    elif kind == "npz":
        images, labels = load_npz(path, split)
    else:
        images, labels = ask_tfds(load_tfds, name, split, image_size, antialias)
    if images.ndim == 5:
        return resized(images, image_size, color_mode), labels
    if image_size is not None:
        images = resize(images, image_size, antialias)
    return recolor(images, color_mode), labels


def _is_of_videos(kind, path, frames):
    if kind == "folder":  # of clips or of pictures: a GIF is either
        return frames is not None
    return kind in ("npy", *_MOVING) or (kind == "npz" and npz_holds_videos(path))


def _load_videos(kind, path, split, color_mode, options, on_damaged):
    natural_number("stride", options["stride"], minimum=1)
    frames = options["frames"]
    if frames is not None:
        natural_number("frames", frames, minimum=1)
    if kind == "folder":
        return load_videos(path, split, color_mode, on_damaged, **options)
    if kind == "npz":
        videos, labels = load_npz(path, split)
    elif kind == "npy":
        videos, labels = load_npy(path, split), None
    else:
        needed = None if frames is None else (frames - 1) * options["stride"] + 1
        scans = (lambda part: load("mnist", part)) if kind == "moving_mnist" else None
        videos, labels = load_moving_digits(split, needed, options["image_size"], scans)
    return clips_of(videos, **options, color_mode=color_mode), labels


def class_names(name):
    """What the labels of `load(name)` mean.

    Args:
        name: As for `load`.

    Returns:
        Tuple of str, the name of label 0 first, or `None` if the source has none.

    Raises:
        As `load`.

    Example:

    >>> class_names("digits")[:3]
    ('0', '1', '2')
    """
    kind, path = locate(name)
    if kind in ("digits", *_MOVING):
        return CLASS_NAMES
    if kind == "npy":
        return None
    if kind == "folder":
        listed = list_volumes if holds_volumes(path) else list_folder
        return listed(path, "all").class_names
    if kind == "npz":
        return npz_class_names(path)
    return ask_tfds(tfds_class_names, name)


def locate(name):
    """Returns `(kind, path)`, the path of a "folder", an "npz" or a "npy".

    Without a path: "digits", "moving_digits", "moving_mnist" or "tfds".
    """
    if not isinstance(name, (str, os.PathLike)) or not os.fspath(name):
        raise ValueError(f"Expected the name or path of a data set, got {name!r}.")
    if name in ("digits", *_MOVING):
        return name, None
    try:
        path = Path(name).expanduser()
        is_dir, is_file = path.is_dir(), path.is_file()
    except (OSError, RuntimeError) as error:  # a name too long, no such user's home
        raise FileNotFoundError(
            f"There is no folder or file {shown(repr(name))}: {error}"
        ) from error
    if is_dir:
        return "folder", path
    if is_file:
        suffix = path.suffix.lower()
        if suffix in (".npz", ".npy"):
            return suffix[1:], path
        raise ValueError(f"{path} is neither a folder of pictures nor an .npz file.")
    root = _data_folder()
    if root is not None:
        _check_stays_inside(name)
        if (root / f"{name}.npz").is_file():
            return "npz", root / f"{name}.npz"
        if (root / name).is_dir():
            return "folder", root / name
    if isinstance(name, PurePath) or _looks_like_a_path(name):
        raise FileNotFoundError(f"There is no folder or file {os.fspath(name)!r}.")
    return "tfds", None


def _looks_like_a_path(name):
    return name.startswith(("/", "./", "../", "~")) or name.endswith(".npz")


def _data_folder():
    value = os.environ.get(_VARIABLE)
    if not value:
        return None
    root = Path(value).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"{_VARIABLE}={value} is not a folder.")
    return root


def _check_stays_inside(name):
    # By its spelling, not resolved: links inside the folder are its owner's.
    parts = PurePath(name)
    if parts.is_absolute() or parts.drive or ".." in parts.parts:
        raise ValueError(
            f"{os.fspath(name)!r} is no existing folder or file, and as a name it "
            f"would climb out of {_VARIABLE}."
        )


def ask_tfds(question, name, *arguments):
    """Calls TFDS; its three ways to fail become one sentence with the ways out.

    Args:
        question: Function of `name` and `*arguments`, such as `load_tfds`.
        name: Name of a data set.
        *arguments: The others.

    Raises:
        FileNotFoundError, ImportError, RuntimeError: with what else could be done.
    """
    root = _data_folder()
    ways = (
        f"Otherwise put <name>.npz or a folder of pictures under {_VARIABLE}"
        f"{f' (now {root})' if root else ''}, or pass the path of either."
    )
    local = [
        "digits",
        *_MOVING,
        *(sorted(file.stem for file in root.glob("*.npz")) if root else []),
    ]
    try:
        return question(name, *arguments)
    except UnknownDataset as error:
        close = difflib.get_close_matches(name, [*local, *error.args[1]])
        guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise FileNotFoundError(
            f"There is no folder, file or TFDS data set {name!r}.{guess} {ways}"
        ) from None
    except ImportError as error:
        close = difflib.get_close_matches(name, local)
        guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise ImportError(
            f"No data set {name!r} here: {error}.{guess} {ways}"
        ) from error
    except RuntimeError as error:
        raise RuntimeError(f"{error}. {ways}") from error
