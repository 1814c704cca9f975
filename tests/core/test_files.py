import os

import pytest

from keras_gans.core.files import sweep, written_whole


def test_the_file_of_before_stays_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "notes.txt"
    target.write_text("before")
    with pytest.raises(RuntimeError), written_whole(target) as path:
        path.write_text("half")
        assert target.read_text() == "before"
        raise RuntimeError
    assert target.read_text() == "before"
    with written_whole(target) as path:
        path.write_text("whole")
    assert target.read_text() == "whole"
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_sweeping_leaves_other_hidden_files(tmp_path):
    kept = [".gitignore", ".12", "12.a", ".x.12.png"]
    for name in (*kept, ".4711.epoch_0001.png", ".1.recipe.toml"):
        (tmp_path / name).touch()
    (tmp_path / ".12.folder").mkdir()
    sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".12.folder"])
    sweep(tmp_path / "absent")
