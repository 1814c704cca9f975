import h5py
import pytest

from keras_gans.core import facts
from tests.systems import images, tiny_gan

pytestmark = pytest.mark.every_backend


def trained():
    gan = tiny_gan(ema_decay=0.5)
    gan.compile()
    gan.fit(images(4), batch_size=2, verbose=0)
    return gan


def test_a_weights_file_keeps_the_facts_and_loads_as_before(tmp_path):
    gan, path = trained(), tmp_path / "gan.weights.h5"
    written = facts.of_training(gan)
    gan.save_weights(path, facts=written)
    assert facts.read(path) == written
    assert written["system"] == "GAN" and written["batch_size"] == 2
    assert written["machine"]["replicas"] == 1
    gan.load_weights(path)
    gan.save_weights(path)
    assert facts.read(path) == {}


def test_facts_longer_than_an_attribute_of_hdf5_may_be(tmp_path):
    path = tmp_path / "gan.weights.h5"
    with h5py.File(path, "w"):
        pass
    facts.write({"network": "x" * 200_000}, path)
    assert len(facts.read(path)["network"]) == 200_000


def test_differences_are_named():
    old = {"fit": {"epochs": 2, "batch_size": 4}, "system": "gan"}
    new = {"fit": {"epochs": 3, "batch_size": 4}, "training": {"xla": True}}
    assert facts.differences(old, new) == [
        "fit.epochs (2, now 3)",
        "system (gan, now none)",
        "training.xla (none, now True)",
    ]
    assert facts.differences(old, old) == []
