"""Tables as networks see them, and back.

What is missing is filled in, numbers are standardised, and each category is a feature
of its own. All that was learnt of a table is plain JSON.
"""

import numpy as np

# A standardised value beyond this was not standardised.
LARGEST = 1e3
MAX_CATEGORIES = 64


class Table:
    """The columns of one domain.

    A column is `{"name", "mean", "scale"}`, of numbers; or `{"name", "categories",
    "usual"}`. Missing numbers become the mean, missing categories the usual one.

    Args:
        config: Dict `{"name", "columns", "prevalence"}`, as `learnt` makes it; or an
            integer, the width of rows that are standardised already.
        number: Which domain it is, for the name of one given by its width.

    Attributes:
        name: Name of the domain.
        columns: List of dicts, as above.
        width: Features of an encoded row.
        groups: `(start, stop)` of the features of each categorical column.
        prevalence: Share of the second class, of rows without a label.

    Raises:
        ValueError: for a width or a description that makes no sense.
    """

    def __init__(self, config, number=0):
        if isinstance(config, int):
            config = _of_width(config, number)
        self.name, self.columns = str(config["name"]), list(config["columns"])
        self.prevalence = float(config.get("prevalence", 0.5))
        if not self.columns:
            raise ValueError(f"The domain {self.name} has no columns.")
        sizes = [len(column.get("categories", "1")) for column in self.columns]
        ends = np.cumsum(sizes).tolist()
        self.width = ends[-1]
        self._places = [(stop - n, stop) for n, stop in zip(sizes, ends, strict=True)]
        self.groups = [
            place
            for column, place in zip(self.columns, self._places, strict=True)
            if "categories" in column
        ]

    @property
    def names(self):
        """Names of the columns."""
        return [column["name"] for column in self.columns]

    def places(self):
        """`(column, start, stop)` of each: where its features are in a row."""
        pairs = zip(self.columns, self._places, strict=True)
        return [(column, *place) for column, place in pairs]

    def encode(self, frame, unknown="raise"):
        """float32 rows `(num_rows, width)` of a table.

        Args:
            frame: `pandas.DataFrame` with this domain's columns; others are left out.
            unknown: What a category is that the table did not have when it was learnt:
                `"raise"` for an error, `"missing"` for a missing value.

        Raises:
            ValueError: if a column is missing, or holds what it cannot.
        """
        if absent := [name for name in self.names if name not in frame.columns]:
            raise ValueError(
                f"The table of {self.name} lacks the columns {', '.join(absent)}."
            )
        parts = [
            _of_categories(frame[column["name"]], column, unknown)
            if "categories" in column
            else _of_numbers(frame[column["name"]], column)[:, None]
            for column in self.columns
        ]
        return np.concatenate(parts, axis=1).astype("float32")

    def decode(self, rows, index=None):
        """The table of encoded rows; of categories, the most probable.

        Args:
            rows: Array `(num_rows, width)`.
            index: Of the table; `None` for 0, 1, ...
        """
        pandas = _pandas()
        found = {}
        for column, start, stop in self.places():
            values = np.asarray(rows)[:, start:stop]
            if "categories" in column:
                categories = np.array(column["categories"])
                found[column["name"]] = categories[values.argmax(axis=1)]
            else:
                numbers = values[:, 0].astype("float64")
                found[column["name"]] = numbers * column["scale"] + column["mean"]
        return pandas.DataFrame(found, index=index)


class Label:
    """The column of two classes that all domains share.

    Args:
        config: Dict `{"name", "classes"}`; `None` for `label`, 0 and 1.

    Raises:
        ValueError: unless there are two classes.
    """

    def __init__(self, config=None):
        config = config or {"name": "label", "classes": [0, 1]}
        self.name, self.classes = str(config["name"]), list(config["classes"])
        if len(self.classes) != 2:
            raise ValueError(
                f"The label {self.name} has two classes. Found: {self.classes}."
            )

    def encode(self, values):
        """int32 array of 0 and 1.

        Args:
            values: Column of a table, or array.

        Raises:
            ValueError: for a value that is no class.
        """
        pandas = _pandas()
        values = pandas.Series(values)
        found = pandas.Index(self.classes).get_indexer(values)
        if (found < 0).any():
            wrong = values[found < 0].tolist()[0]
            raise ValueError(
                f"The label {self.name} is one of {self.classes}. Found: {wrong!r}."
            )
        return found.astype("int32")


