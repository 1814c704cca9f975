"""Recipes as text: written down, and compared."""

import json
import os


def to_toml(recipe):
    """A recipe as TOML that `recipes.read` reads back.

    Args:
        recipe: Dict of plain values and tables; empty tables are left out.
    """
    return "\n".join(_lines(recipe, ())).strip() + "\n"


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


def _lines(table, path):
    plain = {k: v for k, v in table.items() if not isinstance(v, dict)}
    if path and plain:
        yield f"\n[{'.'.join(path)}]"
    for key, value in plain.items():
        yield f"{key} = {_value(value)}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _lines(value, (*path, key))


def _value(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, except that TOML escapes DEL too.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    raise ValueError(f"A recipe cannot hold {value!r}.")


def _leaves(table, prefix):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
