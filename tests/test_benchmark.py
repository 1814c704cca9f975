"""`scripts/benchmark`: its FLOPs are those counted by hand, its cases are alike."""

import argparse
import importlib.machinery
import importlib.util
import inspect
import json
import math
import os
import pathlib
import runpy
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gans as kg

ROOT = pathlib.Path(__file__).parent.parent
CASES = runpy.run_path(str(ROOT / "scripts/_benchmark/cases.py"))["CASES"]
# An interpreter with torch; it may be another than this one.
TORCH = os.environ.get("KERAS_GANS_TORCH_PYTHON") or (
    sys.executable if importlib.util.find_spec("torch") else None
)

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the workers run on TensorFlow"
)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    for folder in ("scripts", "scripts/_benchmark"):
        monkeypatch.syspath_prepend(str(ROOT / folder))


@pytest.fixture
def flops():
    import flops

    return flops


@pytest.fixture(scope="module")
def script():
    """`scripts/benchmark` as a module."""
    path = str(ROOT / "scripts" / "benchmark")
    loader = importlib.machinery.SourceFileLoader("benchmark_script", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (keras.layers.Dense(7), (5,), 2 * 5 * 7),
        (keras.layers.Dense(7), (3, 5), 3 * 2 * 5 * 7),
        # 4x4 outputs, each of 3x3 taps from 2 to 6 channels.
        (
            keras.layers.Conv2D(6, 3, strides=2, padding="same"),
            (8, 8, 2),
            4 * 4 * 2 * 9 * 2 * 6,
        ),
        (keras.layers.Conv2D(6, 3, groups=2), (8, 8, 4), 6 * 6 * 2 * 9 * 2 * 6),
        # Each of 4x4 inputs is spread over 5x5 taps from 6 to 2 channels.
        (
            keras.layers.Conv2DTranspose(2, 5, strides=2, padding="same"),
            (4, 4, 6),
            4 * 4 * 2 * 25 * 6 * 2,
        ),
        (kg.layers.WholeMapConv2D(3, 4), (4, 4, 5), 2 * 16 * 5 * 3),
        (keras.layers.BatchNormalization(), (4, 4, 5), 0),
    ],
)
def test_flops_of_a_layer(flops, layer, shape, expected):
    inputs = keras.Input(shape)
    network = keras.Model(inputs, layer(inputs))
    assert flops.of_layer(network.layers[-1]) == expected


def test_flops_of_the_steps(flops):
    """Per image, with g and d the two layers of equally simple networks."""
    gan = kg.DCGAN((8, 8, 1), latent_dim=3, base_channels=2)
    project, to_image = 2 * 3 * 16 * 2, 16 * 2 * 16 * 2 * 1
    down, score = 16 * 2 * 16 * 1 * 2, 2 * 16 * 2
    g, d = project + to_image, down + score
    expected = (g + g + to_image) + 2 * (d + d + score) + 2 * d
    assert flops.per_step("dcgan", gan, batch_size=4) == 4 * expected

    gan = kg.WGANGP((28, 28, 1), 3, base_channels=2, critic_steps=3)
    (g, g_first), (c, c_first) = map(flops.forward, (gan.generator, gan.critic))
    assert (g_first, c_first) == (2 * 3 * 16 * 8, 14 * 14 * 2 * 25 * 2)
    critic = g + 2 * (3 * c - c_first) + 4 * c
    expected = 3 * critic + 3 * g - g_first + 2 * c
    assert flops.per_step("wgan_gp", gan, 4) == pytest.approx(4 * expected)
    assert flops.per_step("r1_gan", gan, 4) is None


def test_cases_are_systems_of_the_library():
    """Each takes its case's arguments, and staged ones are at their last stage."""
    for name, case in CASES.items():
        system, arguments = getattr(kg, case.system), case.arguments_at((32, 32, 1))
        assert system is kg.models.get_system(name)
        inspect.signature(system).bind(**arguments)
        count = arguments.get("num_classes", arguments.get("num_labels", 0))
        assert case.classes == count
        side = arguments["image_shape"][0]
        assert arguments.get("start_resolution", side) == side
    gan = kg.StyleGAN2(**CASES["stylegan2"].arguments)
    intervals = gan.generator_interval, gan.discriminator_interval
    assert CASES["stylegan2"].cycle == math.lcm(*intervals)


