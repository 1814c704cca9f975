"""Worker processes, and turns that other programs did not disturb."""

import json
import os
import pathlib
import subprocess
import sys
import time

from _benchmark import quiet

WORKER = pathlib.Path(__file__).with_name("worker.py")


class Contestant:
    """One worker process.

    Args:
        name: `fit`, `by_hand`, `torch` or `torch_compile`.
        python: Interpreter that runs it.
        options: What `worker.py` reads.
        log: Open file for what the libraries print.
    """

    def __init__(self, name, python, options, log):
        self.name = name
        threads = str(options["threads"])
        environment = {
            # As the command line sets it.
            "TF_ENABLE_ONEDNN_OPTS": "1",
            **os.environ,
            "KERAS_BACKEND": options["backend"],
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            # How many operations may run side by side is the user's to choose.
            "TF_NUM_INTEROP_THREADS": os.environ.get("TF_NUM_INTEROP_THREADS", threads),
        }
        self._process = subprocess.Popen(
            [python, WORKER, json.dumps({**options, "contestant": name})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )
        self.facts = self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise RuntimeError(f"the {self.name} worker ended with exit code {code}")
        answer = json.loads(line)
        if "error" in answer:
            self._process.wait()
            raise RuntimeError(answer["error"])
        return answer

    def ask(self, command):
        """The worker's answer to `command`."""
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def quiet_turn(self, steps, tolerance, patience):
        """One turn that others disturbed little, else the least disturbed.

        Args:
            steps: Steps to run.
            tolerance: Largest share of the cores that other programs may have taken.
            patience: Seconds to spend on waiting and on further tries.
        """
        turns, end = [], time.monotonic() + patience
        while not turns or (turns[-1]["others"] > tolerance and time.monotonic() < end):
            quiet.wait(tolerance, end - time.monotonic())
            turns.append(self.ask(f"run {steps}"))
        return min(turns, key=lambda turn: turn["others"])

    def close(self):
        """Ends the process."""
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait()
        self._process.stdout.close()


def interpreter_with_torch(given):
    """The Python that can import torch: the one given, or this one; else `None`."""
    python = given or sys.executable
    probe = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"
    try:
        found = subprocess.run([python, "-c", probe], check=False).returncode == 0
    except OSError:
        found = False
    return python if found else None
