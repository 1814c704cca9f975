"""`keras-gans upscale`: pictures of any size in, larger ones out."""

import pathlib
from typing import Annotated

import typer
from tqdm import tqdm
from typer import Argument, Option

import keras_gans as kg
from keras_gans.cli.commands import Overwrite, Preset, check_free
from keras_gans.cli.translate import (
    InDir,
    free_targets,
    pictures_in,
    read_as,
    root_of,
    sizes_of,
    write_picture,
)

Out = Annotated[
    pathlib.Path,
    Argument(
        metavar="OUT",
        help="Where PNG files of the same names go; of one picture, the name of its "
        "file, or a folder.",
    ),
]
Tile = Annotated[
    int,
    Option(
        min=1,
        metavar="PIXELS",
        help="Side of the parts in which larger pictures are computed: less memory, "
        "the same pictures.",
    ),
]
Overlap = Annotated[
    int | None,
    Option(
        min=0,
        metavar="PIXELS",
        help="Pixels seen beyond a part. Default: as many as the network looks at; "
        "fewer are faster, and may leave seams.",
    ),
]
EXAMPLES = """\b
Examples:
  keras-gans upscale srgan_t91_x4 photo.jpg large.png
  keras-gans upscale srgan_t91_x4 photographs large --tile 128
"""


def upscale(
    preset: Preset,
    in_: InDir,
    out: Out,
    tile: Tile = 256,
    overlap: Overlap = None,
    overwrite: Overwrite = False,
):
    """Enlarge pictures with a trained model, each to a PNG file of its name."""
    files = pictures_in(in_)
    if in_.is_file() and out.suffix == ".png":
        targets = [out]
        check_free(targets, overwrite)
    else:
        targets = free_targets(files, root_of(in_), out, overwrite)
    gan = kg.from_preset(preset)
    if not isinstance(gan, kg.ImageUpscaler):
        raise ValueError(
            f"{type(gan).__name__} enlarges no pictures: see `keras-gans systems`."
        )
    sizes = sizes_of(files, 1, False)
    jobs = zip(files, targets, sizes, strict=True)
    for file, target, size in tqdm(
        jobs, total=len(files), unit="picture", disable=None
    ):
        picture = read_as(file, size, gan.image_shape[-1])
        made = gan.upscale(picture[None], tile=tile, overlap=overlap)
        write_picture(target, kg.data.to_uint8(made)[0])
    typer.echo(f"Wrote {len(files)} pictures, x{gan.scale}, to {out}.")
