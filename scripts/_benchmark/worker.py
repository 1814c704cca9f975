"""One contestant in a process of its own: builds, warms up, then runs when told.

    python worker.py '{"contestant": "fit", "system": "dcgan", ...}'

Reads one command per line, `run STEPS`, `peak` or `quit`, and answers with one line of
JSON. What libraries print goes to standard error.
"""

import json
import os
import pathlib
import resource
import sys
import time

import quiet
from cases import CASES

HERE = pathlib.Path(__file__).resolve().parent


def main():
    """Serves the commands."""
    # Libraries may write to file descriptor 1; answers keep a copy of it.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    options = json.loads(sys.argv[1])
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: options["threads"]]
        os.sched_setaffinity(0, cores)
    sys.path.append(str(HERE.parent.parent))
    try:
        made = make_torch if options["contestant"].startswith("torch") else make_keras
        run, peak, facts = made(options)
        timed(run, max(2, CASES[options["system"]].cycle))
    except Exception as error:
        text = str(error).strip().splitlines() or [""]
        print(json.dumps({"error": f"{type(error).__name__}: {text[0]}"}), file=answers)
        raise
    print(json.dumps(facts), file=answers)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "quit":
            return
        if command == "peak":
            answer = {name: fastest(*task) for name, task in peak().items()}
        else:
            answer = timed(run, int(arguments[0]))
        print(json.dumps(answer), file=answers)


def make_keras(options):
    """`(run, peak, facts)` of `fit` or of the step by hand."""
    import keras
    import numpy as np

    if options["strategy"] == "mirrored":
        scope = mirrored().scope()
        scope.__enter__()
    import flops
    import keras_steps

    keras.mixed_precision.set_dtype_policy(options["precision"])
    shape, batch_size = options["image_shape"], options["batch_size"]
    system = options["system"]
    gan = keras_steps.build(system, shape)
    xla = {"auto": "auto", "on": True, "off": False}[options["xla"]]
    images, labels = data(np, options)
    run = keras_steps.library(system, gan, images, labels, batch_size, xla)
    if options["contestant"] == "by_hand":
        run = keras_steps.by_hand(system, gan, images, batch_size, gan.jit_compile)
    facts = {
        "version": f"keras {keras.__version__}, {backend_version(keras)}",
        "xla": bool(gan.jit_compile),
        "parameters": [
            sum(int(np.prod(w.shape)) for w in getattr(gan, n).trainable_weights)
            for n in sorted(gan.networks)
        ],
        "flops": flops.per_step(system, gan, batch_size),
        "images_per_step": keras_steps.rows_of(system, gan, batch_size),
    }
    return run, keras_steps.peak, facts


def mirrored():
    """All GPUs, or two logical devices of the CPU."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, devices)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def backend_version(keras):
    """Name and version of the backend."""
    module = __import__(keras.backend.backend())
    return f"{module.__name__} {module.__version__}"


def make_torch(options):
    """`(run, peak, facts)` of the plain PyTorch step."""
    import numpy as np
    import torch
    import torch_steps

    torch.set_num_threads(options["threads"])
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_device(device)
    step, networks, rows = torch_steps.build(
        options["system"], options["image_shape"], options["batch_size"]
    )
    if options["contestant"] == "torch_compile":
        for network in networks.values():
            network.compile()
    images, labels = (
        None if array is None else torch.from_numpy(array).to(device)
        for array in data(np, options)
    )
    images = images.movedim(-1, 1)
    half = options["precision"] != "float32"
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None

    def run(steps, started):
        order = torch.randperm(len(images))
        with torch.autocast(device, torch.bfloat16, enabled=half):
            for i in range(steps):
                chosen = order[i * rows : (i + 1) * rows]
                step(images[chosen], None if labels is None else labels[chosen])
                if i == 0:
                    synchronize()
                    started()
        synchronize()

    facts = {
        "version": f"torch {torch.__version__}",
        "xla": False,
        "parameters": [
            sum(p.numel() for p in networks[name].parameters())
            for name in sorted(networks)
        ],
        "images_per_step": rows,
    }
    return run, torch_steps.peak, facts


def data(np, options):
    """Noise and labels; how long a step takes does not depend on what it sees."""
    shape = (options["images"], *options["image_shape"])
    random, classes = np.random.default_rng(0), CASES[options["system"]].classes
    images = random.integers(0, 256, shape, dtype="uint8")
    return images, random.integers(0, classes, shape[:1]) if classes else None


def timed(run, steps):
    """Seconds per step, elapsed and CPU of all threads, and what others took.

    `run` calls its second argument after one more step, which starts the epoch: an
    iterator, the first batches. An epoch has hundreds of steps, a turn a few.
    """
    before = []
    run(steps + 1, lambda: before.append(quiet.clocks()))
    elapsed, own, others = quiet.since(before[0])
    return {
        "elapsed": elapsed / steps,
        "cpu": own / steps,
        "others": others,
        "peak_memory_mb": peak_memory_mb(),
    }


def peak_memory_mb():
    """Largest resident set so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def fastest(task, flops, seconds=0.7):
    """FLOP/s of the fastest of as many runs of `task` as fit into `seconds`."""
    task()
    end, best = time.perf_counter() + seconds, float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter()
        task()
        best = min(best, time.perf_counter() - start)
    return flops / best


if __name__ == "__main__":
    main()
