import sys

import numpy as np
import pandas
import pytest

from keras_gans import data


def write_npz(folder, **arrays):
    rng = np.random.default_rng(0)
    for name, count in (("north", 50), ("south", 25)):
        arrays.setdefault(f"{name}_features", rng.normal(size=(count, 2)))
        arrays.setdefault(f"{name}_labels", np.arange(count) % 2)
    np.savez(folder / "two.npz", **arrays)
    return folder / "two.npz"


def test_arrays_become_tables(tmp_path):
    tables = data.load_tables(write_npz(tmp_path), label="ill", columns=["a", "b"])
    assert list(tables) == ["north", "south"]
    assert list(tables["north"].columns) == ["a", "b", "ill"]
    assert len(tables["north"]) == 50 and len(tables["south"]) == 25
    unnamed = data.load_tables(tmp_path / "two.npz")
    assert list(unnamed["south"].columns) == ["feature_0", "feature_1", "label"]


def test_files_become_tables(tmp_path):
    (tmp_path / "north.csv").write_text("age,ill\n3,yes\n?,no\n,yes\n")
    (tmp_path / "south.csv").write_text("height,ill\n1.5,yes\n1.6,no\n")
    tables = data.load_tables(tmp_path, label="ill")
    assert tables["north"]["age"].isna().tolist() == [False, True, True]
    assert tables["south"]["height"].tolist() == [1.5, 1.6]


def test_parts_are_drawn_from_the_seed(tmp_path):
    path = write_npz(tmp_path)
    parts = {
        split: data.load_tables(path, split, seed=3) for split in data.tables.SPLITS
    }
    sizes = [len(parts[split]["north"]) for split in ("train", "validation", "test")]
    assert sizes == [32, 8, 10]
    rows = [tuple(r) for p in parts.values() for r in p["north"].to_numpy()]
    assert len(set(rows)) == 50
    assert all(p["north"]["label"].mean() == 0.5 for p in parts.values())
    again = data.load_tables(path, "test", seed=3)["north"]
    pandas.testing.assert_frame_equal(again, parts["test"]["north"])
    other = data.load_tables(path, "test", seed=4)["north"]
    assert set(other.index) != set(again.index)


def test_a_label_seen_once_does_not_stop_the_division():
    frame = pandas.DataFrame({"x": range(10), "label": [1] + [0] * 9})
    parts = [data.tables.rows_of(frame, split, "label") for split in data.tables.SPLITS]
    assert sorted(x for part in parts for x in part["x"]) == list(range(10))


def test_sources_without_tables_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="holds no CSV files"):
        data.load_tables(tmp_path)
    path = write_npz(tmp_path)
    with pytest.raises(ValueError, match="has no column 'ill'"):
        (tmp_path / "north.csv").write_text("age\n3\n")
        data.load_tables(tmp_path, label="ill")
    with pytest.raises(ValueError, match="parts of tables are train, validation"):
        data.load_tables(path, "rest")
    with pytest.raises(ValueError, match="has 2 columns, and there are 1 names"):
        data.load_tables(path, columns=["a"])
    with pytest.raises(ValueError, match="50 rows and labels of shape"):
        data.load_tables(write_npz(tmp_path, north_labels=np.zeros(3)))
    np.savez(tmp_path / "none.npz", images=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="holds no tables"):
        data.load_tables(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="no folder of CSV files"):
        data.load_tables("nowhere_at_all")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install keras-gans\[tables\]"):
        data.load_tables(path)
