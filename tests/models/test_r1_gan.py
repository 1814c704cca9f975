import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gans as kg
from keras_gans.models import r1_gan
from tests import golden
from tests.contract import SystemContract, count

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 5,
    "base_channels": 2,
    "max_channels": 3,
    "embedding_dim": 3,
}


class TestR1GAN(SystemContract):
    system = kg.R1GAN
    tiny = {**TINY, "num_classes": 3}


def networks(shape, classes, latent_dim, embedding, architecture, channels):
    return (
        r1_gan.build_generator(
            shape, latent_dim, classes, embedding, architecture, *channels
        ),
        r1_gan.build_discriminator(shape, classes, architecture, *channels),
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (((32, 32, 3), None, 64, 1, "resnet", (32, 128)), (598_372, 465_377)),
        (((1024, 1024, 3), None, 256, 1, "resnet", (16, 512)), (18_810_036, 16_705_201)),
    ],
)
def test_parameter_counts(arguments, expected):
    assert tuple(map(count, networks(*arguments))) == expected


def test_parameter_counts_of_the_large_networks():
    lsun = kg.R1GAN()
    assert (count(lsun.generator), count(lsun.discriminator)) == (52_154_052, 47_944_385)
    default = r1_gan.build_generator((256, 256, 3), 256, None, 256, "resnet", 64, 512)
    assert count(default) == 20_932_547
    imagenet = kg.R1GAN(
        (128, 128, 3), num_classes=1000, architecture="resnet2", ema_decay=None
    )
    found = (count(imagenet.generator), count(imagenet.discriminator))
    assert found == (100_535_747, 108_260_776)
