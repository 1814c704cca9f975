"""How much of the machine other programs take (Linux; elsewhere it looks quiet)."""

import os
import pathlib
import time


def cores():
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return affinity(0) if affinity else set(range(os.cpu_count()))


def busy_seconds():
    """CPU seconds that all programs together have spent on these cores."""
    try:
        lines = pathlib.Path("/proc/stat").read_text().splitlines()
    except OSError:
        return 0.0
    mine, ticks = {f"cpu{i}" for i in cores()}, 0
    for name, *values in map(str.split, lines):
        if name in mine:
            user, nice, system, _, _, irq, soft, steal, *_ = map(int, values)
            ticks += user + nice + system + irq + soft + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def clocks():
    """Seconds: of the wall, of this process' threads, of all programs."""
    return time.perf_counter(), time.process_time(), busy_seconds()


def since(before):
    """`(elapsed, own CPU, share of the cores that others took)` since `clocks()`."""
    elapsed, own, busy = (b - a for a, b in zip(before, clocks(), strict=True))
    return elapsed, own, max(0.0, busy - own) / elapsed / len(cores())


def wait(tolerance, patience):
    """Waits until others take at most `tolerance`, for at most `patience` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = clocks()
        time.sleep(0.3)
        if since(before)[2] <= tolerance:
            return
