"""What a metric found, and all that must be the same before two findings compare."""

import dataclasses
import json
import math
import types

# Spreads of a value, never the value itself.
_SPREADS = ("std",)
# A Frechet distance is called FID, and a kernel distance KID, through this network
# only: the Inception graph of 2015-12-05. Other features give numbers that no
# publication holds.
FID_EXTRACTOR = "inception_2015"
_SHORT = {"frechet_distance": ("fid", "fd"), "kernel_distance": ("kid", "kd")}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How features came about: two figures compare only where all of this agrees.

    Args:
        extractor: Name of the network and its layer (`"inception_2015"`,
            `"mnist_cnn/penultimate"`, `"pixels"`); `None` for arrays that the caller
            answers for.
        weights_hash: Hash of the extractor's weight file, hexadecimal.
        resize: How images were brought to the extractor's size (`"clean"`,
            `"legacy_tensorflow"`). FIDs of one model under two modes differ by points.
        reference: What the real samples are: data set, split, resolution
            (`"cifar10/train/32"`).

    Raises:
        ValueError: If a field is neither `None` nor a non-empty str.

    Reference: Parmar et al. 2022, "On aliased resizing and surprising subtleties in
    GAN evaluation", arXiv 2104.11222.
    """

    extractor: str | None = None
    weights_hash: str | None = None
    resize: str | None = None
    reference: str | None = None

    def __post_init__(self):
        for name, text in dataclasses.asdict(self).items():
            if text is not None and not (isinstance(text, str) and text):
                raise ValueError(f"{name} must be a name or None. Found: {text!r}.")

    def __str__(self):
        known = [f"resize {self.resize}", f"reference {self.reference}"]
        stated = [text for text in known if not text.endswith(" None")]
        name = " ".join(filter(None, (self.extractor, self.weights_hash)))
        return ", ".join(filter(None, (name, *stated)))


@dataclasses.dataclass(frozen=True)
class Result:
    """The values of one metric, with what makes them comparable.

    `a < b` and `a - b` act on the value, `compare(a, b)` on each of several; all
    raise a `ValueError` that names what differs when metric, parameters, protocol or
    sample counts do. The seed is recorded and decides nothing: figures of several
    seeds are how a spread is measured. `result["recall"]` is one value as a float.

    Args:
        metric: Name of the metric, as `"frechet_distance"`.
        values: Dict from names to floats; `"std"` is the spread of the other.
        parameters: Dict from names to str, int, float, bool or `None`.
        protocol: `Protocol`.
        num_real: int, or `None` where there are no real samples or nobody counted.
        num_generated: The same of generated samples.
        seed: int, or `None` where nothing was drawn.
        notes: Sentences about what weakens the figure.

    Example:

    >>> a = Result("psnr", {"psnr": 31.5}, {"crop": 4}, num_generated=8)
    >>> print(a)
    psnr 31.5 (8 generated; crop 4)
    >>> Result.from_json(a.to_json()) == a
    True
    >>> a < Result("psnr", {"psnr": 32.0}, {"crop": 0}, num_generated=8)
    Traceback (most recent call last):
    ValueError: Not comparable: crop differs (4 and 0).
    """

    metric: str
    values: dict
    parameters: dict = dataclasses.field(default_factory=dict)
    protocol: Protocol = Protocol()
    num_real: int | None = None
    num_generated: int | None = None
    seed: int | None = None
    notes: tuple = ()

    def __post_init__(self):
        values = {str(name): float(value) for name, value in self.values.items()}
        parameters = {str(k): _scalar(k, v) for k, v in self.parameters.items()}
        if not values:
            raise ValueError(f"A result of {self.metric} needs a value.")
        fix = object.__setattr__
        fix(self, "values", types.MappingProxyType(values))
        fix(self, "parameters", types.MappingProxyType(parameters))
        fix(self, "notes", tuple(map(str, self.notes)))

    @property
    def value(self):
        """The value as a float; a `ValueError` if there are several."""
        names = [name for name in self.values if name not in _SPREADS]
        if len(names) != 1:
            raise ValueError(
                f"{self.metric} has several values, name one: "
                f"{', '.join(f'result[{name!r}]' for name in names)}."
            )
        return self.values[names[0]]

    @property
    def label(self):
        """The name to print: `fid`, `fd[mnist_cnn]`, `precision_recall[pixels]`."""
        extractor = self.protocol.extractor
        standard, other = _SHORT.get(self.metric, (self.metric, self.metric))
        if extractor == FID_EXTRACTOR and self.metric in _SHORT:
            return standard
        return f"{other}[{extractor}]" if extractor else other

    def comparable_facts(self):
        """Dict of all that must agree before values compare."""
        return {
            "metric": self.metric,
            **dataclasses.asdict(self.protocol),
            "num_real": self.num_real,
            "num_generated": self.num_generated,
            **self.parameters,
        }

    def to_json(self):
        """One line of strict JSON; values without end are the text `"inf"`."""
        table = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        table["values"] = {k: _plain(v) for k, v in self.values.items()}
        table["parameters"] = {k: _plain(v) for k, v in self.parameters.items()}
        table["protocol"] = dataclasses.asdict(self.protocol)
        return json.dumps(table, allow_nan=False)

    @classmethod
    def from_json(cls, text):
        """The result that `to_json` wrote; a `ValueError` for anything else."""
        try:
            table = json.loads(text)
            return cls(**{**table, "protocol": Protocol(**table["protocol"])})
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as why:
            raise ValueError(f"This is not the JSON of a result: {why}.") from why

    def __getitem__(self, name):
        return self.values[name]

    def __float__(self):
        return self.value

    def __sub__(self, other):
        return _agreeing(self, other).value - other.value

    def __lt__(self, other):
        return _agreeing(self, other).value < other.value

    def __le__(self, other):
        return _agreeing(self, other).value <= other.value

    def __gt__(self, other):
        return _agreeing(self, other).value > other.value

    def __ge__(self, other):
        return _agreeing(self, other).value >= other.value

    def __hash__(self):
        return hash(self.to_json())

    def __reduce__(self):
        return Result.from_json, (self.to_json(),)

    def __str__(self):
        spread = "".join(f" +- {self[s]:.6g}" for s in _SPREADS if s in self.values)
        shown = {k: f"{v:.6g}" for k, v in self.values.items() if k not in _SPREADS}
        if len(shown) == 1:
            text = next(iter(shown.values())) + spread
        else:
            text = ", ".join(f"{k} {v}" for k, v in shown.items()) + spread
        facts = [str(self.protocol)]
        for count, what in ((self.num_real, "real"), (self.num_generated, "generated")):
            facts.append("" if count is None else f"{count} {what}")
        facts.append("" if self.seed is None else f"seed {self.seed}")
        asked = ", ".join(f"{k} {v}" for k, v in self.parameters.items())
        said = "; ".join(filter(None, (", ".join(filter(None, facts)), asked)))
        notes = "".join(f" Note: {note}" for note in self.notes)
        return f"{self.label} {text}" + (f" ({said})" if said else "") + notes


def compare(first, second):
    """Returns `{name: first - second}` over the values of two like results.

    Raises:
        ValueError: If metric, parameters, protocol or sample counts differ; the
            message names each with both sides.
    """
    _agreeing(first, second)
    return {name: first[name] - second[name] for name in first.values}


def _agreeing(first, second):
    if not isinstance(second, Result):
        raise TypeError(f"A Result compares with a Result. Found: {second!r}.")
    here, there = first.comparable_facts(), second.comparable_facts()
    differing = [
        f"{name} differs ({here.get(name)!r} and {there.get(name)!r})"
        for name in {**here, **there}
        if name not in here or name not in there or here[name] != there[name]
    ]
    if differing:
        raise ValueError(f"Not comparable: {', '.join(differing)}.")
    return first


def _scalar(name, value):
    value = value.item() if hasattr(value, "item") else value
    if not (value is None or isinstance(value, (str, int, float))):
        raise ValueError(f"Parameter {name} must be one number or name: {value!r}.")
    return value


def _plain(value):
    endless = isinstance(value, float) and not math.isfinite(value)
    return str(value) if endless else value


def table_of(results, floor=()):
    """Results as text, a value a line: name, value, and the floor's in a column.

    Args:
        results: `Result`s.
        floor: Those of real images in the samples' place.
    """
    beside = {result.label: result for result in floor}
    rows = [("", "samples", "real" if floor else "")]
    for result in results:
        real = beside.get(result.label)
        for name in _value_names(result):
            found = _rounded(real, name) if real else ""
            rows.append(
                (_row_name(result, name, results), _rounded(result, name), found)
            )
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c}".rstrip() for a, b, c in rows]
    notes = [f"Note: {r.label}: {note}" for r in results for note in r.notes]
    return "\n".join([*lines, *notes])


def _row_name(result, name, results):
    if len(_value_names(result)) == 1:
        return result.label
    alike = [other for other in results if name in other.values]
    return name if len(alike) == 1 else f"{result.label} {name}"


def _value_names(result):
    return [name for name in result.values if name not in _SPREADS]


def _rounded(result, name):
    spread = [f" +- {result[s]:.2g}" for s in _SPREADS if s in result.values]
    return f"{result[name]:.4g}" + "".join(spread)
