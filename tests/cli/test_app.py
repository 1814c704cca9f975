import re
import subprocess
import sys

import pytest

import keras_gans as kg
from keras_gans.cli import errors

COMMANDS = ["train", "sample", "evaluate", "report", "export", "presets", "systems"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_page_of_help_has_an_example(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  keras-gans {command}" in result.stdout
    assert "\x08" not in result.stdout


def test_help_and_version(run):
    assert re.search(r"train +Train a system", run("--help").stdout)
    assert run("--version").stdout == f"keras-gans {kg.__version__}\n"
    assert run().exit_code == 2  # the page of help, which nobody asked for


def test_start_up_messages_are_dropped_and_others_kept():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LAUNCH],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"keras-gans {kg.__version__}\n"
    assert done.stderr == "something else\n"


LAUNCH = """
import os, sys
from keras_gans_launcher import _START_UP, _without, main

with _without(_START_UP):
    os.write(2, b"I0000 00:00 port.cc] oneDNN is on\\nsomething else\\n")
sys.argv = ["keras-gans", "--version"]
main()
"""


def test_debug_shows_the_traceback(run, tmp_path):
    result = run("--debug", "train", tmp_path / "none.toml")
    assert isinstance(result.exception, FileNotFoundError)
    assert run("train", tmp_path / "none.toml").exit_code == 2


def test_bugs_are_not_dressed_up(run, monkeypatch):
    def broken():
        raise AttributeError("a bug")

    monkeypatch.setattr(kg, "list_systems", broken)
    assert isinstance(run("systems").exception, AttributeError)


def test_an_interrupt_is_130(run, monkeypatch):
    def slow():
        raise KeyboardInterrupt

    monkeypatch.setattr(kg, "list_systems", slow)
    result = run("systems")
    assert result.exit_code == 130
    assert result.stderr == "\nstopped\n"


def test_errors_without_words_are_named():
    assert errors.one_line(ValueError("two\n  lines")) == "two lines"
    assert errors.one_line(ValueError()) == "ValueError"
