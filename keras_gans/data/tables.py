"""Tables of several sources: a CSV file each, or arrays of one `.npz` file."""

import numpy as np

from keras_gans.core.plain_json import shown
from keras_gans.data.archives import Archive
from keras_gans.data.loading import locate

# 64 % to learn from, 16 % to choose by, 20 % to measure on.
SPLITS = ("train", "validation", "test")
_TEST, _VALIDATION = 0.2, 0.16
_FEATURES, _LABELS, _COLUMNS = "_features", "_labels", "_columns"


def load_tables(source, split="all", *, label="label", columns=None, seed=0):
    """Loads the tables of several domains.

    `source` is one of

    1. a folder of CSV files, whose names without `.csv` are the domains; empty fields
       and `?` are missing values;
    2. an `.npz` file with `<domain>_features` `(rows, columns)`, NaN where missing, and
       `<domain>_labels` `(rows,)`; of the columns' names `<domain>_columns` if it has
       such an array of texts, else `columns`;
    3. with the environment variable `KERAS_GANS_DATA=<folder>`, the name of such a
       folder or file there.

    Args:
        source: See above.
        split: `"all"` rows, or the part `"train"` (64 %), `"validation"` (16 %) or
            `"test"` (20 %) of each table, drawn from `seed` with labels as frequent as
            in all.
        label: Name of the column of labels.
        columns: Names of the columns of an `.npz` file; `None` for `feature_0` and so
            on.
        seed: Non-negative int, the seed of the parts.

    Returns:
        Dict of the domain's name to its `pandas.DataFrame`, in alphabetical order.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ImportError: Without pandas.
        ValueError: For a source without tables, one without labels, or an unknown
            split.

    Example:

    ```python
    tables = load_tables("hospitals/", "train", label="disease", seed=0)
    gan = RadialGAN.for_tables(tables, label="disease")
    ```
    """
    if split not in (*SPLITS, "all"):
        raise ValueError(
            f"The parts of tables are {', '.join(SPLITS)} and all. Found: {split!r}."
        )
    try:
        import pandas  # noqa: F401
    except ImportError as why:
        raise ImportError(
            "Tables need pandas: pip install keras-gans[tables]."
        ) from why
    kind, path = locate(source)
    if kind == "folder":
        frames = _from_folder(path)
    elif kind == "npz":
        frames = _from_archive(path, label, columns)
    else:
        raise FileNotFoundError(
            f"There is no folder of CSV files and no .npz file {source!r}."
        )
    for name, frame in frames.items():
        if label not in frame.columns:
            raise ValueError(
                f"The table {name} of {path} has no column {label!r}: name that of the "
                f"labels. Found: {shown(list(frame.columns))}."
            )
    if split == "all":
        return frames
    return {n: rows_of(frame, split, label, seed) for n, frame in frames.items()}


def rows_of(frame, split, label, seed=0):
    """A part of the rows of a table, as `load_tables` draws it.

    Args:
        frame: `pandas.DataFrame`.
        split: `"train"`, `"validation"` or `"test"`.
        label: Name of the column of labels.
        seed: Non-negative int.
    """
    from sklearn.model_selection import train_test_split

    def divided(frame, share):
        counts = frame[label].value_counts()
        # Parts as alike as they can be; a class of one row has no two parts.
        alike = frame[label] if counts.min() > 1 else None
        return train_test_split(
            frame, test_size=share, random_state=seed, stratify=alike
        )

    rest, test = divided(frame, _TEST)
    train, validation = divided(rest, _VALIDATION / (1 - _TEST))
    return {"train": train, "validation": validation, "test": test}[split]


def _from_folder(folder):
    import pandas

    files = sorted(folder.glob("*.csv"))
    if not files:
        raise ValueError(f"{folder} holds no CSV files, one for each domain.")
    frames = {}
    for file in files:
        try:
            frames[file.stem] = pandas.read_csv(file, na_values=["?"])
        except (ValueError, UnicodeDecodeError) as why:
            raise ValueError(f"{file} cannot be read as a table: {why}") from why
    return frames


def _from_archive(path, label, columns):
    import pandas

    frames = {}
    with open(path, "rb") as file:
        archive = Archive(path, file)
        names = sorted(
            name.removesuffix(_FEATURES)
            for name in archive.names
            if name.endswith(_FEATURES) and len(name) > len(_FEATURES)
        )
        for name in names:
            if name + _LABELS not in archive.names:
                raise ValueError(f"{path} has {name}_features and no {name}_labels.")
            rows, labels = archive.read(name + _FEATURES), archive.read(name + _LABELS)
            titles = columns
            if name + _COLUMNS in archive.names:
                titles = archive.read(name + _COLUMNS).astype(str).tolist()
            _check_arrays(path, name, rows, labels, titles)
            titles = titles or [f"feature_{i}" for i in range(rows.shape[1])]
            table = pandas.DataFrame(rows.astype("float64"), columns=list(titles))
            frames[name] = table.assign(**{label: labels})
    if not frames:
        raise ValueError(
            f"{path} holds no tables: expected '<domain>_features' and "
            f"'<domain>_labels'. Found {shown(sorted(archive.names))}."
        )
    return frames


def _check_arrays(path, name, rows, labels, titles):
    if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.number):
        raise ValueError(
            f"{path}: {name}_features is {rows.dtype} of shape {rows.shape}, expected "
            "numbers (rows, columns)."
        )
    if labels.shape != rows.shape[:1]:
        raise ValueError(
            f"{path}: {name} has {len(rows)} rows and labels of shape {labels.shape}."
        )
    if titles is not None and len(titles) != rows.shape[1]:
        raise ValueError(
            f"{path}: {name} has {rows.shape[1]} columns, and there are {len(titles)} "
            "names."
        )
