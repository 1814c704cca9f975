"""Recipes as text: written down, and compared."""

import os

import tomli_w


def to_toml(recipe):
    """A recipe as TOML that `recipes.read` reads back.

    Args:
        recipe: Dict of plain values and tables.

    Raises:
        ValueError: if it holds something that TOML has no way to write.
    """
    try:
        return tomli_w.dumps(recipe)
    except TypeError as why:
        raise ValueError(f"A recipe cannot hold this: {why}") from why


def write(recipe, path):
    """Writes a recipe, wholly or not at all; the folder is made if need be.

    Args:
        recipe: As for `to_toml`.
        path: `pathlib.Path` of the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(to_toml(recipe), "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def differences(old, new):
    """Where two recipes differ, as `fit.epochs (2, now 4)`.

    Args:
        old: Dict.
        new: Dict.

    Returns:
        List of str.
    """
    before, after = dict(_leaves(old, "")), dict(_leaves(new, ""))
    names = list({**before, **after})
    return [
        f"{name} ({before.get(name, 'none')}, now {after.get(name, 'none')})"
        for name in names
        if before.get(name) != after.get(name)
    ]


def _leaves(table, prefix):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
