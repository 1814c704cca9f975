"""Feeds inputs to a worker, and ends it when one of them takes too long."""

import collections
import ctypes
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 5.0  # of computing for one input
PATIENCE = 30.0  # seconds of waiting, when other programs have the machine
GROWTH = 1 << 30
_IN_ANYTHING = 0x00000FFF
COUNTS = ("tried", "accepted", "refused", "escapes", "hangs", "growth", "other")


class Worker:
    """One process of `tests.fuzz.worker`, started again when an input ends it.

    Args:
        folder: Path of an empty folder: for inputs, scratch files, and `outside`,
            which nobody may touch.
    """

    def __init__(self, folder):
        self.inputs, self.outside = folder / "inputs", folder / "outside"
        self.scratch = folder / "scratch"
        for path in (self.inputs, self.outside, self.scratch):
            path.mkdir()
        (self.outside / "canary").write_text("alive")
        self.process = None
        self.forget()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def forget(self):
        """Starts counting anew."""
        self.counts = collections.defaultdict(collections.Counter)
        self.findings, self.slowest = [], collections.Counter()
        self.largest = collections.Counter()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.scratch), "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("The worker did not start: run it by hand.")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def try_input(self, target, name, write):
        """Lets `write(folder, outside)` make an input, and the worker read it."""
        folder = self.inputs / "input"
        folder.mkdir()
        try:
            path = write(folder, self.outside)
            if self.process is None:
                self.start()
            touched = Touched(self.outside)
            began = time.monotonic()
            outcome, what = self._ask({"target": target, "path": str(path)}, folder)
            self.slowest[target] = max(
                self.slowest[target], round(time.monotonic() - began, 2)
            )
            if touched.was_it():
                outcome, what = "escapes", f"touched {self.outside}"
        finally:
            shutil.rmtree(folder)
        self.counts[target]["tried"] += 1
        self.counts[target][outcome] += 1
        if outcome not in ("accepted", "refused"):
            self.findings.append(f"{target}: {name}: {outcome}: {what}")
        return outcome

    def _ask(self, task, folder):
        line = json.dumps({**task, "folder": str(folder)})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        cpu, wall = self._cpu(), time.monotonic()
        while not select.select([self.process.stdout], [], [], 0.25)[0]:
            if self._cpu() - cpu > SECONDS or time.monotonic() - wall > PATIENCE:
                self.stop()
                return "hangs", f"over {SECONDS} s"
        cpu = self._cpu() - cpu
        raw = self.process.stdout.readline()
        if not raw:
            code = self.process.wait()
            self.stop()
            return "other", f"the process ended with {code}"
        answer = json.loads(raw)
        target, growth = task["target"], answer["growth"]
        self.largest[target] = max(self.largest[target], growth >> 20)
        if answer["escapes"]:
            return "escapes", answer["escapes"]
        if growth > GROWTH:
            return "growth", f"{growth >> 20} MiB more"
        if cpu > SECONDS:
            return "hangs", f"{cpu:.1f} s"
        known = answer["outcome"] in ("accepted", "refused")
        return answer["outcome"] if known else "other", answer["text"]

    def _cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def report(self):
        """One line per target, and one of them all."""
        total = sum(self.counts.values(), collections.Counter())
        rows = [*sorted(self.counts.items()), ("together", total)]
        return "\n".join(
            f"{name:9}" + "".join(f"  {key} {counts[key]}" for key in COUNTS)
            for name, counts in rows
        )


class Touched:
    """Whether a folder or a file in it is opened, read or changed: the kernel tells.

    C libraries open files without asking Python.
    """

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.events = libc.inotify_init1(os.O_NONBLOCK)
        libc.inotify_add_watch(self.events, os.fsencode(folder), _IN_ANYTHING)

    def was_it(self):
        """Whether anything happened since."""
        try:
            happened = bool(os.read(self.events, 4096))
        except BlockingIOError:
            happened = False
        os.close(self.events)
        return happened
