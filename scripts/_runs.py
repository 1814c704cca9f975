"""Recipes followed by the command `keras-gans train`, as a user follows them."""

import pathlib
import subprocess
import sys


def train(recipe, run, *options):
    """Trains in the folder of a run; one that is finished is taken as it is.

    Args:
        recipe: Path of a recipe.
        run: `pathlib.Path`.
        *options: Further ones of the command, as texts.
    """
    program = pathlib.Path(sys.executable).parent / "keras-gans"
    subprocess.run([program, "train", recipe, "--out", run, *options], check=True)
