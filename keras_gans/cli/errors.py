"""What a person sees when a command fails: one line."""

import functools
import re

import typer

# What the library raises on purpose (`PresetError` is a ValueError); anything else is
# a bug, whose traceback is wanted.
EXPECTED = (ValueError, OSError, ImportError, RuntimeError)
# The library speaks of arguments, the command line of options.
OPTIONS = {
    "image_size=...": "--image-size PIXELS",
    "on_damaged='skip'": "--skip-damaged",
    "`batch_size`": "--batch-size",
    "architecture='mlp'": "--set architecture=mlp",
}


class Display:
    """How errors are shown; set by the options before the command.

    Attributes:
        debug: Whether a traceback follows.
    """

    debug = False


def in_one_line(command):
    """Wraps a command so that what it raises becomes one line and an exit code.

    Args:
        command: Function that Typer will run.

    Raises:
        typer.Exit: with code 2 after an error, 130 after ctrl-C.
    """

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            typer.echo("\nstopped", err=True)
            raise typer.Exit(130) from None
        except Exception as error:
            if Display.debug or not _is_expected(error):
                raise
            typer.echo(f"error: {one_line(error)}", err=True)
            raise typer.Exit(2) from None

    return run


def one_line(error):
    """The message of an exception, without line breaks, for the command line."""
    text = str(error)
    if _is_tensorflow(error):
        # What our own code raised in a pipeline stands among the graph's nodes.
        causes = re.findall(r"^\w*Error: (.+)$", text, re.MULTILINE)
        text = causes[-1] if causes else text
    for argument, option in OPTIONS.items():
        text = text.replace(argument, option)
    return " ".join(text.split()) or type(error).__name__


def _is_expected(error):
    return isinstance(error, EXPECTED) or _is_tensorflow(error)


def _is_tensorflow(error):
    # By name: the class cannot be asked for without importing TensorFlow.
    return type(error).__module__.startswith("tensorflow.")
