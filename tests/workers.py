"""Worker processes of a cluster on this machine, for tests of several hosts."""

import contextlib
import json
import os
import socket
import subprocess
import sys


@contextlib.contextmanager
def started(arguments, folder, count=2):
    """Starts workers; those that still run in the end are killed.

    Args:
        arguments: Function of the worker's index returning what follows `python`.
        folder: Where their outputs go, as `worker_0.log` and so on.
        count: Number of workers.

    Yields:
        List of `subprocess.Popen`.
    """
    hosts = [f"127.0.0.1:{port}" for port in free_ports(count)]
    running = []
    for index in range(count):
        task = {
            "cluster": {"worker": hosts},
            "task": {"type": "worker", "index": index},
        }
        with open(folder / f"worker_{index}.log", "a") as log:
            running.append(
                subprocess.Popen(
                    [sys.executable, *map(str, arguments(index))],
                    env={
                        **os.environ,
                        "TF_CONFIG": json.dumps(task),
                        "PYTHONUNBUFFERED": "1",
                    },
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def finish(running, folder, seconds=240):
    """Waits for all workers; fails with the log of the first that failed."""
    for index, process in enumerate(running):
        code = process.wait(timeout=seconds)
        assert code == 0, log_of(index, folder)[-3000:]


def log_of(index, folder):
    """What a worker has said."""
    return (folder / f"worker_{index}.log").read_text()


def free_ports(count):
    """Port numbers that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
