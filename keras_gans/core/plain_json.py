"""Strict JSON: what may be in the files of a preset, before anybody asks what it means.

Python reads more than JSON: NaN, numbers of any length, keys that are there twice (the
last one wins, so that two readers can see two things), halves of surrogate pairs that
no file can be named with.
"""

import collections
import json
import math

# A network of 900 layers, written out, is 2 MB.
SIZE_LIMITS = {"metadata.json": 1 << 20, "config.json": 1 << 23, "index.json": 1 << 24}
LARGEST = 2**64


class PresetError(ValueError):
    """A preset that cannot be found, trusted, read or written; the message says why."""


def parse_json(raw, name, where):
    """Returns the object in a file's bytes; raises `PresetError` if there is none.

    Args:
        raw: bytes of the file.
        name: its name, a key of `SIZE_LIMITS`.
        where: folder or address, for the message.

    Example:

    >>> parse_json(b'{"seed": 7}', "config.json", "my_digits")
    {'seed': 7}
    """
    if len(raw) > SIZE_LIMITS[name]:
        raise PresetError(f"{name} of {where} is too long: {len(raw)} bytes.")
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_without_repetition,
            parse_constant=_number,
            parse_float=_number,
            parse_int=_number,
        )
        if b"\\ud" in raw.lower():  # half a surrogate pair, perhaps
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as why:
        raise PresetError(f"{name} of {where} cannot be parsed: {why}") from why
    if not isinstance(parsed, dict):
        raise PresetError(f"{name} of {where} does not hold an object.")
    return parsed


def read_bounded(path):
    """Returns the bytes of a file that `parse_json` will read, or too many by one.

    Args:
        path: `pathlib.Path` of a file with a name in `SIZE_LIMITS`.
    """
    try:
        if not path.is_file():  # a pipe would wait for a writer
            raise PresetError(f"{path} is no regular file.")
        with open(path, "rb") as file:
            return file.read(SIZE_LIMITS[path.name] + 1)
    except OSError as why:
        raise PresetError(f"{path} cannot be read: {why}") from why


def shown(text, length=200):
    """Returns a stranger's text as it may be printed: in one line, and not for ever."""
    text = str(text)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= length else f"{text[:length]}..."


def _number(text):
    # int() itself refuses more than 4,300 digits, for the time they take.
    whole = text.lstrip("-").isdigit()
    value = int(text) if whole else float(text)
    if abs(value) > LARGEST if whole else not math.isfinite(value):
        raise ValueError(f"the number {shown(text, 20)} is refused.")
    return value


def _without_repetition(pairs):
    table = dict(pairs)
    if len(table) < len(pairs):
        ((twice, _),) = collections.Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(twice)} is there twice.")
    return table
