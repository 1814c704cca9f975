"""The table of figures that every card has, and the results it is made of."""

from keras_gans.metrics import Result


def table(columns, rows):
    """The lines of a card's table of figures.

    Args:
        columns: Heads of the figure, of its spread and of what it is held against.
        rows: `(title, value, (low, high), other, meaning)` of each figure; `other` is
            text already.
    """
    lines = [f"| | {' | '.join(columns)} | |", "|---|---|---|---|---|"]
    for title, value, (low, high), other, meaning in rows:
        lines.append(
            f"| `{title}` | {value:.4g} | {low:.4g} to {high:.4g} | {other} | "
            f"{meaning} |"
        )
    return lines


def results_of(values, number):
    """A `Result` for each figure, of the same name.

    Args:
        values: Dict of a figure's name to its value.
        number: How many samples it was measured on.
    """
    return tuple(
        Result(name, {name: value}, num_generated=number)
        for name, value in values.items()
    )


def table_of(columns, found, floor, spread, meanings):
    """The table of figures that are called by their names alone.

    Args:
        columns: As for `table`.
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to what it is held against.
        spread: Dict of `"label name"` to `(low, high)`.
        meanings: Dict of a name to its meaning.
    """
    return table(
        columns,
        [
            (name, value, spread[f"{label} {name}"], floor[label, name], meanings[name])
            for label, name, value in found
        ],
    )
