"""The table of figures that every card has."""


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
