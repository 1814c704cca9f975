"""Strict JSON, and nothing that Python reads beside it."""

import time

import pytest

from keras_gans.core.plain_json import PresetError, parse_json, shown


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": NaN}', "the number NaN is refused"),
        (b'{"a": [-Infinity]}', "the number -Infinity is refused"),
        (b'{"a": 1e999}', "the number 1e999 is refused"),
        (b'{"a": 18446744073709551617}', "the number 18446744073709551617 is refused"),
        (b'{"a": ' + b"1" * 5000 + b"}", "5000 digits"),
        (b'{"a": {"b": 1, "b": 2}}', "the key b is there twice"),
        (b'{"\\u001b": 1, "\\u001b": 2}', r"the key '\\x1b' is there twice"),
        (b'{"a": "\\ud800"}', "surrogates not allowed"),
        (b'{"\\uDFFF": 1}', "surrogates not allowed"),
        (b'{"a": "\xff"}', "can't decode byte 0xff"),
        (b'{"a": "\xed\xa0\x80"}', "can't decode byte 0xed"),
        ('{"a": 1}'.encode("utf-16"), "can't decode"),
        (b"[" * 10**5, "recursion"),
        (b'{"a":' * 10**5, "recursion"),
        (b"", "Expecting value"),
        (b"[]", "does not hold an object"),
        (b'"config"', "does not hold an object"),
    ],
)
def test_what_is_no_strict_json_is_refused_by_name(raw, reason):
    with pytest.raises(PresetError, match=reason) as caught:
        parse_json(raw, "config.json", "there")
    assert "config.json of there" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_strict_json_is_read():
    raw = '{"é": ["\\ud83c\\udfb2", 18446744073709551615, -0.5, true, null]}'
    assert parse_json(raw.encode(), "config.json", "there") == {
        "é": ["🎲", 2**64 - 1, -0.5, True, None]
    }


def test_a_key_among_very_many_is_found_twice_at_once():
    keys = ",".join(f'"{n}":1' for n in (*range(200_000), 199_999))
    began = time.process_time()
    with pytest.raises(PresetError, match="199999 is there twice"):
        parse_json(f"{{{keys}}}".encode(), "config.json", "there")
    assert time.process_time() - began < 2


def test_shown_text_is_one_short_line():
    assert shown("generator/dense é") == "generator/dense é"
    assert shown("\x1b[31m\n") == r"'\x1b[31m\n'"
    assert shown("x" * 1000, 10) == "xxxxxxxxxx..."
