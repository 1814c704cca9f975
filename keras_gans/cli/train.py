"""`keras-gans train`: options and recipe files become one recipe, which is followed."""

import pathlib
import shlex
from typing import Annotated

import typer
from typer import Argument, Option

import keras_gans as kg
from keras_gans.cli import devices, recipes, runs

What = Annotated[
    str,
    Argument(
        metavar="SYSTEM|RECIPE",
        help="A name that `keras-gans systems` lists; or a recipe.toml, or a preset "
        "folder that holds one.",
    ),
]
Data = Annotated[
    str | None,
    Option(
        "--data",
        metavar="NAME|FOLDER|FILE.npz",
        help="digits (needs no download), a TensorFlow Datasets name, a folder of "
        "pictures (sub-folders are classes), or an .npz file.",
    ),
]
Split = Annotated[
    str | None,
    Option(
        metavar="NAME", help="Part of the data: train, test, all ... Default: train."
    ),
]
ImageSize = Annotated[
    int | None,
    Option(metavar="PIXELS", help="Crop and resize to this side. Default: as it is."),
]
ColorMode = Annotated[
    str | None, Option(metavar="grey|rgb", help="Default: as the data is.")
]
Flip = Annotated[
    bool | None,
    Option("--flip/--no-flip", help="Mirror half of the images. Default: no."),
]
Second = Annotated[
    str | None,
    Option(
        metavar="edges|negatives|NAME",
        help="For systems of two domains: half of the images as edges or negatives, "
        "or other data.",
    ),
]
LabelsPerClass = Annotated[
    int | None,
    Option(
        min=1,
        metavar="N",
        help="For semi-supervised systems: labels that are not hidden. Default: all.",
    ),
]
Frames = Annotated[
    int | None,
    Option(
        min=1, metavar="N", help="For systems that draw videos: frames of each clip."
    ),
]
Stride = Annotated[
    int | None,
    Option(min=1, metavar="N", help="Of videos take every Nth frame. Default: each."),
]
SkipDamaged = Annotated[
    bool, Option("--skip-damaged", help="Leave out pictures that cannot be read.")
]
Epochs = Annotated[
    int | None, Option(min=1, metavar="N", help="Passes over the data. Default: 20.")
]
BatchSize = Annotated[
    int | None, Option(min=1, metavar="N", help="Images per update. Default: 64.")
]
Seed = Annotated[
    int | None,
    Option(min=0, metavar="N", help="All random numbers follow from it. Default: 0."),
]
EmaDecay = Annotated[
    float | None,
    Option(
        metavar="X", help="Sample from averaged weights, with e.g. 0.999. Default: off."
    ),
]
Set = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="NAME=VALUE",
        help="An argument of the system, e.g. base_channels=32. Repeatable.",
    ),
]
Precision = Annotated[
    str | None,
    Option(
        metavar="|".join(recipes.PRECISIONS),
        help="bfloat16 suits recent GPUs and CPUs, float16 older GPUs. "
        "Default: float32.",
    ),
]
Xla = Annotated[
    bool | None,
    Option("--xla/--no-xla", help="Compile the step with XLA. Default: Keras decides."),
]
Strategy = Annotated[
    str | None,
    Option(
        metavar="|".join(devices.STRATEGIES),
        help="Share each batch among all devices of this machine, or of the machines "
        "in TF_CONFIG; run the same command on each. Default: one device.",
    ),
]
EvaluateEvery = Annotated[
    int | None,
    Option(
        min=1,
        metavar="N",
        help="Measure samples against the data's part 'test' every N epochs, and keep "
        "the best epoch in the run's folder best/. Default: never.",
    ),
]
Out = Annotated[
    pathlib.Path | None,
    Option(
        metavar="FOLDER",
        help="The run's folder. Default: runs/ and the names of system and data.",
    ),
]
Every = Annotated[
    int, Option(min=1, metavar="N", help="Epochs between two pictures of samples.")
]

EXAMPLES = """\b
Examples:
  keras-gans train dcgan --data digits --epochs 30
  keras-gans train wgan_gp --data faces --image-size 64 --flip --ema-decay 0.999
  keras-gans train cgan --data mnist --evaluate-every 5 --out runs/first
  keras-gans train cogan --data mnist --second edges
  keras-gans train runs/first/preset --seed 1 --out runs/second
"""


