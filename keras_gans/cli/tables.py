"""Rows of tables in, rows of other tables out: `translate-rows` and `augment`."""

import pathlib
from typing import Annotated

import typer
from typer import Argument, Option

import keras_gans as kg
from keras_gans.cli import recipes
from keras_gans.cli.commands import Overwrite, Preset
from keras_gans.cli.table_sources import TableSource

InFile = Annotated[
    pathlib.Path,
    Argument(metavar="IN.csv", help="Rows, with the columns of their domain."),
]
OutFile = Annotated[
    pathlib.Path, Argument(metavar="OUT.csv", help="Where the rows made of them go.")
]
From = Annotated[
    str, Option("--from", metavar="NAME", help="The domain that the rows come from.")
]
To = Annotated[
    str, Option("--to", metavar="NAME", help="The domain that they are made for.")
]
Prevalence = Annotated[
    bool,
    Option(
        "--prevalence",
        help="The rows have no label: take the share of the second class for it.",
    ),
]
Data = Annotated[
    str | None,
    Option(
        metavar="NAME|FOLDER|FILE.npz",
        help="The tables. Default: those of the preset's recipe.",
    ),
]
Weight = Annotated[
    float | None,
    Option(
        min=0,
        metavar="X",
        help="Of a translated row, where a real one has 1. Default: that with which a "
        "logistic regression is best on the part 'validation'; 0 leaves them out.",
    ),
]

TRANSLATE_EXAMPLES = """\b
Example:
  keras-gans translate-rows runs/heart/preset va.csv as_cleveland.csv --from va --to cleveland
"""  # noqa: E501
AUGMENT_EXAMPLES = """\b
Example:
  keras-gans augment runs/heart/preset more_of_va.csv --to va
"""


def translate_rows(
    preset: Preset,
    in_file: InFile,
    out_file: OutFile,
    from_: From,
    to: To,
    prevalence: Prevalence = False,
    overwrite: Overwrite = False,
):
    """Translate rows of one table as they might be in another, label and all."""
    _check_free(out_file, overwrite)
    gan = _of_tables(preset)
    rows = _read(in_file)
    made = gan.translate(rows, from_, to, "prevalence" if prevalence else None)
    _write(made, out_file)


def augment(
    preset: Preset,
    out_file: OutFile,
    to: To,
    data: Data = None,
    weight: Weight = None,
    overwrite: Overwrite = False,
):
    """Enlarge a table by the rows of all others, each with its origin and weight."""
    _check_free(out_file, overwrite)
    gan = _of_tables(preset)
    source = TableSource(_table_of(preset, data), gan.seed)
    if weight is None:
        name = gan.tables[gan.number_of(to)].name
        validation = source.part("validation")[name]
        found = gan.augment(to, source.frames, validation)
        for tried, auc in sorted(found.validation_auc.items()):
            typer.echo(f"weight {tried:4g}: AUC {auc:.4f} on {len(validation)} rows")
    else:
        found = gan.augment(to, source.frames, weights=(weight,))
    typer.echo(f"Translated rows have the weight {found.weight:g}.")
    extra = {"origin": found.origin, "weight": found.sample_weight}
    _write(found.table.assign(**extra), out_file)


def _of_tables(preset):
    gan = kg.from_preset(preset)
    if not isinstance(gan, kg.RadialGAN):
        raise ValueError(
            f"{type(gan).__name__} knows no tables: see `keras-gans systems`."
        )
    return gan


def _table_of(preset, name):
    from keras_gans.core.safe_config import zoo_folder

    for folder in (zoo_folder() / preset, pathlib.Path(preset).expanduser()):
        if (folder / "recipe.toml").is_file():
            table = recipes.with_defaults(recipes.read(folder / "recipe.toml"))["data"]
            return {**table, **({"name": name} if name else {})}
    raise ValueError(f"{preset} has no recipe.toml that says how its tables are read.")


def _check_free(file, overwrite):
    if file.exists() and not overwrite:
        raise FileExistsError(
            f"{file} is there already: choose another name, or pass --overwrite."
        )
    if not file.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {file.parent}.")


def _read(file):
    import pandas

    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}.")
    try:
        return pandas.read_csv(file, na_values=["?"])
    except (ValueError, UnicodeDecodeError) as why:
        raise ValueError(f"{file} cannot be read as a table: {why}") from why


def _write(frame, file):
    from keras_gans.core.files import written_whole

    with written_whole(file) as temporary:
        frame.to_csv(temporary, index=False)
    typer.echo(f"Wrote {len(frame)} rows to {file}.")
