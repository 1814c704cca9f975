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


class Pointwise:
    """A function of a pixel that needs no other pixel."""

    def __init__(self, function):
        self._function = keras.activations.get(function)

    def initial_rows(self, batch, width):
        """Nothing."""
        return ()

    def initial_left(self, batch):
        """Nothing."""
        return ()

    def above(self, rows):
        """Nothing."""
        return ()

    def pixel(self, here, left, above):
        """The function of the pixel."""
        return self._function(here), ()

    def next_left(self, left, memo):
        """Nothing."""
        return ()

    def next_rows(self, rows, memos):
        """Nothing."""
        return ()


class Convolution:
    """A `MaskedConv2D` of a network.

    Args:
        network: `keras.Model`.
        name: Name of the layer.
    """

    def __init__(self, network, name):
        layer = network.get_layer(name)
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


class Residual(Chain):
    """Parts one after the other, added to what comes in."""

    def pixel(self, here, left, above):
        """x + f(x)."""
        made, memos = super().pixel(here, left, above)
        return here + made, memos


def draw(chain, decide, noise, known, known_rows):
    """Draws images pixel after pixel, colour after colour.

    Args:
        chain: A `Chain` from the colours of a pixel in [0, 1] to logits, whose first
            part is a `Convolution`.
        decide: Function of logits and noise, each of one colour of a pixel, to its
            value in [0, 1].
        noise: Tensor `(batch, height, width, colors)`, what decides.
        known: Tensor of the same shape, whose first rows are kept.
        known_rows: Their number, an integer tensor.

    Returns:
        float32 tensor `(batch, height, width, colors)` of values in [0, 1].
    """
    height, width = noise.shape[1:3]
    batch = ops.shape(noise)[0]

    def row_of(i, rows, images):
        is_known = ops.cast(i < known_rows, "float32")
        above = chain.above(rows)
        inputs = (above, ops.take(noise, i, axis=1), ops.take(known, i, axis=1))
        memos = _row(chain, decide, inputs, is_known, width)
        # A mask, since indices that are tensors can be written to on one backend only.
        here = ops.reshape(ops.arange(height) == i, (1, height, 1, 1))
        images = ops.where(here, memos[0][:, None], images)
        return i + 1, chain.next_rows(rows, memos), images

    start = 0, chain.initial_rows(batch, width), ops.zeros_like(noise)
    return ops.while_loop(lambda i, *_: i < height, row_of, start)[2]


def _row(chain, decide, inputs, is_known, width):
    """What is remembered of the pixels of a row, `(batch, width, ...)` each."""
    batch = ops.shape(inputs[1])[0]

    def pixel(carry, at):
        left, _ = carry
        above, noise, known = at
        values = ops.zeros_like(noise)
        for color in range(noise.shape[-1]):
            logits, memo = chain.pixel(values, left, above)
            drawn = decide(logits[:, color], noise[:, color])
            drawn = is_known * known[:, color] + (1.0 - is_known) * drawn
            values = ops.concatenate(
                [values[:, :color], drawn[:, None], values[:, color + 1 :]], axis=1
            )
        # The first layer has to remember the last colour too, which no other saw.
        memo = (values, *memo[1:])
        carry = chain.next_left(left, memo), memo
        return carry, carry

    by_column = keras.tree.map_structure(lambda x: ops.swapaxes(x, 0, 1), inputs)
    first = keras.tree.map_structure(lambda x: x[0], by_column)
    left = chain.initial_left(batch)
    _, memo = chain.pixel(ops.zeros_like(first[1]), left, first[0])
    start = left, keras.tree.map_structure(ops.zeros_like, memo)
    _, (_, memos) = ops.scan(pixel, start, by_column, length=width)
    return keras.tree.map_structure(lambda x: ops.swapaxes(x, 0, 1), memos)


def draw_by_whole_passes(logits_of, decide, noise, known, known_rows):
    """`draw` for any causal network: a whole pass for each pixel and colour.

    Args:
        logits_of: Function of values `(batch, height, width, colors)` to logits.
        decide: As for `draw`, like what follows, but of all pixels at once.
        noise: Tensor.
        known: Tensor.
        known_rows: Integer tensor.
    """
    _, height, width, colors = noise.shape
    row, count = width * colors, height * width * colors
    place = ops.reshape(ops.arange(count), (1, height, width, colors))
    is_known = place < known_rows * row

    def step(i, values):
        drawn = ops.where(is_known, known, decide(logits_of(values), noise))
        return i + 1, ops.where(place == i, drawn, values)

    start = 0, ops.zeros_like(noise)
    return ops.while_loop(lambda i, _: i < count, step, start)[1]


def raster_chain(network, block):
    """The chain of a network of `keras_gans.layers.build_raster_network`.

    Args:
        network: `keras.Model`.
        block: Function of the network and the name of a block to a part.
    """
    names = [layer.name for layer in network.layers]
    parts = [Convolution(network, "first")]
    count = len({name.split("_")[0] for name in names if name.startswith("block")})
    parts += [block(network, f"block{i}") for i in range(1, count + 1)]
    for name in ("head1", "head2", "logits"):
        parts += [Pointwise("relu"), Convolution(network, name)]
    if "levels" in names:
        shape = network.get_layer("levels").target_shape[-2:]
        parts.append(Pointwise(lambda x: ops.reshape(x, (-1, *shape))))
    return Chain(parts)
