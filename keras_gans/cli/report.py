"""`keras-gans report`: a run as one page, which needs no other file and no network."""

import importlib.resources
import pathlib
import re
import tempfile
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from typer import Argument, Option

import keras_gans as kg
from keras_gans import pictures
from keras_gans.cli import recipes, report_tables
from keras_gans.cli.commands import that_draws
from keras_gans.core.files import written_whole
from keras_gans.version import __version__

Run = Annotated[
    pathlib.Path,
    Argument(metavar="RUN", help="A run's folder; the run may still be going on."),
]
Out = Annotated[
    pathlib.Path | None,
    Option(
        metavar="FILE.html",
        help="Where the page goes; what is there is replaced. Default: RUN/report.html",
    ),
]

EXAMPLES = """\b
Examples:
  keras-gans report runs/dcgan_digits
  keras-gans report runs/dcgan_digits --out so_far.html
"""

# The page stays below 5 MB: bytes and pixels of each large picture, and of each of the
# few that show how it learned.
_LARGE = {"max_side": 1200, "max_bytes": 600_000}
_SMALL = {"max_side": 360, "max_bytes": 100_000}
_MOST_STEPS, _MOST_CLASSES = 6, 20


def report(run: Run, out: Out = None):
    """Write a page about a run: its samples, curves, metrics and recipe."""
    out = out or run / "report.html"
    if out.suffix != ".html":
        raise ValueError(f"Reports are .html files. Found the name {out}.")
    text = page(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(out) as file:
        file.write_text(text, "utf-8")
    typer.echo(f"Wrote {out}, which any browser shows.")


def page(run):
    """The HTML of a run's page.

    Args:
        run: `pathlib.Path` of its folder, in which nothing is changed.

    Raises:
        ImportError: where jinja2 or matplotlib is missing.
        ValueError: for a folder that is no run, or one with damaged files.
    """
    if not all((run / name).is_file() for name in ("recipe.toml", "history.csv")):
        raise ValueError(
            f"{run} is no run: it lacks the recipe.toml and the history.csv that "
            "keras-gans train writes."
        )
    template = _template()
    recipe = recipes.with_defaults(recipes.read(run / "recipe.toml"))
    system = kg.get_system(recipe["system"])
    history = pictures.read_history(run / "history.csv")
    return template.render(
        title=_title(system, recipe["data"].get("name")),
        version=__version__,
        facts=report_tables.facts(run, recipe, history),
        curves=_curves(run / "history.csv", history, system.reports),
        grids=_grids(run / "samples"),
        scores=report_tables.scores(run),
        recipe=(run / "recipe.toml").read_text("utf-8"),
        **_drawn(run / "preset"),
    )


def _title(system, data):
    if data is None:
        return system.__name__
    return f"{system.__name__} on {pathlib.Path(data).expanduser().resolve().stem}"


def _template():
    try:
        import jinja2
    except ImportError as error:
        raise ImportError(
            "A report needs jinja2: pip install 'keras-gans[report]'."
        ) from error
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    source = importlib.resources.files("keras_gans.cli") / "report.html.j2"
    return environment.from_string(source.read_text("utf-8"))


def _curves(file, history, losses):
    """The curves for light and for dark surroundings, and in words; `None` so far."""
    values = {
        name: values[np.isfinite(values)]
        for name, values in history.items()
        if name != "epoch"
    }
    last = [f"{name} {found[-1]:.4g}" for name, found in values.items() if found.size]
    if not last:
        return None
    curves = {"alt": f"Curves over the epochs. Last values: {', '.join(last)}."}
    with tempfile.TemporaryDirectory() as folder:
        for surroundings, ink in (("light", "#1f2328"), ("dark", "#e6e8eb")):
            path = pathlib.Path(folder, f"{surroundings}.svg")
            pictures.training_curves(file, path, losses, ink, background="none")
            curves[surroundings] = pictures.inline_svg(path)
    return curves


def _grids(folder):
    """Dicts `epoch`, `large` and `small` of the few that show how it learned."""
    found = {}
    for path in folder.glob("epoch_*.png"):
        if named := re.fullmatch(r"epoch_(\d+)\.png", path.name):
            found[int(named[1])] = path
    if not found:
        return []
    # Most is learned early: the steps between the pictures grow.
    epochs = sorted(found)
    steps = np.geomspace(1, len(epochs), min(_MOST_STEPS, len(epochs))).round()
    grids = []
    for step in np.unique(steps).astype(int):
        with Image.open(found[epochs[step - 1]]) as picture:
            grids.append(
                {
                    "epoch": epochs[step - 1],
                    "small": pictures.inline_picture(picture, **_SMALL),
                }
            )
    with Image.open(found[epochs[-1]]) as picture:
        grids[-1]["large"] = pictures.inline_picture(picture, **_LARGE)
    return grids


def _drawn(preset):
    """What the finished model draws for the page; `None` while there is none."""
    drawn = {"paths": None, "classes": None, "num_classes": 0}
    if not preset.is_dir():
        return drawn
    gan = that_draws(preset)
    paths = gan.pictures_of(pictures.interpolation(gan))
    drawn["paths"] = _grid(paths, columns=10)
    if gan.num_classes is not None:
        count = drawn["num_classes"] = min(gan.num_classes, _MOST_CLASSES)
        classes = pictures.class_rows(gan, classes=range(count))
        drawn["classes"] = _grid(gan.pictures_of(classes), columns=10)
    return drawn


def _grid(images, columns):
    return pictures.inline_picture(pictures.image_grid(images, columns), **_LARGE)
