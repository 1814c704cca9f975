"""`keras-gans stylize`: a folder of pictures in the style of one, or of several."""

import itertools
import pathlib
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm
from typer import Argument, Option

import keras_gans as kg
from keras_gans.cli.commands import Overwrite, Preset
from keras_gans.cli.translate import (
    BatchSize,
    OutDir,
    batches_of,
    free_targets,
    pictures_in,
    read_as,
    root_of,
    sizes_of,
    write_picture,
)

ContentDir = Annotated[
    pathlib.Path,
    Argument(metavar="CONTENT_DIR", help="A folder of pictures, or one file."),
]
Style = Annotated[
    list[pathlib.Path],
    Option(metavar="IMAGE", help="The style. Repeat it for a style between several."),
]
Weight = Annotated[
    list[float] | None,
    Option(
        metavar="X",
        help="Of several styles: their proportions, one for each. Default: equal.",
    ),
]
Alpha = Annotated[
    float,
    Option(
        min=0.0,
        max=1.0,
        metavar="X",
        help="1 for all of the style, 0 for none. Default: 1.",
    ),
]
Color = Annotated[
    str | None,
    Option(
        metavar="histogram|coral|linear",
        help="Keep the colours of the content. Default: those of the style.",
    ),
]
EXAMPLES = """\b
Examples:
  keras-gans stylize adain_paintings photographs painted --style starry_night.jpg
  keras-gans stylize adain_paintings photo.jpg painted --style wave.jpg --alpha 0.6
  keras-gans stylize adain_paintings photographs painted --style a.jpg --weight 3 \\
      --style b.jpg --weight 1 --color coral
"""


def stylize(
    preset: Preset,
    content_dir: ContentDir,
    out_dir: OutDir,
    style: Style,
    weight: Weight = None,
    alpha: Alpha = 1.0,
    color: Color = None,
    batch_size: BatchSize = 4,
    overwrite: Overwrite = False,
):
    """Draw pictures in the style of another one, each to a PNG file of its name."""
    files = pictures_in(content_dir)
    targets = free_targets(files, root_of(content_dir), out_dir, overwrite)
    gan = kg.from_preset(preset)
    if not hasattr(gan, "takes_styles"):
        raise ValueError(f"{type(gan).__name__} takes no styles.")
    channels = gan.image_shape[-1]
    sizes = zip(style, sizes_of(style, 1, False), strict=True)
    styles = [read_as(file, size, channels) for file, size in sizes]
    options = {"alpha": alpha, "weights": weight, "color": color}
    sizes = sizes_of(files, 1, False)
    for size in {*sizes, *(one.shape[:2] for one in styles)}:
        gan.check_size(size)
    jobs = zip(files, targets, sizes, strict=True)
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for size, group in itertools.groupby(jobs, lambda job: job[2]):
            for batch in batches_of(group, batch_size):
                images = [read_as(job[0], size, channels) for job in batch]
                made = gan.stylize(np.stack(images), styles, **options)
                for (_, target, _), image in zip(
                    batch, kg.data.to_uint8(made), strict=True
                ):
                    write_picture(target, image)
                bar.update(len(batch))
    typer.echo(f"Wrote {len(files)} pictures to {out_dir}.")
