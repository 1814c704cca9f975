"""The command `keras-gans`: train, sample, export and list, from a shell."""

import contextlib
import ctypes
import warnings
from typing import Annotated

import typer
from typer import Option

from keras_gans.cli import (
    age,
    commands,
    continued,
    detect,
    evaluate,
    report,
    score,
    stylize,
    tables,
    train,
    translate,
    upscale,
)
from keras_gans.cli.errors import Display, in_one_line
from keras_gans.version import __version__

__all__ = ["app", "keep_freed_memory", "main"]

app = typer.Typer(
    name="keras-gans",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Its boxes leave 24 columns of 80 for the help texts.
    # Expected errors are one line (errors.py); a bug's traceback is Python's own.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train", epilog=train.EXAMPLES)(in_one_line(train.train))
app.command("sample", epilog=commands.SAMPLE_EXAMPLES)(in_one_line(commands.sample))
app.command("evaluate", epilog=evaluate.EXAMPLES)(in_one_line(evaluate.evaluate))
app.command("report", epilog=report.EXAMPLES)(in_one_line(report.report))
app.command("export", epilog=commands.EXPORT_EXAMPLES)(in_one_line(commands.export))
app.command("translate", epilog=translate.EXAMPLES)(in_one_line(translate.translate))
app.command("stylize", epilog=stylize.EXAMPLES)(in_one_line(stylize.stylize))
app.command("age", epilog=age.EXAMPLES)(in_one_line(age.age))
app.command("score", epilog=score.EXAMPLES)(in_one_line(score.score))
app.command("detect", epilog=detect.EXAMPLES)(in_one_line(detect.detect))
app.command("translate-rows", epilog=tables.TRANSLATE_EXAMPLES)(
    in_one_line(tables.translate_rows)
)
app.command("augment", epilog=tables.AUGMENT_EXAMPLES)(in_one_line(tables.augment))
app.command("predict", epilog=continued.PREDICT_EXAMPLES)(
    in_one_line(continued.predict)
)
app.command("reconstruct", epilog=continued.RECONSTRUCT_EXAMPLES)(
    in_one_line(continued.reconstruct)
)
app.command("upscale", epilog=upscale.EXAMPLES)(in_one_line(upscale.upscale))
app.command("presets", epilog=commands.PRESETS_EXAMPLES)(in_one_line(commands.presets))
app.command("systems", epilog=commands.SYSTEMS_EXAMPLES)(in_one_line(commands.systems))


def _print_version(wanted):
    if wanted:
        typer.echo(f"keras-gans {__version__}")
        raise typer.Exit


@app.callback(epilog="Start with: keras-gans train dcgan --data digits")
def _options(
    debug: Annotated[
        bool, Option("--debug", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[
        bool,
        Option(
            "--version",
            help="Print the version.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
):
    """GANs for Keras: train on your pictures, sample pretrained models, serve them."""
    Display.debug = debug


def main():
    """Runs the command line; the console script `keras-gans`."""
    keep_freed_memory()
    # One line, without the place in our code that means nothing to the reader.
    warnings.formatwarning = lambda message, *place, **more: f"warning: {message}\n"
    app()


def keep_freed_memory():
    """Lets the process keep large blocks of memory that it has freed.

    glibc gives them back to the system and asks for them again in every operation,
    which costs a training on the CPU several percent of its time.
    """
    with contextlib.suppress(OSError, AttributeError):  # not Linux, not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


# M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
