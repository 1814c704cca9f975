"""`keras-gans detect`: pictures in; the same with boxes, and the boxes as JSON, out."""

import json
import pathlib
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm
from typer import Option

import keras_gans as kg
from keras_gans.cli.commands import Overwrite, Preset
from keras_gans.cli.score import BatchSize
from keras_gans.cli.translate import (
    InDir,
    batches_of,
    free_targets,
    pictures_in,
    root_of,
    write_picture,
)
from keras_gans.core.files import written_whole
from keras_gans.data.decoding import read_picture
from keras_gans.data.detection import FITS, fitted
from keras_gans.pictures import draw_boxes

Out = Annotated[
    pathlib.Path,
    Option(
        metavar="FOLDER",
        help="Where the pictures with boxes go, PNG files of the same names, and "
        "detections.json.",
    ),
]
Threshold = Annotated[
    float,
    Option(min=0.0, max=1.0, metavar="X", help="Least confidence that is written."),
]
Fit = Annotated[
    str,
    Option(
        metavar="|".join(FITS),
        help="How pictures of another size are brought to the model's; boxes are those "
        "of the pictures as they were.",
    ),
]
EXAMPLES = """\b
Examples:
  keras-gans detect runs/cells/preset smears/ --out found
  keras-gans detect runs/cells/preset smear.jpg --out found --threshold 0.5
"""


def detect(
    preset: Preset,
    in_dir: InDir,
    out: Out = pathlib.Path("detections"),
    threshold: Threshold = 0.3,
    fit: Fit = "letterbox",
    batch_size: BatchSize = 16,
    overwrite: Overwrite = False,
):
    """Find objects in pictures: draw their boxes, and write them to a JSON file."""
    if fit not in FITS:
        raise ValueError(f"--fit is one of {', '.join(FITS)}. Found: {fit}.")
    files, root = pictures_in(in_dir), root_of(in_dir)
    targets = free_targets(files, root, out, overwrite)
    listing = out / "detections.json"
    if listing.exists() and not overwrite:
        raise FileExistsError(
            f"{listing} is there already: choose another name, or pass --overwrite."
        )
    gan = kg.from_preset(preset)
    if not isinstance(gan, kg.ObjectDetector):
        raise ValueError(f"{type(gan).__name__} finds no objects: see detector.")
    if gan.takes_proposals or gan.bounding_box_format != "yxyx":
        raise ValueError(
            f"{preset} needs proposals, or boxes of another format than yxyx: use its "
            "method detect."
        )
    rows, jobs = [], zip(files, targets, strict=True)
    with tqdm(total=len(files), unit="picture", disable=None) as bar:
        for batch in batches_of(jobs, batch_size):
            for one in _found(gan, batch, threshold, fit):
                rows.append({"file": one[0].relative_to(root).as_posix(), **one[1]})
            bar.update(len(batch))
    out.mkdir(parents=True, exist_ok=True)
    with written_whole(listing) as path:
        path.write_text(json.dumps(rows, indent=1), "utf-8")
    number = sum(len(row["objects"]) for row in rows)
    typer.echo(f"Found {number} objects in {len(files)} pictures; wrote {out}.")


def _found(gan, batch, threshold, fit):
    """Draws a batch of pictures; yields their files, sizes and objects."""
    mode = "grey" if gan.image_shape[-1] == 1 else "rgb"
    read = [
        read_picture(file, mode, lambda picture: _brought(picture, gan, fit))
        for file, _ in batch
    ]
    found = gan.detect(np.stack([image for _, image, _, _ in read]))
    for i, ((file, target), (whole, _, scales, offsets)) in enumerate(
        zip(batch, read, strict=True)
    ):
        kept = found["confidence"][i] >= threshold
        size = np.array(whole.shape[:2], float)
        boxes = (found["boxes"][i][kept] - np.tile(offsets, 2)) / np.tile(scales, 2)
        boxes = np.clip(boxes, 0, np.tile(size, 2))
        one = {name: found[name][i][kept] for name in ("labels", "confidence")}
        drawn = {"boxes": [boxes], **{name: [v] for name, v in one.items()}}
        write_picture(target, draw_boxes(whole[None], drawn, gan.class_names)[0])
        yield file, _as_json(gan, size, boxes, **one)


def _brought(picture, gan, fit):
    """The whole picture, it as the model takes it, and how that came about."""
    height, width, channels = gan.image_shape
    small, scales, offsets = fitted(picture, (height, width), fit)
    whole = np.asarray(picture).reshape(picture.height, picture.width, -1)
    return whole, np.asarray(small).reshape(height, width, channels), scales, offsets


def _as_json(gan, size, boxes, labels, confidence):
    names = gan.class_names
    return {
        "height": int(size[0]),
        "width": int(size[1]),
        "objects": [
            {
                "class": int(label) if names is None else names[label],
                "confidence": round(float(sure), 4),
                "box_yxyx": [round(float(corner), 2) for corner in box],
            }
            for box, label, sure in zip(boxes, labels, confidence, strict=True)
        ],
    }
