"""Hypothesis writes notes of its own; they belong to no checkout."""

import pathlib
import tempfile

from hypothesis import configuration

configuration.set_hypothesis_home_dir(pathlib.Path(tempfile.gettempdir(), "hypothesis"))
