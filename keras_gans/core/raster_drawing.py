"""Images drawn pixel after pixel, as a network in raster order predicts them."""

import keras
from keras import ops


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
