"""Recipes as text."""

import tomli_w

from keras_gans.core.files import written_whole


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
    with written_whole(path) as temporary:
        temporary.write_text(to_toml(recipe), "utf-8")
