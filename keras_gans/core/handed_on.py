"""Arguments that a system hands on to the one it is built upon."""

import inspect


def hands_on_arguments(system):
    """A class decorator: the constructor's signature names what `**kwargs` stand for.

    A system that adds a few arguments to those of a large one need not repeat them:
    configurations, recipes and `help` read the signature. Its own arguments are to be
    keyword-only: `def __init__(self, *args, own=1, **kwargs)`.

    Args:
        system: Class whose `__init__` passes `*args` and `**kwargs` to its parent's.

    Returns:
        The class.

    Example:

    >>> class Parent:
    ...     def __init__(self, a=1, **kwargs):
    ...         pass
    >>> @hands_on_arguments
    ... class Child(Parent):
    ...     def __init__(self, *args, b=2, **kwargs):
    ...         super().__init__(*args, **kwargs)
    >>> inspect.signature(Child)
    <Signature (a=1, *, b=2, **kwargs)>
    """
    own = inspect.signature(system.__init__).parameters
    theirs = inspect.signature(super(system, system).__init__).parameters
    keyword = [p for p in own.values() if p.kind is p.KEYWORD_ONLY]
    named = {p.name for p in keyword}
    handed = [
        p
        for p in theirs.values()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in named
    ]
    rest = [p for p in theirs.values() if p.kind is p.VAR_KEYWORD]
    system.__init__.__signature__ = inspect.Signature([*handed, *keyword, *rest])
    return system
