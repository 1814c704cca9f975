"""Random numbers: streams that differ between replicas, and draws any machine repeats.

Training draws come from a `SeedStream`: a counter saved with the model, folded with
the replica's index. Samples come from a `CounterStream`: the same latents for the same
seed under TensorFlow, JAX and in a served model, whatever the batch size.
"""

import contextlib
import math
import random

import keras
import numpy as np
from keras import ops

from keras_gans.core import gradients

# Odd and prime: seeds of neighbouring models do not meet those of other replicas.
_REPLICA_STRIDE = 1_000_003


class SeedStream(keras.random.SeedGenerator):
    """A `keras.random.SeedGenerator` that draws something else on each replica.

    Keras' own generator advances equally on all replicas, so that under
    `MirroredStrategy` they would all draw the same latents. Draws depend on
    (seed, number of draws so far, replica) and on nothing else.

    Args:
        seed: Integer.
        name: Optional name.
    """

    def next(self, ordered=True):
        """The seed of the next draw, shape `(2,)`."""
        seed = super().next(ordered=ordered)
        index = gradients.replica().index
        if isinstance(index, int) and index == 0:
            return seed
        shift = ops.cast(index, seed.dtype) * _REPLICA_STRIDE
        return ops.stack([seed[0] + shift, seed[1]])

    def normal(self, shape, truncation=None):
        """Standard normal float32 draws; `truncation` bounds their magnitude."""
        if truncation is not None:
            return _normal_from_uniform(self.uniform(shape), truncation)
        return keras.random.normal(shape, seed=self, dtype="float32")

    def uniform(self, shape, minval=0.0, maxval=1.0):
        """Uniform float32 draws in [minval, maxval)."""
        return keras.random.uniform(shape, minval, maxval, seed=self, dtype="float32")

    def rewind(self):
        """Starts over at the first draw."""
        self.state.assign(np.array([self._initial_seed, 0]))


class CounterStream:
    """Draws that depend on (seed, draw, row, column) alone, computed by Threefry.

    Row r is the same whether it is drawn alone or among a thousand, on each backend
    and inside an exported model. Not for training: it keeps no state.

    Args:
        seed: Python integer in [0, 2**64), or a pair of uint32 scalar tensors (its
            low and its high word).
        first_row: Row number of the first row drawn; integer or scalar tensor.

    Reference: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3",
    Threefry-2x32 with 20 rounds.
    """

    def __init__(self, seed, first_row=0):
        if isinstance(seed, int):
            if not 0 <= seed < 2**64:
                raise ValueError(f"A seed is an integer in [0, 2**64). Found: {seed}.")
            seed = (np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32))
        self._key = tuple(ops.cast(word, "uint32") for word in seed)
        self._first_row = ops.cast(first_row, "uint32")
        self._draws = 0

    def uniform(self, shape, minval=0.0, maxval=1.0):
        """Uniform float32 draws strictly inside (minval, maxval)."""
        rows, columns = shape[0], math.prod(shape[1:])
        row = ops.cast(ops.arange(rows, dtype="int32"), "uint32") + self._first_row
        # The high half of the column word numbers the draw, so draws never share bits.
        column = ops.cast(ops.arange(columns, dtype="int32"), "uint32")
        column = column + ops.cast(np.uint32(self._draws << 24), "uint32")
        self._draws += 1
        bits = _threefry(
            self._key,
            ops.broadcast_to(ops.expand_dims(row, 1), (rows, columns)),
            ops.broadcast_to(column[None], (rows, columns)),
        )
        # 23 bits and a half keep both ends open in float32, so erfinv stays finite.
        high = ops.cast(ops.cast(ops.right_shift(bits, 9), "int32"), "float32")
        unit = (high + 0.5) * 2.0**-23
        return ops.reshape(minval + (maxval - minval) * unit, (rows, *shape[1:]))

    def normal(self, shape, truncation=None):
        """Standard normal float32 draws; `truncation` bounds their magnitude."""
        return _normal_from_uniform(self.uniform(shape), truncation)


@contextlib.contextmanager
def seeded(seed):
    """Layers made inside draw their initial values and dropout seeds from `seed`.

    Keras takes the seed of an unseeded initializer or Dropout from Python's `random`;
    its state is put back afterwards.
    """
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def seed_streams(model):
    """All seed generators of `model` and its layers, in a fixed order."""
    found = []
    for layer in model._flatten_layers(include_self=True, recursive=True):
        found.extend(layer._seed_generators)
    return list({id(generator): generator for generator in found}.values())


def make_distinct_on_replicas(network):
    """Gives the dropout and noise layers of `network` a `SeedStream` each."""
    for generator in seed_streams(network):
        if type(generator) is keras.random.SeedGenerator:
            generator.__class__ = SeedStream


def _normal_from_uniform(unit, truncation):
    # Inverse of the normal distribution function, restricted to [-t, t]: one uniform
    # number each, no rejection, so rows stay independent of each other.
    if truncation is None:
        reach = 1.0
    elif isinstance(truncation, (int, float)):
        reach = math.erf(truncation / 2**0.5)
    else:
        reach = ops.erf(truncation / 2**0.5)  # in a served model
    return ops.erfinv((2.0 * unit - 1.0) * reach) * 2**0.5


def _threefry(key, x0, x1):
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    k0, k1 = key
    parity = ops.cast(np.uint32(0x1BD11BDA), "uint32")
    keys = (k0, k1, ops.bitwise_xor(ops.bitwise_xor(k0, k1), parity))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for group in range(5):
        for r in rotations[group % 2]:
            x0 = x0 + x1
            rotated = ops.bitwise_or(ops.left_shift(x1, r), ops.right_shift(x1, 32 - r))
            x1 = ops.bitwise_xor(x0, rotated)
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + ops.cast(np.uint32(group + 1), "uint32")
    return x0
