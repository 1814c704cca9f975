import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
STUBS = [
    "keras_gans/models/toy_gan.py",
    "tests/models/test_toy_gan.py",
    "zoo/toy_gan_digits/recipe.toml",
    "zoo/toy_gan_digits/README.md",
]


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the script and its stubs need."""
    nothing = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "keras_gans", tmp_path / "keras_gans", ignore=nothing)
    for folder in ("scripts", "tests"):
        (tmp_path / folder).mkdir()
        for file in (ROOT / folder).iterdir():
            if file.is_file():
                shutil.copy(file, tmp_path / folder)
    for name in ("pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def python(checkout, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def new_system(checkout, *arguments):
    return python(checkout, checkout / "scripts" / "new_system", *arguments)


def test_the_stubs_are_clean_and_pass_the_contract(checkout):
    assert os.access(checkout / "scripts" / "new_system", os.X_OK)
    done = new_system(checkout, "toy_gan", "Toy-GAN")
    assert done.returncode == 0, done.stderr
    assert [line[6:] for line in done.stdout.splitlines()[:4]] == STUBS
    assert "from keras_gans.models.toy_gan import ToyGAN" in done.stdout

    (checkout / "tests" / "models" / "__init__.py").touch()
    for task in (["check"], ["format", "--check"]):
        ruff = python(checkout, "-m", "ruff", *task, *STUBS[:2])
        assert ruff.returncode == 0, ruff.stdout

    recipe = tomllib.loads((checkout / STUBS[2]).read_text())
    assert recipe["system"] == "toy_gan"
    assert (checkout / STUBS[3]).read_text().startswith("# toy_gan_digits\n")

    some = "config or reports or moves_its_player or preset or parameter"
    tests = python(checkout, "-m", "pytest", "-q", "-k", some, STUBS[1])
    assert tests.returncode == 0, tests.stdout
    assert "5 passed" in tests.stdout


@pytest.mark.parametrize(
    ("name", "title", "message"),
    [
        ("ToyGAN", "ToyGAN", "no snake_case name"),
        ("../toy", "Toy", "no snake_case name"),
        ("toy_gan", "toyGAN", "no class name"),
        ("toy_gan", "Toy.GAN", "no class name"),
        ("class", "Class", "keeps this word for itself"),
        ("toy_gan", "OtherGAN", "must be one name"),
        ("wgan_gp", "WGAN-GP", "models/wgan_gp.py is there already"),
        ("w_gan", "WGAN", "models/wgan.py has a class WGAN already"),
    ],
)
def test_bad_names_are_refused(checkout, name, title, message):
    before = sorted(checkout.rglob("*"))
    done = new_system(checkout, name, title)
    assert done.returncode == 1
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert sorted(checkout.rglob("*")) == before
