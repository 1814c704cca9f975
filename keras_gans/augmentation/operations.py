"""What ADA does to images: its operations, their draws, and the order they come in."""

import math

from keras import ops

from keras_gans.augmentation import bands, colors
from keras_gans.augmentation.warping import compose, warp

# Uniform and normal draws of each operation, the first uniform ones to decide.
DRAWS = {
    "xflip": (2, 0),
    "rotate90": (2, 0),
    "xint": (3, 0),
    "scale": (1, 1),
    "rotate": (4, 0),
    "aniso": (1, 1),
    "xfrac": (1, 2),
    "brightness": (1, 1),
    "contrast": (1, 1),
    "lumaflip": (2, 0),
    "hue": (2, 0),
    "saturation": (1, 1),
    "imgfilter": (4, 4),
    "noise": (1, 1),
    "cutout": (3, 0),
}
_NAMES = list(DRAWS)
COLORS = _NAMES[7:12]
PIPES = {
    "blit": _NAMES[:3],
    "geom": _NAMES[3:7],
    "color": COLORS,
    "bg": _NAMES[:7],
    "bgc": _NAMES[:12],
    "bgcf": _NAMES[:13],
    "bgcfn": _NAMES[:14],
    "bgcfnc": _NAMES,
}


def operate(images, draws, seeds):
    """All operations that have draws, in the order of the paper.

    Args:
        images: float32 `(batch, height, width, channels)`.
        draws: `Draws`.
        seeds: Stream with `normal(shape)`, for noise.

    Returns:
        The same shape; images that no operation strikes, bit for bit.
    """
    images = _geometry(images, draws)
    images = _colors(images, draws)
    images = _image_filter(images, draws)
    images = _noise(images, draws, seeds)
    return _cutout(images, draws)


class Draws:
    """The random numbers of one call, and where each operation strikes.

    Args:
        names: Names of the operations.
        count: Number of images.
        seeds: As for `ADA.call`.
        p: Probability.
    """

    def __init__(self, names, count, seeds, p):
        self.count = count
        self._p = p
        self._uniform = _columns(names, 0, count, seeds.uniform)
        self._normal = _columns(names, 1, count, seeds.normal)

    def __contains__(self, name):
        return name in self._uniform or name in self._normal

    def strikes(self, name, which=0, p=None):
        """Boolean `(batch,)`."""
        return self._uniform[name][which] < (self._p if p is None else p)

    def uniform(self, name, which):
        """The n-th uniform draw of an operation, `(batch,)`."""
        return self._uniform[name][which]

    def normal(self, name, which=0):
        """The n-th normal draw of an operation, `(batch,)`."""
        return self._normal[name][which]

    def choice(self, name, count):
        """An integer in [0, count), as a float, of the second uniform draw."""
        number = ops.floor(count * self._uniform[name][1])
        # A draw just below 1 may have been rounded to it.
        return ops.minimum(number, count - 1.0)

    @property
    def p_of_rotation(self):
        """Of each of two rotations, so that at least one strikes with p."""
        return 1.0 - ops.sqrt(1.0 - ops.clip(self._p, 0.0, 1.0))


def _columns(names, kind, count, draw):
    total = sum(DRAWS[name][kind] for name in names)
    if not total:
        return {}
    columns = iter(ops.unstack(draw((count, total)), num=total, axis=1))
    return {name: [next(columns) for _ in range(DRAWS[name][kind])] for name in names}


def _geometry(images, draws):
    """One warp along the inverse of all maps, each of which comes before the last."""
    zero, one = ops.zeros((draws.count,)), ops.ones((draws.count,))
    neutral = to_input = (one, zero, zero, zero, one, zero)
    struck = ops.zeros((draws.count,), dtype="bool")
    for strikes, inverse in _inverse_maps(draws, *images.shape[1:3], zero, one):
        pairs = zip(inverse, neutral, strict=True)
        to_input = compose(to_input, [ops.where(strikes, v, n) for v, n in pairs])
        struck = ops.logical_or(struck, strikes)
    if to_input is neutral:
        return images
    return _where(struck, warp(images, to_input), images)


