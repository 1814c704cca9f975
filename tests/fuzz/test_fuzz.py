"""What the attacks and the mutated inputs did: nothing, and the message says why."""

import itertools

import pytest

import keras_gans as kg
from tests.fuzz import attacks, mutations
from tests.fuzz.driver import Worker

TARGETS = (
    *("config", "metadata", "index", "weights"),
    *("preset", "recipe", "npz", "pictures"),
)
# Target to how many inputs, in the default tier and in the slow one.
FEW = {"config": 60, "metadata": 30, "index": 10, "weights": 60, "preset": 8}
FEW |= {"recipe": 60, "npz": 40, "pictures": 30}
MANY = {"config": 4000, "metadata": 2000, "index": 1000, "weights": 6000}
MANY |= {"preset": 700, "recipe": 5000, "npz": 4000, "pictures": 3000}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A small preset with optimizers, which changes reach the structure of."""
    gan = kg.GAN((4, 4, 1), latent_dim=3, hidden_units=4, maxout_units=3)
    gan.compile()
    gan.save_to_preset(tmp_path_factory.mktemp("fuzz") / "tiny")
    return tmp_path_factory.getbasetemp() / "fuzz0" / "tiny"


def assert_harmless(worker, capsys):
    with capsys.disabled():
        print(f"\n{worker.report()}\nslowest: {dict(worker.slowest)} s")
        print(f"most memory: {dict(worker.largest)} MiB")
    assert not worker.findings, "\n\n".join(f[-900:] for f in worker.findings[:20])


def mutated(worker, tiny, amounts, seed):
    for target, amount in amounts.items():
        made = mutations.inputs(target, seed, tiny)
        for name, write in itertools.islice(made, amount):
            worker.try_input(target, name, write)


# Slow alone: what they cost is in making them.
LARGE = ("many", "long", "deep", "60,000", "half a gigabyte", "megapixels")


HARM = {
    # An eighth above the bound: where pages come slowly, more would count as a hang.
    "growth": "x = bytearray(9 << 27)",
    "escapes": "open(path.parents[2] / 'outside' / 'canary').read()",
    "other": "raise KeyError(path)",
    "hangs": "while True: pass",
}


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    with Worker(tmp_path_factory.mktemp("worker")) as worker:
        yield worker


def test_a_few_inputs_of_every_kind_do_no_harm(worker, tiny, capsys):
    worker.forget()
    for target, name, write in attacks.all_attacks():
        if target != "preset" and not any(word in name for word in LARGE):
            worker.try_input(target, name, write)
    mutated(worker, tiny, FEW, seed=1)
    assert_harmless(worker, capsys)


@pytest.mark.parametrize("kind", HARM)
def test_harm_is_noticed(worker, kind):
    """Or the zeros of the report would mean nothing."""

    def write(folder, outside):
        (folder / "input.py").write_text(HARM[kind])
        return folder / "input.py"

    worker.forget()
    assert worker.try_input("careless", kind, write) == kind
    assert worker.findings


@pytest.mark.slow
def test_many_inputs_do_no_harm(worker, tiny, capsys):
    worker.forget()
    for target, name, write in attacks.all_attacks():
        worker.try_input(target, name, write)
    mutated(worker, tiny, MANY, seed=2)
    assert_harmless(worker, capsys)
