import inspect

import pytest

from keras_gans.core.handed_on import hands_on_arguments
from keras_gans.core.saving import _constructor_arguments


class Parent:
    def __init__(self, a, b=2, **kwargs):
        self.found = {"a": a, "b": b, **kwargs}


@hands_on_arguments
class Child(Parent):
    def __init__(self, *args, b=3, c=4, **kwargs):
        super().__init__(*args, b=b, **kwargs)
        self.c = c


@hands_on_arguments
class Grandchild(Child):
    def __init__(self, *args, d=5, **kwargs):
        super().__init__(*args, **kwargs)


def test_the_signature_names_all_arguments():
    assert str(inspect.signature(Child)) == "(a, *, b=3, c=4, **kwargs)"
    assert _constructor_arguments(Child) == ["a", "b", "c"]
    assert _constructor_arguments(Grandchild) == ["a", "b", "c", "d"]
    assert str(inspect.signature(Parent)) == "(a, b=2, **kwargs)"


def test_calls_are_as_before():
    child = Child(1, c=7, e=8)
    assert child.found == {"a": 1, "b": 3, "e": 8} and child.c == 7
    assert Grandchild(a=1, b=9).found["b"] == 9
    with pytest.raises(TypeError):
        Child()