def test_fit_is_given_what_its_system_learns_from():
    import keras_steps

    images = np.arange(48, dtype="uint8").reshape(48, 1, 1, 1)
    labels = np.arange(48) % 10
    found = keras_steps.arrays("dcgan", images, None)
    assert found["x"] is images and found["y"] is None
    found = keras_steps.arrays("r1_gan", images, labels)
    assert found["x"] is images and found["y"] is labels
    found = keras_steps.arrays("cogan", images, None)
    np.testing.assert_array_equal(found["x"], images[:24])
    np.testing.assert_array_equal(found["y"], images[24:])
    # Three batches of a step are made of one; two labels are known in sixteen images.
    found = keras_steps.arrays("improved_gan", images, labels)
    np.testing.assert_array_equal(found["x"], images[:16])
    assert found["y"].tolist() == [0, *[-1] * 7, 8, *[-1] * 7]


def test_workers_draw_labels_where_a_case_has_classes():
    import worker

    options = {"system": "biggan", "image_shape": [4, 4, 3], "images": 1000}
    images, labels = worker.data(np, options)
    assert images.shape == (1000, 4, 4, 3) and images.dtype == "uint8"
    assert sorted(set(labels.tolist())) == list(range(10)) and len(labels) == 1000
    assert worker.data(np, {**options, "system": "progan"})[1] is None


class Fit:
    """A contestant that takes 0.02 s for each step."""

    def __init__(self, flops):
        self.facts, self.asked = {"flops": flops}, []

    def ask(self, command):
        self.asked.append(command)
        return {"elapsed": 0.02}


@pytest.mark.parametrize(
    ("flops", "cycle", "most", "steps", "expected", "asked"),
    [
        # Half the peak of 1e9 FLOP/s: 0.01 s a step.
        (5e6, 1, 200, None, 100, []),
        (5e6, 1, 80, None, 80, []),
        (5e9, 1, 200, None, 1, []),
        # Not counted: timed.
        (None, 1, 200, None, 50, ["run 2"]),
        (None, 16, 208, None, 64, ["run 16"]),
        (None, 16, 32, None, 32, ["run 16"]),
        (None, 1, 200, 7, 7, []),
        (None, 16, 208, 17, 32, []),
    ],
)
def test_turns_are_whole_cycles(script, flops, cycle, most, steps, expected, asked):
    fit, options = Fit(flops), argparse.Namespace(steps=steps, seconds=1.0)
    found = script.steps_per_turn({"fit": fit}, cycle, most, 1e9, options)
    assert found == expected and fit.asked == asked


def test_image_sizes_are_for_systems_without_their_own(script):
    options = argparse.Namespace(systems=["sagan", "dcgan"], image_sizes=[28, 64])
    assert list(script.shapes_of(options)) == [
        ("sagan", [32, 32, 3]),
        ("dcgan", [28, 28, 1]),
        ("dcgan", [64, 64, 3]),
    ]


def test_contestants_that_differ_are_not_compared(script):
    fit, torch = Fit(None), Fit(None)
    fit.facts["parameters"], torch.facts["parameters"] = [1, 2], [1, 2]
    script.check_equal("parameters", {"fit": fit, "torch": torch})
    torch.facts["parameters"] = [2, 1]
    with pytest.raises(SystemExit, match="differ in parameters"):
        script.check_equal("parameters", {"fit": fit, "torch": torch})


def test_tables_leave_out_work_that_was_not_counted():
    import table

    case = {"system": "sagan", "image_shape": [32, 32, 3], "batch_size": 64}
    case |= {"precision": "float32", "backend": "tensorflow", "strategy": "none"}
    case["threads"] = 1
    facts = {"version": "", "xla": False, "parameters": [1], "images_per_step": 64}
    turn = {"elapsed": 0.5, "cpu": 0.4, "others": 0.0, "peak_memory_mb": 1.0}

    def told(flops):
        rows = table.rows(
            case, {"fit": {**facts, "flops": flops}}, {"fit": [turn]}, {}, 1e10, 0.05
        )
        return rows[0], table.text(rows)

    row, text = told(1e9)
    assert (row["gflops_per_step"], row["percent_of_peak"]) == (1.0, 20.0)
    assert "1.0 GFLOP per step" in text and " 20" in text.splitlines()[-1]
    row, text = told(None)
    assert row["gflops_per_step"] is None and row["percent_of_peak"] is None
    assert "GFLOP per step" not in text and "peak 10 GFLOP/s" in text
    # The line of the contestant is the same but for that column.
    assert text.splitlines()[-1] == told(1e9)[1].splitlines()[-1].removesuffix(
        "         20"
    )


