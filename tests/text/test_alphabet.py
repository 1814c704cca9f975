"""The alphabet of Reed et al., in Python and in a graph."""

import doctest
import importlib
import string

import numpy as np
import pytest

from keras_gans.text import ALPHABET, TEXT_LENGTH, character_ids
from keras_gans.text.alphabet import as_texts, holds_texts
from tests.contract import on_tensorflow


def test_the_alphabet():
    """Section 1.7: 70 symbols with "-" twice, of which the later place counts."""
    assert len(ALPHABET) == 70 and len(set(ALPHABET)) == 69
    assert ALPHABET.count("-") == 2
    assert character_ids("-")[0, 0] == ALPHABET.rindex("-") + 1 == 60
    for place, symbol in enumerate(ALPHABET, 1):
        if symbol != "-":
            assert character_ids(symbol)[0, 0] == place


def test_rows_of_numbers():
    found = character_ids(["Ab", "é?", ""])
    assert found.shape == (3, TEXT_LENGTH) == (3, 201) and found.dtype == np.int32
    assert found[0, :3].tolist() == [1, 2, 0]
    assert found[1, :3].tolist() == [0, 42, 0], (
        "what the alphabet lacks keeps its place"
    )
    assert not found[2].any()
    long = character_ids("b" * 500)
    assert (long == 2).all() and long.shape == (1, 201)
    upper, lower = (character_ids(t) for t in (string.ascii_uppercase, ALPHABET[:26]))
    np.testing.assert_array_equal(upper, lower)


@on_tensorflow
def test_a_server_reads_the_same():
    import tensorflow as tf

    from keras_gans.core.served_texts import ids_of

    texts = [
        "A red One!",
        "",
        "naïve – 画像 \U0001f600 ok",
        "K" * 3,
        "\t\n~",
        "z" * 300,
    ]
    found = tf.function(ids_of)(tf.constant(texts)).numpy()
    np.testing.assert_array_equal(found, character_ids(texts))
    broken = ids_of(tf.constant([b"a\xff\xfeb"])).numpy()
    np.testing.assert_array_equal(broken, character_ids([b"a\xff\xfeb"]))


def test_texts_are_told_from_numbers():
    for texts in ("a", b"a", ["a"], [["a", "b"]], np.array(["a"]), np.array([b"a"])):
        assert holds_texts(texts)
    assert holds_texts(np.array(["a", "b"], object))
    for numbers in (np.zeros(3), [0.5], [], None, np.array([], object), [[1]]):
        assert not holds_texts(numbers)
    assert as_texts(np.array([["a", "b"], ["c", "d"]])) == ["a", "b", "c", "d"]
    with pytest.raises(TypeError, match="Texts are strings. Found: None"):
        as_texts(["a", None])


@pytest.mark.parametrize("name", ["alphabet", "embedders"])
def test_examples_run(name):
    module = importlib.import_module(f"keras_gans.text.{name}")
    failed, tried = doctest.testmod(module)
    assert tried and not failed
