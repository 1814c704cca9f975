"""Ways to spoil a picture, so that a network can learn to restore it.

Each is a small class; `DEGRADATIONS` names them, and `degradation("mosaic:8")` makes
one from plain text. All are called alike:

    degraded, mask = degradation(images, random)

with uint8 `(num_images, height, width, channels)` and a `numpy.random.RandomState`.
`degraded` is uint8 of the same height and width; `mask` is uint8
`(num_images, height, width, 1)`, 255 where the picture was spoilt and 0 elsewhere (1
and -1 once it is scaled like a picture), or `None` for what spoils all of it. Images
are drawn for one after the other: a batch takes what its images take by themselves.

Where a mosaic is coarse, a network paints what is plausible there, not what was there:
nobody who was hidden is revealed.
"""

import dataclasses

from keras_gans.data.degraded_regions import Hole, Mosaic
from keras_gans.data.degraded_wholes import Bayer, Grey, Jpeg, LowRes, Noise

DEGRADATIONS = {
    "mosaic": Mosaic,
    "hole": Hole,
    "bayer": Bayer,
    "low_res": LowRes,
    "grey": Grey,
    "noise": Noise,
    "jpeg": Jpeg,
}


def degradation(identifier):
    """Makes a degradation from plain text, as recipes and command lines have it.

    Args:
        identifier: A name in `DEGRADATIONS`; after a colon and separated by commas its
            arguments, the first of which may go without its name. Several numbers to
            draw from are separated by slashes. Or a `Degradation` (any callable of
            that kind), which is returned.

    Returns:
        A `Degradation`.

    Raises:
        ValueError: For an unknown name, an unknown argument, or one that the
            degradation refuses.

    Example:

    >>> degradation("mosaic:4/8,region=all")
    Mosaic(block=(4, 8), region='all')
    >>> degradation("noise:12.5")
    Noise(sigma=12.5)
    """
    if not isinstance(identifier, str):
        if callable(identifier):
            return identifier
        raise ValueError(
            f"A degradation is a text like 'mosaic:8'. Found: {identifier}."
        )
    name, _, arguments = identifier.partition(":")
    if name not in DEGRADATIONS:
        known = ", ".join(map(repr, DEGRADATIONS))
        raise ValueError(f"A degradation is one of {known}. Found: {identifier!r}.")
    kind = DEGRADATIONS[name]
    fields = [field.name for field in dataclasses.fields(kind)]
    options = {}
    for place, text in enumerate(filter(None, arguments.split(","))):
        key, equals, value = text.partition("=")
        if not equals and place == 0 and fields:
            key, value = fields[0], text
        if key not in fields or key in options or not value:
            takes = ", ".join(fields) or "no arguments"
            raise ValueError(
                f"{name!r} takes {takes}. Found: {text!r} in {identifier!r}."
            )
        options[key] = _value(value)
    return kind(**options)


def _value(text):
    """The number, the numbers or the word in a text."""
    if "/" in text:
        return tuple(_value(part) for part in text.split("/"))
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
