import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_data_folder(monkeypatch):
    """The developer's own KERAS_GANS_DATA must not answer for a test."""
    monkeypatch.delenv("KERAS_GANS_DATA", raising=False)


@pytest.fixture
def write_picture(tmp_path):
    """write_picture("a/b.png", color, mode=..., size=(width, height)) -> its path."""

    def write(name, color=0, mode="L", size=(6, 4), **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, color).save(path, **options)
        return path

    return write


@pytest.fixture
def truncated_jpeg(tmp_path):
    """truncated_jpeg("a.jpg", size) -> path of a JPEG whose second half is missing."""

    def write(name, size=(64, 64)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.RandomState(0).randint(0, 256, (size[1], size[0], 3))
        Image.fromarray(noise.astype("uint8")).save(path, quality=95)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        return path

    return write


@pytest.fixture
def run_python():
    """Runs source text in a fresh interpreter; returns its standard output."""

    def run(source, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", source],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
