"""Texts as rows of character numbers: the 70 symbols of Reed et al. 2016.

Every symbol is an ASCII character, and both cases of a letter have one number: Python
and a served model read the same characters without agreeing on what lower case is.
"""

import numpy as np

# As the authors wrote it: "-" is there twice, and the later place counts.
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} "
TEXT_LENGTH = 201


def _numbers_of_ascii():
    numbers = np.zeros(128, "int32")
    for place, symbol in enumerate(ALPHABET, start=1):
        numbers[ord(symbol)] = numbers[ord(symbol.upper())] = place
    return numbers


# Number of each ASCII character; 0 is what the alphabet lacks.
NUMBERS = _numbers_of_ascii()


def character_ids(texts, length=TEXT_LENGTH):
    """Numbers of the characters of texts, as text encoders take them.

    Args:
        texts: One text, or a list or an array of them. What is longer than `length`
            is cut; characters that the alphabet lacks are 0, like what follows a text.
        length: Characters in a row; 201.

    Returns:
        int32 array `(num, length)` in [0, 70].

    Example:

    >>> character_ids("A-b", length=5).tolist()
    [[1, 60, 2, 0, 0]]
    """
    texts = as_texts(texts)
    ids = np.zeros((len(texts), length), "int32")
    for row, text in zip(ids, texts, strict=True):
        points = np.array([ord(character) for character in text[:length]], "int64")
        row[: len(points)] = np.where(points < 128, NUMBERS[np.minimum(points, 127)], 0)
    return ids


def as_texts(texts):
    """A list of the texts in a text, a list or an array, in its order.

    Raises:
        TypeError: for something in it that is no text.
    """
    if isinstance(texts, (str, bytes)):
        texts = [texts]
    found = np.asarray(texts, object).reshape(-1).tolist()
    texts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else t for t in found]
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"Texts are strings. Found: {text!r:.60}.")
    return texts


def holds_texts(array):
    """Whether what was given are texts rather than numbers."""
    if isinstance(array, (str, bytes)):
        return True
    if isinstance(array, (list, tuple)):
        return bool(array) and holds_texts(array[0])
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind == "O":
        return array.size > 0 and isinstance(array.reshape(-1)[0], (str, bytes))
    return kind in "US" and kind != ""