def train(
    what: What,
    data: Data = None,
    split: Split = None,
    image_size: ImageSize = None,
    color_mode: ColorMode = None,
    flip: Flip = None,
    second: Second = None,
    labels_per_class: LabelsPerClass = None,
    frames: Frames = None,
    stride: Stride = None,
    skip_damaged: SkipDamaged = False,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    seed: Seed = None,
    ema_decay: EmaDecay = None,
    set_: Set = None,
    precision: Precision = None,
    xla: Xla = None,
    strategy: Strategy = None,
    evaluate_every: EvaluateEvery = None,
    out: Out = None,
    every: Every = 1,
):
    """Train a system on your pictures, or follow a recipe.

    The run's folder fills with a picture of samples per epoch, the losses and, in the
    end, the preset. The same command goes on where a killed run stopped.
    """
    given = {
        "arguments": {**_pairs(set_), "seed": seed, "ema_decay": ema_decay},
        "data": {
            "name": data,
            "split": split,
            "image_size": image_size,
            "color_mode": color_mode,
            "on_damaged": "skip" if skip_damaged else None,
            "flip": flip,
            "second": second,
            "labels_per_class": labels_per_class,
            "frames": frames,
            "stride": stride,
        },
        "fit": {"epochs": epochs, "batch_size": batch_size},
        "training": {"precision": precision, "xla": xla},
        "evaluation": {"every": evaluate_every},
    }
    file = _recipe_file(what)
    recipe = {"system": what} if file is None else recipes.read(file)
    devices.check(strategy)
    _follow(file, overridden(recipe, given), out, every, strategy)


def _follow(file, recipe, out, every, strategy):
    system = kg.get_system(recipe["system"])
    recipe["system"] = next(n for n in kg.list_systems() if kg.get_system(n) is system)
    folder = out or pathlib.Path("runs", _run_name(file, recipe))
    runs.follow(recipe, folder, every, strategy)
    preset = shlex.quote(str(folder / "preset"))
    drawn = (
        "" if hasattr(system, "for_tables") else f", pictures in {folder / 'samples'}"
    )
    use = _use(system, recipe, preset)
    first = f"keras-gans {use}, or " if use else ""
    typer.echo(
        f"Saved {preset}{drawn}. Next: {first}keras-gans export {preset} served/1"
    )


def _use(system, recipe, preset):
    """What a model of this kind is for, as a command; empty if there is none."""
    if hasattr(system, "predict_future"):
        return ""
    if hasattr(system, "for_tables"):
        return f"translate-rows {preset} IN.csv OUT.csv --from NAME --to NAME"
    if hasattr(system, "takes_styles"):
        return f"stylize {preset} IN_DIR OUT_DIR --style IMAGE"
    if issubclass(system, kg.AnomalyDetector):
        return f"score {preset} IN_DIR --out scores.csv"
    if issubclass(system, kg.ObjectDetector):
        return f"detect {preset} IN_DIR --out FOLDER"
    if issubclass(system, kg.ImageUpscaler):
        return f"upscale {preset} IN OUT"
    if not issubclass(system, kg.ImageTranslator):
        return f"sample {preset}"
    needs = getattr(system, "needs_instances", lambda **arguments: False)
    also = " --instances DIR" if needs(**recipe.get("arguments", {})) else ""
    return f"translate {preset} IN_DIR OUT_DIR{also}"


def overridden(recipe, given):
    """A recipe changed by what was given on the command line, checked and filled.

    Args:
        recipe: Dict as `recipes.read` returns it.
        given: Table to key to value; `None` stands for an option not given.

    Raises:
        ValueError: as `recipes.check`, or if no data are named.
    """
    changed = {**recipe}
    data, arguments = given["data"], dict(recipe.get("arguments", {}))
    if any(map(data.get, ("name", "image_size", "color_mode", "frames"))):
        # Facts of the data, to be found out anew for other data.
        arguments.pop("image_shape", None)
    if data["name"]:
        # But not a number that makes a system learn classes at all.
        arguments.pop(recipes.label_argument(kg.get_system(recipe["system"]), {}), None)
        for learnt in ("domains", "label", "class_names"):
            arguments.pop(learnt, None)
    changed["arguments"] = arguments
    for section, values in given.items():
        values = {key: value for key, value in values.items() if value is not None}
        changed[section] = {**changed.get(section, {}), **values}
    recipes.check(changed)
    if "name" not in changed["data"]:
        raise ValueError(
            "Say what to train on: --data digits, or a folder of pictures, or an .npz "
            "file."
        )
    return recipes.with_defaults(changed)


def _recipe_file(what):
    """The path of a recipe, or `None` for what must be a system's name."""
    path = pathlib.Path(what).expanduser()
    if (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    if path.suffix == ".toml":
        return path
    # A bare word is a system's name, even if a folder of that name lies here.
    if path.is_dir() and path.parts != (what,):
        raise ValueError(f"The folder {what} holds no recipe.toml.")
    return None


def _pairs(settings):
    pairs = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE. Found: {setting!r}.")
        pairs[name.strip()] = recipes.parse_value(value.strip())
    return pairs


def _run_name(file, recipe):
    if file is not None:
        file = file.resolve()
        name = file.parent.name if file.name == "recipe.toml" else file.stem
        if name not in ("", "preset"):
            return name
    data = pathlib.Path(recipe["data"]["name"]).expanduser().resolve()
    return f"{recipe['system']}_{data.stem}"
