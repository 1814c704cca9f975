"""How long one picture takes, by whatever a preset is for."""

import statistics
import time

import numpy as np

# Of several runs, after one that traces.
REPEATS = 9


def measure(preset, side):
    """Times one picture.

    Args:
        preset: As for `kg.from_preset`.
        side: Of the picture, where any size is taken.

    Returns:
        `(task, (height, width), seconds)`: what was asked for, of which size, and the
        seconds of each run.

    Raises:
        ValueError: for a preset that none of the tasks below suits.
    """
    import keras_gans as kg

    gan = kg.from_preset(preset)
    task = next((task for task in TASKS if hasattr(gan, task)), None)
    if task is None:
        raise ValueError(f"{preset} does none of {', '.join(TASKS)}.")
    # What scores or restores one size alone is given that.
    free = getattr(gan, "any_size", task in ("stylize", "upscale"))
    shape = (side, side, gan.image_shape[-1]) if free else gan.image_shape
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (2, *shape), "uint8")
    found = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        TASKS[task](gan, pictures)
        found.append(time.perf_counter() - began)
    return task, shape[:2], found[1:]


def _translate(gan, pictures):
    channels = gan.source_shape[-1]
    return gan.translate(np.resize(pictures[:1], (*pictures[:1].shape[:3], channels)))


# The first that a system has is what it is for.
TASKS = {
    "stylize": lambda gan, pictures: gan.stylize(pictures[:1], pictures[1]),
    "upscale": lambda gan, pictures: gan.upscale(pictures[:1]),
    "score": lambda gan, pictures: gan.score(pictures[:1]),
    "translate": _translate,
    "sample": lambda gan, pictures: gan.sample(1, seed=0),
}


def table(rows):
    """The Markdown of `(preset, task, size, seconds)` rows."""
    lines = ["| preset | one picture | seconds | middle half |", "|---|---|---|---|"]
    for preset, task, (height, width), seconds in rows:
        low, middle, high = statistics.quantiles(seconds, n=4)
        lines.append(
            f"| `{preset}` | `{task}`, {height}x{width} | {middle:.3f} | "
            f"{low:.3f} to {high:.3f} |"
        )
    return "\n".join(lines)