def learnt(tables, label, categorical=(), max_missing=0.5):
    """What a `RadialGAN` is built of: the domains and the label of tables.

    Left out of a domain are columns of which more than `max_missing` is missing, and
    those with one value only. Text, booleans and pandas' categories are categorical.

    Args:
        tables: Dict of the domain's name to its `pandas.DataFrame`.
        label: Name of the column of labels, which has two classes over all domains.
        categorical: Names of further categorical columns, whose categories are numbers.
        max_missing: Share in [0, 1].

    Returns:
        `{"domains": [...], "label": {...}}`, plain values.

    Raises:
        ValueError: for a table without labels, or one of which nothing is left; or a
            column that is numbers in one domain and categories in another.
    """
    pandas = _pandas()
    for name, frame in tables.items():
        if label not in frame.columns:
            raise ValueError(f"The table of {name} lacks the column {label}.")
        if frame[label].isna().any():
            raise ValueError(
                f"The table of {name} has rows without a label: drop them with "
                f"frame.dropna(subset=[{label!r}])."
            )
    everything = pandas.concat([frame[label] for frame in tables.values()])
    found = Label({"name": label, "classes": _plain(everything.unique())})
    kinds, domains = {}, []
    for name, frame in tables.items():
        columns = []
        for key in frame.columns.drop(label):
            if not _is_kept(frame[key], max_missing):
                continue
            column = _learnt_column(frame[key], key in categorical, name)
            kind = "categories" in column
            if kinds.setdefault(key, kind) != kind:
                raise ValueError(
                    f"The column {key} holds numbers in one domain and categories in "
                    "another: name it in categorical=..., or convert it."
                )
            columns.append(column)
        prevalence = float(found.encode(frame[label]).mean())
        domains.append(
            {"name": str(name), "columns": columns, "prevalence": prevalence}
        )
        Table(domains[-1])  # refuses one without columns
    return {"domains": domains, "label": {"name": label, "classes": found.classes}}


def _is_kept(values, max_missing):
    return values.isna().mean() <= max_missing and values.nunique() > 1


def _learnt_column(values, is_categorical, domain):
    pandas = _pandas()
    types = pandas.api.types
    numeric = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    if numeric and not is_categorical:
        numbers = values.astype("float64")
        _check_finite(numbers)
        return {
            "name": str(values.name),
            "mean": float(numbers.mean()),
            "scale": float(numbers.std(ddof=0)),
        }
    categories = _plain(values.dropna().unique())
    if len(categories) > MAX_CATEGORIES:
        raise ValueError(
            f"The column {values.name} of {domain} has {len(categories)} categories, "
            f"more than {MAX_CATEGORIES}: leave it out, or group them."
        )
    (usual,) = _plain(values.mode().iloc[:1])
    return {"name": str(values.name), "categories": categories, "usual": usual}


def _of_numbers(values, column):
    try:
        numbers = values.astype("float64")
    except (TypeError, ValueError):
        raise ValueError(
            f"The column {column['name']} holds numbers. Found: "
            f"{values.dropna().tolist()[0]!r}."
        ) from None
    _check_finite(numbers)
    numbers = numbers.fillna(column["mean"]).to_numpy()
    return (numbers - column["mean"]) / column["scale"]


def _of_categories(values, column, unknown):
    pandas = _pandas()
    kept = values.notna()
    if unknown == "missing":
        kept &= values.isin(column["categories"])
    values = values.astype("object").where(kept, column["usual"])
    found = pandas.Index(column["categories"], dtype="object").get_indexer(values)
    if (found < 0).any():
        raise ValueError(
            f"The column {column['name']} is one of {column['categories']}. Found: "
            f"{values[found < 0].tolist()[0]!r}."
        )
    return np.eye(len(column["categories"]))[found]


def _check_finite(numbers):
    if np.isinf(numbers.to_numpy(na_value=np.nan)).any():
        raise ValueError(f"The column {numbers.name} holds infinite values.")


def _plain(values):
    """Values of a column, sorted, as JSON has them: 1 for 1.0."""
    found = [getattr(value, "item", lambda v=value: v)() for value in values]
    whole = [isinstance(v, float) and v.is_integer() for v in found]
    found = [int(v) if w else v for v, w in zip(found, whole, strict=True)]
    try:
        return sorted(found)
    except TypeError:
        raise ValueError(f"Values of several kinds in one column: {found}.") from None


def _of_width(width, number):
    if width < 1:
        raise ValueError(f"A domain has at least one feature. Found: {width}.")
    columns = [
        {"name": f"feature_{i}", "mean": 0.0, "scale": 1.0} for i in range(width)
    ]
    return {"name": f"domain_{number}", "columns": columns}


def _pandas():
    try:
        import pandas
    except ImportError as why:
        raise ImportError(
            "Tables need pandas: pip install keras-gans[tables]. Arrays of "
            "standardised features do without."
        ) from why
    return pandas
