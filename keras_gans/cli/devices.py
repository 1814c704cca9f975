"""The devices and hosts that share a training: `--strategy`."""

import contextlib
import json
import os

import keras

from keras_gans.core import gradients

STRATEGIES = ("mirrored", "multi_worker")


def check(name):
    """Refuses what cannot be set up, before anything is loaded.

    Args:
        name: What `--strategy` was given; `None` for one device.

    Raises:
        ValueError: for an unknown name, a backend that lacks it, or no `TF_CONFIG`.
    """
    if name is not None and name not in STRATEGIES:
        raise ValueError(f"--strategy is {' or '.join(STRATEGIES)}. Found: {name}.")
    if name != "multi_worker":
        return
    if keras.backend.backend() != "tensorflow":
        raise ValueError("--strategy multi_worker needs the TensorFlow backend.")
    try:
        config = json.loads(os.environ.get("TF_CONFIG", ""))
        workers = config["cluster"]["worker"] + config["cluster"].get("chief", [])
        known = config["task"]["type"] in config["cluster"]
    except (ValueError, KeyError, TypeError, AttributeError):
        workers = known = None
    if not workers or not known:
        raise ValueError(
            "--strategy multi_worker reads the hosts from TF_CONFIG, for example "
            '{"cluster": {"worker": ["host1:12345", "host2:12345"]}, '
            '"task": {"type": "worker", "index": 0}}.'
        )


@contextlib.contextmanager
def asked_for(name):
    """Sets up the devices.

    Args:
        name: A name in `STRATEGIES`, or `None` for one device.

    Yields:
        A context manager in which the model is to be built and compiled.
    """
    if name is None:
        yield contextlib.nullcontext()
    elif keras.backend.backend() == "jax":
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        try:
            yield contextlib.nullcontext()
        finally:
            keras.distribution.set_distribution(before)
    else:
        import tensorflow as tf

        several_hosts = name == "multi_worker"
        yield (
            tf.distribute.MultiWorkerMirroredStrategy()
            if several_hosts
            else tf.distribute.MirroredStrategy()
        ).scope()


def in_words(model):
    """What the first line of a training says of its devices; empty for one."""
    count = gradients.count_replicas(model)
    return f", on {count} devices" if count > 1 else ""
