import keras_gans as kg
from tests.contract import SystemContract, count
from tests.contract_anomalies import DetectorContract


class TestAnoGAN(DetectorContract, SystemContract):
    system = kg.AnoGAN
    tiny = {
        "image_shape": (16, 16, 1),
        "latent_dim": 6,
        "base_channels": 4,
        "search_steps": 5,
    }

    def test_infinite_gradient_skips_that_update_alone(self, monkeypatch):
        # One update of the generator, as the contract counts them.
        monkeypatch.setattr(type(self), "tiny", {**self.tiny, "generator_steps": 1})
        super().test_infinite_gradient_skips_that_update_alone()


def test_parameter_counts():
    grey, colours = kg.AnoGAN(), kg.AnoGAN((64, 64, 3))
    assert count(grey.generator) == 5_132_161
    assert count(grey.discriminator) == 4_313_345
    assert count(colours.generator) == 5_135_363
    assert count(colours.discriminator) == 4_316_545
