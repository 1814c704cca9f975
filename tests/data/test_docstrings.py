import doctest
import importlib

import pytest

MODULES = (
    "array_batches",
    "captioned_shapes",
    "captions",
    "degradations",
    "domains",
    "loading",
    "moving_digits",
    "pair_batches",
    "pixels",
    "streaming",
    "unpaired",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    if name == "streaming":
        pytest.importorskip("tensorflow")
    failed, tried = doctest.testmod(importlib.import_module(f"keras_gans.data.{name}"))
    assert tried and not failed
