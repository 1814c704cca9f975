"""`keras-gans predict` and `reconstruct`: of each picture a film, or a mesh."""

import pathlib
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm
from typer import Argument, Option

import keras_gans as kg
from keras_gans.cli.commands import MeshFormat, Overwrite, Preset, wrote_surface
from keras_gans.cli.score import BatchSize
from keras_gans.cli.translate import (
    InDir,
    Resize,
    batches_of,
    free_targets,
    pictures_in,
    read_as,
    root_of,
    sizes_of,
)
from keras_gans.pictures.films import FILM_SUFFIXES

Films = Annotated[
    pathlib.Path,
    Argument(
        metavar="OUT", help="Folder of the films, which have the pictures' names."
    ),
]
Meshes = Annotated[
    pathlib.Path,
    Argument(
        metavar="OUT", help="Folder of the meshes, which have the pictures' names."
    ),
]
FilmFormat = Annotated[str, Option(metavar="gif|mp4", help="Kind of the files.")]
PREDICT_EXAMPLES = """\b
Example:
  keras-gans predict runs/clips/preset stills films --format mp4
"""
RECONSTRUCT_EXAMPLES = """\b
Example:
  keras-gans reconstruct runs/chairs/preset photographs chairs --format stl
"""


def predict(
    preset: Preset,
    in_: InDir,
    out: Films,
    format: FilmFormat = "gif",
    resize: Resize = False,
    batch_size: BatchSize = 16,
    overwrite: Overwrite = False,
):
    """Go on from pictures: films that begin with them."""
    files, targets = _jobs(in_, out, format, FILM_SUFFIXES, "Films", overwrite)
    gan = kg.from_preset(preset)
    if not hasattr(gan, "predict_future"):
        raise ValueError(
            f"{type(gan).__name__} predicts no videos: see vgan_prediction."
        )
    shape = gan.frame_shape
    for target, video in _made(
        files, targets, shape, resize, batch_size, gan.predict_future
    ):
        kg.pictures.save_film(target, kg.data.to_uint8(video))
    typer.echo(f"Wrote {len(files)} films of {gan.image_shape[0]} frames to {out}.")


def reconstruct(
    preset: Preset,
    in_: InDir,
    out: Meshes,
    format: MeshFormat = "obj",
    resize: Resize = False,
    batch_size: BatchSize = 16,
    overwrite: Overwrite = False,
):
    """Find the volumes that pictures show: a mesh of each."""
    known = kg.data.MESH_SUFFIXES
    files, targets = _jobs(in_, out, format, known, "Meshes", overwrite)
    gan = kg.from_preset(preset)
    if not hasattr(gan, "draws_volumes") or not hasattr(gan, "reconstruct"):
        raise ValueError(
            f"{type(gan).__name__} makes no volumes of pictures: see vae_gan_3d."
        )
    empty, shape = [], gan.picture_shape
    for target, volume in _made(
        files, targets, shape, resize, batch_size, gan.reconstruct
    ):
        if not wrote_surface(target, volume):
            empty.append(target.name)
    note = f"; no voxel is full for {', '.join(empty)}" if empty else ""
    typer.echo(f"Wrote {len(files) - len(empty)} meshes to {out}{note}.")


def _jobs(in_, out, format, suffixes, what, overwrite):
    """Pictures, and the files that are made of them."""
    files, end = pictures_in(in_), f".{format}"
    root = root_of(in_)
    return files, free_targets(files, root, out, overwrite, end, suffixes, what)


def _made(files, targets, shape, resize, batch_size, make):
    """Yields each file to be written, and what `make` made of its picture."""
    sizes_of(files, 1, resize, only=shape[:2])
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for batch in batches_of(zip(files, targets, strict=True), batch_size):
            pictures = [read_as(file, shape[:2], shape[-1]) for file, _ in batch]
            for (_, target), one in zip(batch, make(np.stack(pictures)), strict=True):
                target.parent.mkdir(parents=True, exist_ok=True)
                yield target, one
            bar.update(len(batch))
