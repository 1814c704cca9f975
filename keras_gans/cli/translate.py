"""`keras-gans translate`: a folder of pictures in, a folder of pictures out."""

import itertools
import pathlib
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm
from typer import Argument, Option

import keras_gans as kg
from keras_gans.cli.commands import Overwrite, Preset, Seed, check_free
from keras_gans.data.decoding import DamagedPicture, read_header, read_picture
from keras_gans.data.folder import SUFFIXES
from keras_gans.data.label_maps import read_maps
from keras_gans.data.pixels import COLOR_MODES, fit_picture
from keras_gans.pictures import save_png

InDir = Annotated[
    pathlib.Path, Argument(metavar="IN_DIR", help="A folder of pictures, or one file.")
]
OutDir = Annotated[
    pathlib.Path,
    Argument(metavar="OUT_DIR", help="Where PNG files of the same names go."),
]
Direction = Annotated[
    str | None,
    Option(metavar="ab|ba", help="For systems that translate both ways. Default: ab."),
]
Mode = Annotated[
    str | None,
    Option(
        metavar="train|eval",
        help="For pix2pix: with dropout and each picture's own statistics, or without. "
        "Default: what the preset says.",
    ),
]
Resize = Annotated[
    bool,
    Option(
        "--resize",
        help="Resize pictures whose sides do not fit to the nearest that do. Default: "
        "name them, and write nothing.",
    ),
]
Degradation = Annotated[
    str | None,
    Option(
        metavar="NAME",
        help="Degrade the pictures first, e.g. mosaic:8: to try a restoring preset.",
    ),
]
Instances = Annotated[
    pathlib.Path | None,
    Option(
        metavar="DIR",
        help="For pix2pixHD, whose IN_DIR holds label maps: instance maps of the same "
        "names.",
    ),
]
BatchSize = Annotated[
    int, Option(min=1, metavar="N", help="Pictures of one size computed at a time.")
]
EXAMPLES = """\b
Examples:
  keras-gans translate runs/facades/preset labels photographs
  keras-gans translate runs/horse2zebra/preset zebras horses --direction ba
"""
_NAMED = 5


def translate(
    preset: Preset,
    in_dir: InDir,
    out_dir: OutDir,
    direction: Direction = None,
    mode: Mode = None,
    degradation: Degradation = None,
    instances: Instances = None,
    resize: Resize = False,
    seed: Seed = 0,
    batch_size: BatchSize = 16,
    overwrite: Overwrite = False,
):
    """Translate pictures with a trained model, each to a PNG file of its name."""
    files = pictures_in(in_dir)
    root = root_of(in_dir)
    targets = free_targets(files, root, out_dir, overwrite)
    gan = kg.from_preset(preset)
    if not isinstance(gan, kg.ImageTranslator):
        raise ValueError(
            f"{type(gan).__name__} translates no images: see `keras-gans sample`."
        )
    if hasattr(gan, "takes_styles"):
        raise ValueError(
            f"{type(gan).__name__} draws one picture in the style of another: see "
            "`keras-gans stylize`."
        )
    options = {"direction": direction, "mode": mode}
    options = {name: value for name, value in options.items() if value is not None}
    read = _reader(gan, options, degradation, seed, root, instances)
    sizes = sizes_of(files, gan.size_multiple, resize)
    jobs = zip(files, targets, sizes, itertools.count(), strict=False)
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for size, group in itertools.groupby(jobs, lambda job: job[2]):
            for batch in batches_of(group, batch_size):
                images = read([job[0] for job in batch], size)
                made = gan.translate(images, seed, first_row=batch[0][3], **options)
                for (_, target, *_), image in zip(
                    batch, kg.data.to_uint8(made), strict=True
                ):
                    write_picture(target, image)
                bar.update(len(batch))
    typer.echo(f"Wrote {len(files)} pictures to {out_dir}.")


