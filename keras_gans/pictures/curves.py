"""How a training went: its losses and evaluations over the epochs."""

import csv
import math
import pathlib

import numpy as np

from keras_gans.core.files import written_whole

# Told apart in light and in dark surroundings, and by most colour-blind eyes.
_COLOURS = ("#3b82c4", "#e0702d", "#2f9e6e", "#b565b8", "#b08a1e", "#7a7f87")
# Of more curves than there are colours; validation's are dashed.
_STYLES = ("-", ":", "-.")
_MUTED = "#8a8f98"


def training_curves(history_csv, path, losses=None, ink="#222222", background="white"):
    """Draws a run's history: the losses together, everything else by itself.

    Values of validation data are dashed. Epochs count from one, as the names of
    `SampleGrid`'s pictures do.

    Args:
        history_csv: The file that `keras.callbacks.CSVLogger` wrote. It may lack
            values, as of metrics that are not computed in every epoch.
        path: The .png or .svg to write.
        losses: Names of the columns to show together; `None` for those that end in
            `loss`.
        ink: Colour of text and axes.
        background: Colour, or `"none"`.

    Raises:
        ImportError: where matplotlib is missing.
        ValueError: for another kind of file, or a history without a value.
    """
    path = pathlib.Path(path)
    if path.suffix not in (".png", ".svg"):
        raise ValueError(f"Curves are .png or .svg files. Found the name {path}.")
    matplotlib = _matplotlib()
    history = read_history(history_csv)
    panels = _panels(history, losses)
    if not panels:
        raise ValueError(f"{history_csv} has no values to draw yet.")
    with matplotlib.rc_context(_style(ink)):
        figure = _figure(history["epoch"] + 1, panels)
        with written_whole(path) as file:
            figure.savefig(
                file,
                format=path.suffix[1:],
                dpi=150,
                facecolor=background,
                metadata={"Date": None} if path.suffix == ".svg" else None,
            )


def read_history(history_csv):
    """Reads the values of a run's epochs.

    Args:
        history_csv: A file as `keras.callbacks.CSVLogger` writes it. A last line that
            is being written is left out.

    Returns:
        Dict from the names of columns to float64 arrays, NaN where there is no
        number; `epoch` counts from zero, and is empty if no epoch has ended.

    Raises:
        ValueError: for something else than a history.
    """
    try:
        with open(history_csv, newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [["epoch"]]
    except (csv.Error, UnicodeDecodeError) as why:
        raise ValueError(f"{history_csv} is no history: {why}.") from why
    if "epoch" not in header:
        raise ValueError(f"{history_csv} is no history: it has no column epoch.")
    table = np.array(
        [[_number(text) for text in row] for row in rows if len(row) == len(header)]
    ).reshape(-1, len(header))
    table = table[np.isfinite(table[:, header.index("epoch")])]
    return dict(zip(header, table.T, strict=True))


def _number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan


def _matplotlib():
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(
            "Training curves need matplotlib: pip install 'keras-gans[report]'."
        ) from error
    return matplotlib


def _style(ink):
    return {
        # Names are data: a dollar sign begins no formula.
        "text.parse_math": False,
        # The same history is the same file.
        "svg.hashsalt": "keras_gans",
        **dict.fromkeys(("text.color", "axes.labelcolor"), ink),
        **dict.fromkeys(("xtick.color", "ytick.color", "axes.edgecolor"), _MUTED),
        **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), ink),
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }


def _panels(history, losses):
    """Columns that share axes: dict from title to `(name, values)`, losses first."""
    panels = {"loss": []}
    for name, values in history.items():
        if name == "epoch" or not np.isfinite(values).any():
            continue
        base = name.removeprefix("val_")
        is_loss = base.endswith("loss") if losses is None else base in losses
        title = "loss" if is_loss else _words(base)
        panels.setdefault(title, []).append((name, values))
    return {title: columns for title, columns in panels.items() if columns}


def _figure(epochs, panels):
    """The first panel across the width, the others in two columns below it."""
    from matplotlib.figure import Figure  # pyplot would keep every figure open

    rows = len(panels) // 2
    size = (6.4, 3.0 + 1.7 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(1 + rows, 2, height_ratios=[3.0, *[1.7] * rows])
    for i, (title, columns) in enumerate(panels.items()):
        place = grid[0, :] if i == 0 else grid[(i + 1) // 2, (i + 1) % 2]
        # The lowest of each column speak for those above them.
        has_name = i == 0 or i >= len(panels) - 2
        axes = figure.add_subplot(place, xlabel="epoch" * has_name)
        axes.set_title(title, loc="left")
        _draw(axes, epochs, columns, _COLOURS[2 * (title != "loss") :])
        _set_ticks(axes, epochs, is_large=i == 0)
    return figure


def _draw(axes, epochs, columns, colours):
    bases = list(dict.fromkeys(name.removeprefix("val_") for name, _ in columns))
    for name, values in columns:
        base, known = name.removeprefix("val_"), np.isfinite(values)
        times, colour = divmod(bases.index(base), len(colours))
        axes.plot(
            epochs[known],
            values[known],
            color=colours[colour],
            linestyle=_STYLES[times % len(_STYLES)] if name == base else "--",
            linewidth=1.6,
            # A line of one point, or of a few far apart, is not to be seen.
            marker="o" if known.sum() <= 24 else None,
            markersize=3,
            label=_words(base) + ("" if name == base else ", validation"),
        )
    if axes.get_title("left") == "loss":
        # Above the axes, where no line runs through it.
        place = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.99)}
        axes.legend(frameon=False, fontsize=9, ncols=2, borderpad=0, **place)
    elif columns[0][0] not in bases or len(columns) > 1:
        names = ["training" if name in bases else "validation" for name, _ in columns]
        axes.legend(names, frameon=False, fontsize=9)


def _set_ticks(axes, epochs, is_large):
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    round_numbers = {"steps": [1, 2, 2.5, 5, 10]}
    count = 10 if is_large else 5
    axes.xaxis.set_major_locator(MaxNLocator(count, integer=True, **round_numbers))
    axes.yaxis.set_major_locator(MaxNLocator(6 if is_large else 4, **round_numbers))
    axes.grid(axis="y", color=_MUTED, alpha=0.25, linewidth=0.8)


def _words(name):
    return name.replace("_", " ")
