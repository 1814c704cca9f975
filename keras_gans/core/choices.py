"""Arguments that are one of several words."""


def check_choice(name, value, known):
    """Checks an argument that is one of several words.

    Args:
        name: That of the argument.
        value: What was given.
        known: The words.

    Raises:
        ValueError: for another value.
    """
    if value not in known:
        raise ValueError(f"{name} is one of {', '.join(known)}. Found: {value!r}.")
