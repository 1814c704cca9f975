"""What the kernel costs: `fit` against the same step by hand, in one process.

In processes of their own the two differ by up to 15 % of CPU time either way, whatever
they run; side by side, on the same heap, they can be told apart to a percent or two.
"""

import statistics
import time

import keras_steps
import numpy as np


def measure(system, shape, batch_size, steps, pairs):
    """Prints CPU and elapsed milliseconds per step of both, and their ratio.

    Args:
        system: `dcgan` or `wgan_gp`.
        shape: Of an image: height, width and channels.
        batch_size: Images per update.
        steps: Steps per turn.
        pairs: Turns of each, in changing order.
    """
    ours, theirs = (keras_steps.build(system, shape) for _ in range(2))
    count = (steps + 1) * batch_size * ours.updates_per_batch
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype="uint8")
    hand = keras_steps.by_hand(system, theirs, images, batch_size, False)
    runs = {
        "fit": keras_steps.library(system, ours, images, None, batch_size, False),
        "by hand": hand,
    }
    for run in runs.values():
        turn(run, 1)  # Traces.
    turns = {name: [] for name in runs}
    for pair in range(pairs):
        for name in list(runs) if pair % 2 else list(runs)[::-1]:
            turns[name].append(turn(runs[name], steps))
    for kind, index in (("CPU", 0), ("elapsed", 1)):
        ms = {name: [t[index] for t in found] for name, found in turns.items()}
        ratio = statistics.median(
            a / b for a, b in zip(ms["fit"], ms["by hand"], strict=True)
        )
        shown = [
            f"{name} {statistics.median(found):.1f} (from {min(found):.1f} to "
            f"{max(found):.1f})"
            for name, found in ms.items()
        ]
        case = f"{system} {shape[0]}x{shape[1]} {kind} ms per step"
        print(f"{case}: {', '.join(shown)}; ratio {ratio:.3f}")


def turn(run, steps):
    """CPU and elapsed milliseconds per step, from the end of the first step on."""
    before = []

    def started():
        before[:] = time.process_time(), time.perf_counter()

    run(steps + 1, started)
    after = time.process_time(), time.perf_counter()
    return [(b - a) / steps * 1e3 for a, b in zip(before, after, strict=True)]
