"""`keras-gans score`: how unlike the normal ones a folder's pictures are."""

import csv
import itertools
import pathlib
from typing import Annotated

import keras
import numpy as np
import typer
from tqdm import tqdm
from typer import Option

import keras_gans as kg
from keras_gans.cli.commands import Overwrite, Preset, Seed
from keras_gans.cli.translate import (
    InDir,
    batches_of,
    free_targets,
    pictures_in,
    read_as,
    root_of,
    sizes_of,
    write_picture,
)
from keras_gans.core.files import written_whole
from keras_gans.pictures import heat_colors

Out = Annotated[
    pathlib.Path,
    Option(metavar="FILE.csv", help="Where the scores go, a line for each picture."),
]
Heatmaps = Annotated[
    pathlib.Path | None,
    Option(
        metavar="DIR",
        help="Where PNG files of the same names go that show where pictures are "
        "anomalous.",
    ),
]
Normals = Annotated[
    pathlib.Path | None,
    Option(
        metavar="DIR",
        help="Normal pictures, none of which was trained on, to choose the threshold "
        "anew. Default: that of the preset.",
    ),
]
Rate = Annotated[
    float | None,
    Option(
        metavar="X",
        help="With --normals: share of normal pictures that may be called anomalous. "
        "Default: that of the preset.",
    ),
]
Resize = Annotated[
    bool,
    Option(
        "--resize",
        help="Crop and resize pictures of another size than the model's. Default: name "
        "them, and write nothing.",
    ),
]
BatchSize = Annotated[
    int, Option(min=1, metavar="N", help="Pictures computed at a time.")
]
EXAMPLES = """\b
Examples:
  keras-gans score runs/tiles/preset line3/ --out scores.csv --heatmaps seen/
  keras-gans score runs/tiles/preset line3/ --normals sound/ --false-alarm-rate 0.01
"""


def score(
    preset: Preset,
    in_dir: InDir,
    out: Out = pathlib.Path("scores.csv"),
    heatmaps: Heatmaps = None,
    normals: Normals = None,
    false_alarm_rate: Rate = None,
    resize: Resize = False,
    seed: Seed = 0,
    batch_size: BatchSize = 64,
    overwrite: Overwrite = False,
):
    """Score pictures with a model of normal ones: larger is less like them."""
    if false_alarm_rate is not None and normals is None:
        raise ValueError("--false-alarm-rate goes with --normals: which pictures?")
    files = pictures_in(in_dir)
    root = root_of(in_dir)
    names = [file.relative_to(root) for file in files]
    targets = free_targets(files, root, heatmaps, overwrite) if heatmaps else []
    if out.exists() and not overwrite:
        raise FileExistsError(
            f"{out} is there already: choose another name, or pass --overwrite."
        )
    gan = kg.from_preset(preset)
    if not isinstance(gan, kg.AnomalyDetector):
        raise ValueError(
            f"{type(gan).__name__} scores no images: see `keras-gans systems`, anogan "
            "and f_anogan."
        )
    side = gan.image_shape[:2]
    sizes_of(files, gan.size_multiple, resize, side)
    if normals is not None:
        _calibrate(gan, normals, false_alarm_rate, resize, seed, batch_size)
    rows = []
    jobs = itertools.zip_longest(files, targets, range(len(files)))
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for batch in batches_of(jobs, batch_size):
            images = _read(gan, [job[0] for job in batch])
            found = gan.examine(images, seed, batch_size, first_row=batch[0][2])
            rows += _lines(gan, found)
            if heatmaps:
                _draw([job[1] for job in batch], found["heatmap"])
            bar.update(len(batch))
    _write(out, names, rows)
    typer.echo(f"Wrote scores of {len(files)} pictures to {out}. {_verdict(gan, rows)}")


def _read(gan, files):
    side, channels = gan.image_shape[:2], gan.image_shape[-1]
    return np.stack([read_as(file, side, channels) for file in files])


def _draw(targets, heatmaps):
    for target, picture in zip(targets, heat_colors(heatmaps), strict=True):
        write_picture(target, picture)


def _calibrate(gan, folder, rate, resize, seed, batch_size):
    files = pictures_in(folder)
    sizes_of(files, gan.size_multiple, resize, gan.image_shape[:2])
    gan.calibrate(_read(gan, files), rate, seed, batch_size)


def _lines(gan, found):
    """One dict for each picture: its score, its verdict if there is one, its parts."""
    numbers = {name: values for name, values in found.items() if values.ndim == 1}
    lines = []
    for i in range(len(found["score"])):
        line = {name: float(values[i]) for name, values in numbers.items()}
        verdict = {}
        if gan.is_calibrated:
            verdict["anomalous"] = int(line["score"] > _threshold(gan))
        lines.append({"score": line.pop("score"), **verdict, **line})
    return lines


def _write(out, names, rows):
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(out) as path, path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", *rows[0]])
        writer.writeheader()
        for name, row in zip(names, rows, strict=True):
            writer.writerow({"file": name.as_posix(), **row})


def _verdict(gan, rows):
    if not gan.is_calibrated:
        return "There is no threshold: --normals chooses one."
    above = sum(row["anomalous"] for row in rows)
    return (
        f"{above} lie above {_threshold(gan):.4g}, the threshold for a "
        f"false-alarm rate of {gan.false_alarm_rate:g}."
    )


def _threshold(gan):
    return float(keras.ops.convert_to_numpy(gan.threshold))