def pictures_in(folder):
    """The picture files of a folder, or the one file.

    Args:
        folder: `pathlib.Path`.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it holds no pictures.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}).")
    return found


def _reader(gan, options, degradation, seed, root, instances):
    """A function of files and their size, to what `translate` takes."""
    if not hasattr(gan, "takes_instances"):
        if instances is not None:
            raise ValueError(f"{type(gan).__name__} takes no --instances.")
        channels = _channels(gan, options, degradation)

        def pictures(files, size):
            images = np.stack([read_as(file, size, channels) for file in files])
            if degradation is None:
                return images
            return kg.data.degrade(images, degradation, seed)

        return pictures
    name = type(gan).__name__
    if unfit := [*options, *(["degradation"] if degradation else [])]:
        raise ValueError(f"{name} takes no {' and no '.join(unfit)}.")
    if gan.takes_instances != (instances is not None):
        needs = "also needs instance maps: give" if gan.takes_instances else "takes no"
        raise ValueError(f"{name} {needs} --instances.")

    def maps(files, size):
        labels = read_maps(files, size)
        if instances is None:
            return labels
        others = [instances / file.relative_to(root) for file in files]
        return labels, read_maps(others, size, files)

    return maps


def root_of(folder):
    """What names of pictures are relative to: the folder, or that of the one file."""
    return folder if folder.is_dir() else folder.parent


def free_targets(
    files, root, out_dir, overwrite, suffix=".png", suffixes=(".png",), what="Pictures"
):
    """The file made of each picture, in a folder like the one it comes from.

    Args:
        files: Paths of the pictures.
        root: The folder that they lie in.
        out_dir: The folder of the targets.
        overwrite: Whether these may be there.
        suffix: Their ending.
        suffixes: Endings that are known.
        what: What they are, for messages.

    Raises:
        ValueError: for an ending that is not known; where two pictures would be
            written to one target.
        FileExistsError: for a target that is there.
    """
    targets = [out_dir / file.relative_to(root).with_suffix(suffix) for file in files]
    seen = {}
    for file, target in zip(files, targets, strict=True):
        if target in seen:
            raise ValueError(f"{seen[target]} and {file} would both become {target}.")
        seen[target] = file
    check_free(targets, overwrite, suffixes, what)
    return targets


def write_picture(target, image):
    """Writes a PNG file, and the folder that it lies in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    save_png(target, image)


def _channels(gan, options, degradation):
    try:
        channels = gan.channels_taken(**options)
    except TypeError:
        raise ValueError(
            f"{type(gan).__name__} takes no {' and no '.join(options)}."
        ) from None
    for colours in (1, 3) if degradation is not None else ():
        probe = np.zeros((1, *gan.image_shape[:2], colours), "uint8")
        try:
            if kg.data.degrade(probe, degradation).shape[-1] == channels:
                return colours
        except ValueError:
            continue
    if channels not in (1, 3):
        raise ValueError(
            f"This model takes images of {channels} channels, which pictures do not "
            "have: a preset that restores takes --degradation, as it was trained."
        )
    return channels


def sizes_of(files, multiple, resize, only=None):
    """(height, width) of each picture as it is translated; all headers are read.

    Args:
        files: Paths.
        multiple: What both sides must be multiples of.
        resize: Whether others are resized.
        only: (height, width) if there is but one size.

    Raises:
        ValueError: naming files that are damaged, or that do not fit.
    """
    sizes, problems = [], []
    for file in files:
        try:
            size = read_header(file)[0]
        except DamagedPicture as why:
            problems.append(f"{file}: {why}")
            continue
        legal = only or kg.data.legal_size(size, multiple)
        if size != legal and not resize:
            found, nearest = ("x".join(map(str, sides)) for sides in (size, legal))
            problems.append(f"{file} is {found}, the nearest size is {nearest}")
        sizes.append(legal)
    if problems:
        more = len(problems) - _NAMED
        named = [*problems[:_NAMED], *([f"and {more} more"] if more > 0 else [])]
        if not resize:
            named.append("--resize resizes pictures that do not fit")
        raise ValueError("; ".join(named))
    return sizes


def read_as(file, size, channels):
    """A picture as a uint8 array of this size and of one or three channels.

    Raises:
        ValueError: if it is damaged.
    """

    def finish(picture):
        if (picture.height, picture.width) != size:
            picture = fit_picture(picture, size, True)
        return np.asarray(picture).reshape(*size, -1)

    try:
        return read_picture(file, COLOR_MODES[channels], finish)
    except DamagedPicture as why:
        raise ValueError(f"{file}: {why}") from why


def batches_of(jobs, size):
    """Lists of so many jobs, the last one of what is left."""
    while batch := list(itertools.islice(jobs, size)):
        yield batch
