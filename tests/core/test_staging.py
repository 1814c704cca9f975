"""A kill at any instant: nothing stays lost, and nothing stays lying about."""

import os
import pathlib
import subprocess
import sys
import threading

import pytest

from keras_gans.core import staging

ROOT = pathlib.Path(__file__).parents[2]
# A save that is killed: at the n-th rename, or before any.
KILLED = """
import os, pathlib, sys
from keras_gans.core import staging

path, renames = pathlib.Path(sys.argv[1]), int(sys.argv[2])
rename = pathlib.Path.rename

def counted(self, target):
    global renames
    renames -= 1
    if renames < 0:
        os._exit(9)
    return rename(self, target)

pathlib.Path.rename = counted
with staging.replacing(path) as folder:
    for name in ("config.json", "model.weights.h5"):
        (folder / name).write_text("new")
    if renames < 0:
        os._exit(9)
os._exit(0)
"""


def killed(path, renames):
    code = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(renames)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    assert code.returncode == 9, code.stderr


def write(path, text):
    with staging.replacing(path) as folder:
        for name in staging.REQUIRED_FILES:
            (folder / name).write_text(text)


def text_in(path):
    return {(path / name).read_text() for name in staging.REQUIRED_FILES}


def names_beside(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_a_kill_before_the_renames_leaves_what_the_next_save_sweeps(tmp_path):
    path = tmp_path / "toy"
    write(path, "old")
    killed(path, 0)
    assert text_in(path) == {"old"}
    assert len(names_beside(path)) == 2
    write(path, "newer")
    assert names_beside(path) == ["toy"] and text_in(path) == {"newer"}


def test_a_kill_between_the_renames_is_undone_by_whoever_comes_first(tmp_path):
    path = tmp_path / "toy"
    write(path, "old")
    killed(path, 1)
    assert not path.exists() and len(names_beside(path)) == 2
    assert staging.recovered(str(path)) == path
    assert text_in(path) == {"old"}
    write(path, "newer")
    assert names_beside(path) == ["toy"] and text_in(path) == {"newer"}


def test_a_kill_of_the_first_save_leaves_nothing_to_recover(tmp_path):
    path = tmp_path / "toy"
    killed(path, 0)
    assert not staging.recovered(path).exists()
    write(path, "new")
    assert names_beside(path) == ["toy"]


def test_what_a_living_process_works_on_is_left_alone(tmp_path):
    path = tmp_path / "toy"
    with staging.replacing(path) as mine:
        (mine / "config.json").write_text("mine")
        write(path, "other")
        assert (mine / "config.json").read_text() == "mine"
        with staging.replacing(tmp_path / "to"):  # another name, the same beginning
            assert mine.exists()
    assert (path / "config.json").read_text() == "mine"


def test_half_a_folder_is_not_put_back(tmp_path):
    aside = tmp_path / f".toy.{'0' * 32}.old"
    aside.mkdir()
    (aside / "config.json").write_text("{}")
    assert not staging.recovered(tmp_path / "toy").exists()
    write(tmp_path / "toy", "new")
    assert names_beside(tmp_path / "toy") == ["toy"]


def test_the_newest_of_several_is_put_back(tmp_path):
    for number, text in enumerate(("older", "newest", "oldest")):
        aside = tmp_path / f".toy.{str(number) * 32}.old"
        write(aside, text)
        os.utime(aside, (0, {"newest": 3, "older": 2, "oldest": 1}[text]))
    assert text_in(staging.recovered(tmp_path / "toy")) == {"newest"}


def test_other_peoples_files_are_not_swept(tmp_path):
    ours = tmp_path / f".toy.{'0' * 32}.tmp"
    others = [tmp_path / ".toy.tmp", tmp_path / f".toyx.{'0' * 32}.tmp"]
    link = tmp_path / f".toy.{'1' * 32}.tmp"
    for folder in (ours, *others):
        folder.mkdir()
    link.symlink_to(others[0])
    write(tmp_path / "toy", "new")
    assert not ours.exists() and link.is_symlink()
    assert all(folder.is_dir() for folder in others)


def test_a_load_waits_for_a_replacement_that_is_under_way(tmp_path, monkeypatch):
    path, rename = tmp_path / "toy", pathlib.Path.rename
    write(path, "old")
    between, finish = threading.Event(), threading.Event()

    def slow(self, target):
        if self.suffix == ".tmp":
            between.set()
            assert finish.wait(20)
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", slow)
    saver = threading.Thread(target=write, args=(path, "new"))
    saver.start()
    assert between.wait(20) and not path.exists()
    loader = threading.Thread(target=staging.recovered, args=(path,))
    loader.start()
    loader.join(0.3)
    assert loader.is_alive()  # it waits, and does not take the old one back
    finish.set()
    saver.join()
    loader.join()
    assert text_in(path) == {"new"} and names_beside(path) == ["toy"]


def test_partial_files_of_the_dead_are_swept(tmp_path):
    dead, held = (tmp_path / f".x.{c * 32}.part" for c in "ab")
    other = tmp_path / ".x.part"
    for path in (dead, held, other):
        path.write_text("")
    with open(held) as file:
        assert staging.hold(file)
        staging.sweep_files(tmp_path, ".x", ".part")
    assert not dead.exists() and held.exists() and other.exists()


def test_an_unknown_home_is_just_no_folder():
    assert not staging.recovered("~nobody_of_that_name/toy").exists()


def test_errors_leave_the_old_folder(tmp_path):
    write(tmp_path / "toy", "old")
    with pytest.raises(KeyError), staging.replacing(tmp_path / "toy"):
        raise KeyError("in between")
    assert text_in(tmp_path / "toy") == {"old"}
    assert names_beside(tmp_path / "toy") == ["toy"]