@on_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("system", CASES)
def test_fit_takes_a_step_of_each_case(system):
    import keras_steps
    import worker

    shape = CASES[system].arguments.get("image_shape", (32, 32, 1))
    gan = keras_steps.build(system, shape)
    images = 3 * keras_steps.rows_of(system, gan, 4)
    options = {"system": system, "image_shape": shape, "images": images}
    started = []
    run = keras_steps.library(system, gan, *worker.data(np, options), 4, False)
    before = [w.numpy() for w in gan.generator.trainable_weights]
    run(2, lambda: started.append(True))
    assert started == [True]
    after = [w.numpy() for w in gan.generator.trainable_weights]
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


@on_tensorflow
def test_prints_a_table_and_json_lines(tmp_path):
    results = tmp_path / "results.jsonl"
    answer = subprocess.run(
        [
            *[sys.executable, ROOT / "scripts" / "benchmark", "--systems", "dcgan"],
            *["--image-sizes", "8", "--batch-size", "2", "--xla", "off", "--pairs"],
            *["2", "--steps", "2", "--patience", "0", "--json", results],
            *["--torch-python", tmp_path / "absent"],
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["name"] for row in rows] == ["fit", "by_hand", "torch"]
    fit, by_hand, torch = rows
    assert fit["parameters"] == by_hand["parameters"]
    assert len(fit["elapsed_ratios"]) == 2 and fit["speed_up"] == 1.0
    assert by_hand["images_per_second"] > 0 and by_hand["peak_memory_mb"] > 0
    assert torch["error"].startswith("no torch")
    for word in ("dcgan 8x8", "% of peak", "by_hand", "did not run: no torch"):
        assert word in answer.stdout


# In a process of its own: TensorFlow and PyTorch do not always share one.
ASK_TORCH = """
import json, sys
import torch, torch_steps
system, shape, classes = json.loads(sys.argv[1])
step, networks, rows = torch_steps.build(system, shape, batch_size=4)
before = {n: [p.clone() for p in m.parameters()] for n, m in networks.items()}
images = torch.zeros((rows, shape[-1], *shape[:-1]), dtype=torch.uint8)
step(images, torch.arange(rows) % classes if classes else None)
moved = {
    n: any(not torch.equal(a, b) for a, b in zip(before[n], m.parameters()))
    for n, m in networks.items()
}
counts = {n: sum(p.numel() for p in m.parameters()) for n, m in networks.items()}
print(json.dumps({"counts": counts, "moved": moved, "rows": rows}))
"""


@pytest.mark.skipif(TORCH is None, reason="torch, an optional extra, is not installed")
@pytest.mark.parametrize("system", CASES)
def test_the_networks_of_torch_are_ours(system):
    import keras_steps

    case = CASES[system]
    own = case.arguments.get("image_shape")
    for shape in [own] if own else [(28, 28, 1), (32, 32, 1)]:
        gan = keras_steps.build(system, shape)
        ours = {n: getattr(gan, n).trainable_weights for n in gan.networks}
        answer = subprocess.run(
            [TORCH, "-c", ASK_TORCH, json.dumps([system, shape, case.classes])],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONPATH": str(ROOT / "scripts/_benchmark")},
        )
        assert answer.returncode == 0, answer.stderr
        theirs = json.loads(answer.stdout.splitlines()[-1])
        assert theirs["rows"] == keras_steps.rows_of(system, gan, 4)
        assert theirs["counts"] == {
            name: sum(math.prod(w.shape) for w in weights)
            for name, weights in ours.items()
        }
        assert all(theirs["moved"].values())


def test_seconds_of_one_picture(tmp_path):
    import latency

    rows = []
    for name, gan, expected in (
        ("adain", kg.AdaIN((8, 8, 3), 2, 2), ("stylize", (16, 16))),
        ("dtn", kg.DTN((16, 16, 1), base_channels=2), ("translate", (16, 16))),
    ):
        gan.save_to_preset(tmp_path / name)
        task, size, seconds = latency.measure(tmp_path / name, 16)
        assert (task, size) == expected
        assert len(seconds) == latency.REPEATS and min(seconds) > 0
        rows.append((name, task, size, seconds))
    table = latency.table(rows)
    assert "| `adain` | `stylize`, 16x16 | " in table and len(table.splitlines()) == 4
