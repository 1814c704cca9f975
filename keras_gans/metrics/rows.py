"""Features in: checked arrays, and rows gathered batch by batch."""

import numpy as np

from keras_gans.metrics.result import Protocol


def checked_rows(name, features, minimum=1, why="", width=None):
    """Returns features as a two-dimensional array of finite float32 or float64.

    Args:
        name: What they are, for messages: `"real"`.
        features: Array-like `(samples, dimensions)` of any real type, or
            `FeatureRows`. float64 stays, everything narrower becomes float32, which
            holds it exactly (64-bit integers become float64).
        minimum: Fewest rows that make sense, and `why` they are needed.
        width: Number of columns there must be, `None` for any.

    Raises:
        ValueError: If they have another shape or type, fewer rows, or hold a number
            that is not finite.
    """
    rows = (
        features.array() if isinstance(features, FeatureRows) else _real(name, features)
    )
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(
            f"Expected {name} features of shape (samples, dimensions), found "
            f"{rows.shape}. Put images through an extractor, or reshape them to "
            "(samples, -1)."
        )
    if len(rows) < minimum:
        raise ValueError(
            f"Found {len(rows)} {name} samples; at least {minimum} are needed{why}."
        )
    if width is not None and rows.shape[1] != width:
        raise ValueError(
            f"The {name} features have {rows.shape[1]} dimensions, the others {width}: "
            "they come from different extractors."
        )
    bad = ~np.isfinite(rows)
    if bad.any():
        raise ValueError(
            f"The {name} features hold {bad.sum()} values that are not finite, first "
            f"in row {np.argmax(bad.any(axis=1))}. Find out whether the images or "
            "the extractor overflowed (float16?), and mend that."
        )
    return rows


def _real(name, features):
    array = np.asarray(features)
    # bfloat16 is of no NumPy kind.
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name} features must be real numbers, not {array.dtype}.")
    wide = array.dtype.kind in "fiu" and array.dtype.itemsize >= 8
    return array.astype(np.float64 if wide else np.float32, copy=False)


def same_protocol(protocol, *sides):
    """Returns the protocol that `protocol` and the sides, where they have one, share.

    Raises:
        ValueError: If two of them state different things of one field.
    """
    stated = [s.protocol for s in sides if getattr(s, "protocol", None) is not None]
    merged = {}
    for source in (*([protocol] if protocol is not None else []), *stated):
        for field, text in vars(source).items():
            if merged.setdefault(field, text) is None:
                merged[field] = text
            elif text is not None and text != merged[field]:
                raise ValueError(
                    f"Features of different origin: {field} is {merged[field]!r} for "
                    f"one side and {text!r} for another."
                )
    return Protocol(**merged)


class FeatureRows:
    """Features gathered batch by batch, all of them or a fair sample.

    The price is 4 bytes per number (8 for float64): 82 MB for 10,000 samples in 2048
    dimensions, 410 MB for 50,000. With a `limit`, that many rows are chosen uniformly
    among all that came, whatever the batches were, and at most twice as many held.

    Args:
        limit: int, most rows to keep; `None` for all.
        seed: int, decides which rows are kept. Reservoirs that will be merged need
            different seeds.
        protocol: `Protocol` of these features.

    Raises:
        ValueError: If `limit` is not positive; from `update` if features are not
            finite, not `(samples, dimensions)`, or of another width than before.

    Reference: a uniform random key per row, smallest keys stay (Efraimidis and
    Spirakis 2006, with equal weights); two reservoirs merge without bias.
    """

    def __init__(self, limit=None, seed=0, protocol=None):
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be positive or None. Found: {limit}.")
        self.limit, self.seed, self.protocol = limit, seed, protocol
        self.num_seen = 0
        self._random = np.random.default_rng(seed)
        self._batches, self._keys, self._width = [], [], None

    def __len__(self):
        gathered = sum(map(len, self._batches))
        return gathered if self.limit is None else min(gathered, self.limit)

    def update(self, features):
        """Adds a batch `(samples, dimensions)`, copied."""
        rows = checked_rows("new", features, 0, width=self._width).copy()
        self._add(rows, self._random.random(len(rows)), len(rows))

    def merge(self, other):
        """Adds all that another `FeatureRows` has kept."""
        if self.limit != other.limit or (self.limit and self.seed == other.seed):
            raise ValueError(
                "Reservoirs merge when their limits are equal and their seeds are "
                f"not. Found limits {self.limit} and {other.limit}, seeds {self.seed} "
                f"and {other.seed}."
            )
        protocol = same_protocol(None, self, other)
        if len(other):
            rows = checked_rows("other", other, width=self._width)
            self._add(rows, np.concatenate(other._keys), other.num_seen)
        self.protocol = protocol if self.protocol or other.protocol else None

    def array(self):
        """All rows kept, `(samples, dimensions)`, in the order they came."""
        if not len(self):
            raise ValueError("No features were gathered yet: call update first.")
        if self.limit is not None:
            self._shrink()
        if len(self._batches) > 1:
            self._batches = [np.concatenate(self._batches)]
        return self._batches[0]

    def _add(self, rows, keys, num_seen):
        self._width = rows.shape[1]
        self.num_seen += num_seen
        self._batches.append(rows)
        self._keys.append(keys)
        # Not at every batch: each time copies all that is kept.
        if self.limit is not None and sum(map(len, self._batches)) > 2 * self.limit:
            self._shrink()

    def _shrink(self):
        keys = np.concatenate(self._keys)
        if len(keys) <= self.limit:
            return
        kept = np.sort(np.argpartition(keys, self.limit - 1)[: self.limit])
        self._batches = [np.concatenate(self._batches)[kept]]
        self._keys = [keys[kept]]
