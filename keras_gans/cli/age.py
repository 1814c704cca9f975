"""`keras-gans age`: a folder of faces in, the same faces at another age out."""

from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm
from typer import Option

import keras_gans as kg
from keras_gans.cli.commands import Overwrite, Preset
from keras_gans.cli.score import BatchSize, Resize
from keras_gans.cli.translate import (
    InDir,
    OutDir,
    batches_of,
    free_targets,
    pictures_in,
    read_as,
    root_of,
    sizes_of,
    write_picture,
)
from keras_gans.pictures import image_grid

FromClass = Annotated[
    int,
    Option(
        min=0, metavar="N", help="The age class that the people are of, as they are."
    ),
]
ToClass = Annotated[
    int | None,
    Option(
        min=0,
        metavar="N",
        help="The age class to draw. Default: all of them, from left to right.",
    ),
]
Search = Annotated[
    str,
    Option(
        metavar="lbfgs|adam|encoder",
        help="How a face is looked for: one by one, many at once, or not beyond what "
        "the encoder says, which is fast.",
    ),
]
Target = Annotated[
    str,
    Option(
        metavar="identity|pixels",
        help="What a search keeps: the person, as the recogniser sees it, or pixels.",
    ),
]
Steps = Annotated[int, Option(min=1, metavar="N", help="Most steps of a search.")]
EXAMPLES = """\b
Examples:
  keras-gans age age_cgan_fairface faces/ older/ --from-class 3 --to-class 7 --resize
  keras-gans age age_cgan_fairface face.jpg ages/ --from-class 3 --resize
"""


def age(
    preset: Preset,
    in_dir: InDir,
    out_dir: OutDir,
    from_class: FromClass,
    to_class: ToClass = None,
    search: Search = "lbfgs",
    target: Target = "identity",
    steps: Steps = 100,
    resize: Resize = False,
    batch_size: BatchSize = 32,
    overwrite: Overwrite = False,
):
    """Draw faces at another age, each to a PNG file of its name."""
    files = pictures_in(in_dir)
    targets = free_targets(files, root_of(in_dir), out_dir, overwrite)
    gan = kg.from_preset(preset)
    if not isinstance(gan, kg.AgeCGAN):
        raise ValueError(f"{type(gan).__name__} ages no faces: see age_cgan.")
    side, channels = gan.image_shape[:2], gan.image_shape[-1]
    sizes_of(files, gan.size_multiple, resize, side)
    options = {"search": search, "target": target, "steps": steps}
    jobs = zip(files, targets, strict=True)
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for batch in batches_of(jobs, batch_size):
            images = np.stack([read_as(file, side, channels) for file, _ in batch])
            made = gan.age(images, from_class, to_class, batch_size, **options)
            made = made if to_class is None else made[:, None]
            for (_, path), row in zip(batch, kg.data.to_uint8(made), strict=True):
                write_picture(path, image_grid(row, len(row)))
            bar.update(len(batch))
    typer.echo(f"Wrote {len(files)} pictures to {out_dir}.")