def _inverse_maps(draws, height, width, zero, one):
    """Where each map strikes, and its inverse as for `compose`, in pixels."""
    if "xflip" in draws:
        sign = 1.0 - 2.0 * draws.choice("xflip", 2)
        yield draws.strikes("xflip"), (sign, zero, zero, zero, one, zero)
    if "rotate90" in draws:
        yield draws.strikes("rotate90"), _quarter_turns(draws.choice("rotate90", 4))
    if "xint" in draws:
        x = ops.round(0.125 * width * (2.0 * draws.uniform("xint", 1) - 1.0))
        y = ops.round(0.125 * height * (2.0 * draws.uniform("xint", 2) - 1.0))
        yield draws.strikes("xint"), (one, zero, -x, zero, one, -y)
    if "scale" in draws:
        factor = _power_of_two(-0.2 * draws.normal("scale"))
        yield draws.strikes("scale"), (factor, zero, zero, zero, factor, zero)
    if "rotate" in draws:
        yield draws.strikes("rotate", 0, draws.p_of_rotation), _rotation(draws, 2)
    if "aniso" in draws:
        factor = _power_of_two(-0.2 * draws.normal("aniso"))
        yield draws.strikes("aniso"), (factor, zero, zero, zero, 1.0 / factor, zero)
    if "rotate" in draws:
        yield draws.strikes("rotate", 1, draws.p_of_rotation), _rotation(draws, 3)
    if "xfrac" in draws:
        x = 0.125 * width * draws.normal("xfrac", 0)
        y = 0.125 * height * draws.normal("xfrac", 1)
        yield draws.strikes("xfrac"), (one, zero, -x, zero, one, -y)


def _quarter_turns(number):
    # Exact, where the cosine of half pi in float32 is not quite zero.
    cosine = ops.where(number == 0, 1.0, ops.where(number == 2, -1.0, 0.0))
    sine = ops.where(number == 1, 1.0, ops.where(number == 3, -1.0, 0.0))
    zero = ops.zeros_like(cosine)
    return (cosine, -sine, zero, sine, cosine, zero)


def _rotation(draws, which):
    angle = math.pi * (2.0 * draws.uniform("rotate", which) - 1.0)
    cosine, sine = ops.cos(angle), ops.sin(angle)
    zero = ops.zeros_like(cosine)
    return (cosine, -sine, zero, sine, cosine, zero)


def _colors(images, draws):
    changes = [name for name in COLORS if name in draws]
    if not changes:
        return images
    found = colors.identity(draws.count)
    struck = ops.zeros((draws.count,), dtype="bool")
    for name in changes:
        strikes = draws.strikes(name)
        found = _where(strikes, _recolored(found, name, draws), found)
        struck = ops.logical_or(struck, strikes)
    return _where(struck, colors.apply(found, images), images)


def _recolored(found, name, draws):
    if name == "brightness":
        return colors.brighten(found, 0.2 * draws.normal(name))
    if name == "contrast":
        return colors.scale(found, _power_of_two(0.5 * draws.normal(name)))
    if name == "lumaflip":
        return colors.flip_luma(found, draws.choice(name, 2))
    if name == "hue":
        angle = math.pi * (2.0 * draws.uniform(name, 1) - 1.0)
        return colors.rotate_hue(found, angle)
    return colors.saturate(found, _power_of_two(draws.normal(name)))


def _image_filter(images, draws):
    if "imgfilter" not in draws:
        return images
    gains = ops.ones((draws.count, bands.COUNT))
    struck = ops.zeros((draws.count,), dtype="bool")
    for band in range(bands.COUNT):
        strikes = draws.strikes("imgfilter", band)
        gain = _power_of_two(draws.normal("imgfilter", band))[:, None]
        own = ops.where(ops.arange(bands.COUNT)[None] == band, gain, 1.0)
        gains = _where(strikes, gains * bands.normalized(own), gains)
        struck = ops.logical_or(struck, strikes)
    return _where(struck, bands.amplify(images, gains), images)


def _noise(images, draws, seeds):
    if "noise" not in draws:
        return images
    sigma = ops.reshape(0.1 * ops.abs(draws.normal("noise")), (-1, 1, 1, 1))
    noisy = images + sigma * seeds.normal(ops.shape(images))
    return _where(draws.strikes("noise"), noisy, images)


def _cutout(images, draws):
    """Zeros within a quarter of each side from a random centre."""
    if "cutout" not in draws:
        return images
    near = []
    for axis, which in ((1, 2), (2, 1)):
        side = images.shape[axis]
        places = (ops.arange(side, dtype="float32") + 0.5) / side
        distances = ops.abs(places[None] - draws.uniform("cutout", which)[:, None])
        near.append(distances < 0.25)
    hole = ops.logical_and(near[0][:, :, None, None], near[1][:, None, :, None])
    cut = images * (1.0 - ops.cast(hole, "float32"))
    return _where(draws.strikes("cutout"), cut, images)


def _power_of_two(exponent):
    return ops.exp(math.log(2.0) * exponent)


def _where(condition, first, second):
    """`ops.where` with one condition `(batch,)` per row."""
    shape = (-1, *(1,) * (len(second.shape) - 1))
    return ops.where(ops.reshape(condition, shape), first, second)
