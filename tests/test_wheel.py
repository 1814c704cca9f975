"""The wheel that users install holds all it needs, the bundled presets included."""

import configparser
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Bytes that PyPI takes of a file.
LARGEST = 100_000_000

PROGRAM = """
import pathlib, sys
import keras_gans as kg
import numpy as np

assert pathlib.Path(kg.__file__).is_relative_to(sys.argv[1]), kg.__file__
for name in kg.list_presets():
    gan = kg.from_preset(name)
    if isinstance(gan, kg.RadialGAN):
        made = gan.translate(np.zeros((2, gan.tables[0].width)), 0, 1, [0, 1])
    elif isinstance(gan, kg.ImageTranslator):
        images = np.zeros((2, *gan.source_shape), "uint8")
        has_styles = hasattr(gan, "takes_styles")
        made = gan.translate((images, images) if has_styles else images)
    elif isinstance(gan, kg.ObjectDetector):
        made = gan.detect(np.zeros((2, *gan.image_shape), "uint8"))["boxes"]
    else:
        made = gan.sample(2, seed=0)
    print(name, made.shape)
"""


def test_all_packages_are_listed():
    listed = configparser.ConfigParser()
    listed.read(ROOT / "setup.cfg")
    packages = set(listed["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "keras_gans").rglob("__init__.py")
    } - {"keras_gans.cli.launcher"}
    assert packages == found | {"keras_gans.zoo", "keras_gans_launcher"}


def test_wheel_works_outside_the_checkout(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    run([*build, tmp_path, copied(tmp_path / "tree")])
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < LARGEST
    site = tmp_path / "site"
    run([*pip, "install", "--no-deps", "--no-index", "--target", site, wheel])
    output = run([sys.executable, "-P", "-c", PROGRAM, site], PYTHONPATH=site)
    assert "cgan_digits (2, 32, 32, 1)" in output
    assert "cgan_digits" in run(
        [site / "bin" / "keras-gans", "presets"], PYTHONPATH=site
    )


def copied(tree):
    """The files of the checkout: a build would leave its own folders beside them."""
    tree.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (tree / name).write_bytes((ROOT / name).read_bytes())
    for folder in ("keras_gans", "zoo"):
        (tree / folder).symlink_to(ROOT / folder)
    return tree


def run(command, **environment):
    environment = {**os.environ, **{k: str(v) for k, v in environment.items()}}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=pathlib.Path(os.sep),
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.fail(done.stderr[-3000:])
    return done.stdout
