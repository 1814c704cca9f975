"""`keras-gans evaluate`: how good a model's samples are, as a table and as JSON."""

import pathlib
from typing import Annotated

import typer
from typer import Option

import keras_gans as kg
from keras_gans import metrics
from keras_gans.callbacks import detection_results
from keras_gans.cli.commands import Preset, Seed, Truncation, that_draws
from keras_gans.data.pixels import COLOR_MODES

Data = Annotated[
    str | None,
    Option(
        metavar="NAME|FOLDER|FILE.npz",
        help="Real images to compare with. Default: those of the preset's recipe.",
    ),
]
Split = Annotated[
    str, Option(metavar="NAME", help="Part of the data that was not trained on.")
]
Training = Annotated[
    str,
    Option(
        metavar="NAME",
        help="Part that was trained on: gives the floor, and what copies are looked "
        "for in. 'none' for neither.",
    ),
]
Num = Annotated[
    int | None,
    Option(
        min=1,
        metavar="N",
        help="Number of samples. Default: as many as real images, at most 10000.",
    ),
]
Extractor = Annotated[
    str | None,
    Option(
        metavar="NAME",
        help=f"{', '.join(metrics.EXTRACTORS)}, or a classifier's preset. Default: the "
        "classifier of the data set, else inception_2015.",
    ),
]
Resize = Annotated[
    str,
    Option(
        metavar="|".join(metrics.RESIZE_MODES),
        help="How images are brought to the extractor's size.",
    ),
]
ImageSize = Annotated[
    int | None,
    Option(
        min=1,
        metavar="PIXELS",
        help="Side at which images are compared. Default: that of the samples.",
    ),
]
Neighbours = Annotated[
    int,
    Option(
        "--k",
        min=1,
        metavar="N",
        help="Neighbours, for precision, recall, density and coverage.",
    ),
]
Metric = Annotated[
    list[str] | None,
    Option(
        metavar="NAME",
        help=f"Only this one; repeat it for several: {', '.join(metrics.METRICS)}.",
    ),
]
Draws = Annotated[
    int,
    Option(
        min=1,
        metavar="N",
        help="Latents for each image, where the likelihood is a bound: more of them "
        "make it tighter; 5000 is what publications state.",
    ),
]
Json = Annotated[
    pathlib.Path | None,
    Option("--json", metavar="FILE", help="Write all figures and facts there too."),
]

EXAMPLES = """\b
Examples:
  keras-gans evaluate cgan_mnist
  keras-gans evaluate runs/vae_mnist/preset --metric likelihood --draws 5000
  keras-gans evaluate runs/dcgan_faces/preset --data faces --num 5000 --json out.json
"""


def evaluate(
    preset: Preset,
    data: Data = None,
    split: Split = "test",
    training: Training = "train",
    num: Num = None,
    extractor: Extractor = None,
    resize: Resize = "clean",
    image_size: ImageSize = None,
    k: Neighbours = 5,
    seed: Seed = 0,
    truncation: Truncation = None,
    metric: Metric = None,
    draws: Draws = metrics.LIKELIHOOD_DRAWS,
    json: Json = None,
):
    """Measure a model's samples against real images, beside real ones as the floor.

    Of a detector: how much of what is in the images it finds (--data, --split).

    Samples are drawn as they are served: by the moving average, rounded to 8 bits,
    classes as often as in the data.
    """
    if json is not None and (json.is_dir() or not json.parent.is_dir()):
        raise FileNotFoundError(f"{json} is no name for a file in a folder.")
    if data is None:
        data, trained_on = data_of(preset)
        if trained_on in (split, "all"):
            raise ValueError(
                f"{preset} was trained on the part {trained_on!r} of {data}, which "
                f"holds the part {split!r}: name data that it has not seen with --data."
            )
    if isinstance(detector := kg.from_preset(preset), kg.ObjectDetector):
        _objects(detector, data, split, json)
        return
    gan = that_draws(preset)
    found = gan.evaluate_samples(
        data,
        seed,
        truncation,
        split=split,
        training=None if training == "none" else training,
        extractor=extractor,
        resize=resize,
        image_size=image_size,
        num_samples=num,
        k=k,
        metrics=metric,
        draws=draws,
    )
    typer.echo(str(found))
    if json is not None:
        found.save(json)
        typer.echo(f"Wrote {json}.")


def _objects(detector, name, split, json):
    """What of a part of the data a detector finds, by COCO's rule."""
    color_mode = COLOR_MODES[detector.image_shape[-1]]
    size = detector.image_shape[:2]
    data = kg.data.load_detection(name, split, size, color_mode, ignored="keep")
    found = detector.detect(data.images)
    results = detection_results(detector, found, data.objects)
    typer.echo(f"{len(data.images)} images of {name}/{split}")
    for result in results:
        typer.echo(f"  {result.metric:9} {result.value:.4f}")
    if json is not None:
        facts = {"data": name, "split": split, "num_samples": len(data.images)}
        metrics.Evaluation(facts, tuple(results)).save(json)
        typer.echo(f"Wrote {json}.")


def data_of(preset):
    """The data in the recipe beside a preset.

    Args:
        preset: Name or folder of a preset.

    Returns:
        Their name, and the part that was trained on.

    Raises:
        ValueError: when it has none.
    """
    from keras_gans.cli import recipes
    from keras_gans.core.safe_config import zoo_folder

    for folder in (zoo_folder() / preset, pathlib.Path(preset).expanduser()):
        if (folder / "recipe.toml").is_file():
            found = recipes.with_defaults(recipes.read(folder / "recipe.toml"))
            if "name" in found["data"]:
                return found["data"]["name"], found["data"]["split"]
    raise ValueError(
        f"{preset} does not say what it was trained on: give --data NAME, a folder of "
        "pictures or an .npz file."
    )
