"""The smallest models that still play a game, for tests that need just any system."""

import numpy as np

import keras_gans as kg


def tiny_gan(**changes):
    arguments = {"image_shape": (4, 4, 1), "latent_dim": 3, "hidden_units": 4}
    return kg.GAN(**{**arguments, "maxout_units": 2, **changes})


def tiny_cgan(**changes):
    return kg.CGAN(
        **{"image_shape": (4, 4, 1), "latent_dim": 3, "num_classes": 3, **changes}
    )


def tiny_dcgan(**changes):
    arguments = {"image_shape": (8, 8, 1), "latent_dim": 3, "base_channels": 2}
    return kg.DCGAN(**{**arguments, **changes})


def images(count, side=4, channels=1):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, channels)).astype("uint8")
