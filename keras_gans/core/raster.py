"""Networks that predict pixels in raster order, one pixel at a time.

A whole pass for each pixel would do each pixel's work again for every later one. Here a
part of a network keeps what later pixels need of earlier ones, in two places: `left`,
of the pixels to the left in the same row, and `rows`, of the rows above, whose share in
a row is computed for all its points at once (`above`) before the row begins. What a
part makes of a pixel is what the whole network makes there, up to rounding.

Each part has the same five methods:

* `initial_rows(batch, width)`, `initial_left(batch)`: nothing seen yet;
* `above(rows)`: tensors `(batch, width, ...)`, the share of the rows above;
* `pixel(here, left, above)`: `(what is made of it, what is to be remembered)`;
* `next_left(left, memo)`, `next_rows(rows, memos)`: what is kept of it, for the next
  pixel and, of a row's memos `(batch, width, ...)`, for the next row.
"""

import keras
from keras import ops


class Part:
    """A part that keeps nothing; see the module."""

    def initial_rows(self, batch, width):
        """Nothing."""
        return ()

    def initial_left(self, batch):
        """Nothing."""
        return ()

    def above(self, rows):
        """Nothing."""
        return ()

    def next_left(self, left, memo):
        """Nothing."""
        return ()

    def next_rows(self, rows, memos):
        """Nothing."""
        return ()


class Pointwise(Part):
    """A function of a pixel that needs no other pixel."""

    def __init__(self, function):
        self._function = keras.activations.get(function)

    def pixel(self, here, left, above):
        """The function of the pixel."""
        return self._function(here), ()


class Convolution(Part):
    """A masked convolution.

    Args:
        layer: `MaskedConv2D`.
    """

    def __init__(self, layer):
        kernel = layer.masked_kernel
        height, width, self._channels, self._filters = kernel.shape
        self._reach = height // 2, width // 2
        self._upper = kernel[: height // 2]
        self._left = kernel[height // 2, : width // 2]
        self._here = kernel[height // 2, width // 2]
        self._bias = layer.bias

    def initial_rows(self, batch, width):
        """Zeros above the image."""
        return ops.zeros((batch, self._reach[0], width, self._channels))

    def initial_left(self, batch):
        """Zeros beside the image."""
        return ops.zeros((batch, self._reach[1], self._channels))

    def above(self, rows):
        """The kernel's upper half over the rows above, and the bias."""
        if not self._reach[0]:
            return ()
        aside = self._upper.shape[1] // 2
        rows = ops.pad(rows, ((0, 0), (0, 0), (aside, aside), (0, 0)))
        return ops.conv(rows, self._upper, 1, "valid", "channels_last")[:, 0]

    def pixel(self, here, left, above):
        """The kernel at the pixel, at those to the left, and what is above."""
        made = ops.matmul(here, self._here) + self._bias
        if self._reach[1]:
            size = self._reach[1] * self._channels
            kernel = ops.reshape(self._left, (size, self._filters))
            made = made + ops.matmul(ops.reshape(left, (-1, size)), kernel)
        return (made + above if self._reach[0] else made), here

    def next_left(self, left, memo):
        """The last pixels."""
        if not self._reach[1]:
            return left
        return ops.concatenate([left[:, 1:], memo[:, None]], axis=1)

    def next_rows(self, rows, memos):
        """The last rows."""
        if not self._reach[0]:
            return rows
        return ops.concatenate([rows[:, 1:], memos[:, None]], axis=1)


class Chain:
    """Parts one after the other.

    Args:
        parts: List of parts.
    """

    def __init__(self, parts):
        self.parts = list(parts)

    def initial_rows(self, batch, width):
        """Those of all parts."""
        return tuple(part.initial_rows(batch, width) for part in self.parts)

    def initial_left(self, batch):
        """Those of all parts."""
        return tuple(part.initial_left(batch) for part in self.parts)

    def above(self, rows):
        """Those of all parts."""
        return tuple(p.above(r) for p, r in zip(self.parts, rows, strict=True))

    def pixel(self, here, left, above):
        """Each part on what the one before made."""
        memos = []
        for part, beside, over in zip(self.parts, left, above, strict=True):
            here, memo = part.pixel(here, beside, over)
            memos.append(memo)
        return here, tuple(memos)

    def next_left(self, left, memo):
        """Those of all parts."""
        return tuple(
            p.next_left(*pair) for p, *pair in zip(self.parts, left, memo, strict=True)
        )

    def next_rows(self, rows, memos):
        """Those of all parts."""
        return tuple(
            p.next_rows(*pair) for p, *pair in zip(self.parts, rows, memos, strict=True)
        )


class Sum(Chain):
    """Parts beside each other: what they make of a pixel, added to the pixel."""

    def pixel(self, here, left, above):
        """x + sum_k f_k(x)."""
        made, memos = here, []
        for part, beside, over in zip(self.parts, left, above, strict=True):
            share, memo = part.pixel(here, beside, over)
            made = made + share
            memos.append(memo)
        return made, tuple(memos)


def raster_chain(network, block):
    """The chain of a network of `keras_gans.layers.build_raster_network`.

    Args:
        network: `keras.Model`.
        block: Function of the network and the name of a block to a part.
    """
    found = {layer.name: layer for layer in network.layers}
    parts = [Convolution(found["first"])]
    count = len({name.split("_")[0] for name in found if name.startswith("block")})
    parts += [block(network, f"block{i}") for i in range(1, count + 1)]
    for name in ("head1", "head2", "logits"):
        parts += [Pointwise("relu"), Convolution(found[name])]
    if "levels" in found:
        shape = found["levels"].target_shape[-2:]
        parts.append(Pointwise(lambda x: ops.reshape(x, (-1, *shape))))
    return Chain(parts)
