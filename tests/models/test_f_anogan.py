import keras_gans as kg
from tests.contract import SystemContract, count
from tests.contract_anomalies import DetectorContract


class TestFAnoGAN(DetectorContract, SystemContract):
    system = kg.FAnoGAN
    # The third step is the GAN's last one.
    tiny = {
        "image_shape": (8, 8, 1),
        "latent_dim": 4,
        "base_channels": 4,
        "critic_steps": 1,
        "gan_steps": 3,
    }
    resting = ("encoder",)


def test_parameter_counts():
    gan = kg.FAnoGAN()
    assert count(gan.generator) == 8_539_329
    assert count(gan.critic) == 7_490_689
    assert count(gan.encoder) == 8_531_200
