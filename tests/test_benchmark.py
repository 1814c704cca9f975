"""`scripts/benchmark`: its FLOPs are those counted by hand, its lines are JSON."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gans as kg

ROOT = pathlib.Path(__file__).parent.parent
HAS_TORCH = importlib.util.find_spec("torch") is not None

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the workers run on TensorFlow"
)


@pytest.fixture
def flops(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from _benchmark import flops

    return flops


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


@pytest.mark.skipif(not HAS_TORCH, reason="torch, an optional extra, is not installed")
@pytest.mark.parametrize("system", ["dcgan", "wgan_gp"])
@pytest.mark.parametrize("side", [28, 32])
def test_the_networks_of_torch_are_ours(monkeypatch, system, side):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import torch
    from _benchmark import torch_steps

    shape = (side, side, 1)
    gan = (kg.DCGAN if system == "dcgan" else kg.WGANGP)(shape)
    step, networks, rows = torch_steps.build(system, shape, batch_size=2)
    for name, network in networks.items():
        ours = sum(int(np.prod(w.shape)) for w in getattr(gan, name).trainable_weights)
        assert sum(p.numel() for p in network.parameters()) == ours
    before = [p.clone() for p in networks["generator"].parameters()]
    step(torch.zeros((rows, *shape), dtype=torch.uint8).permute(0, 3, 1, 2))
    after = networks["generator"].parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
