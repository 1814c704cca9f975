"""Age-cGAN: faces at another age; see `system`."""

from keras_gans.models.age_cgan.networks import (
    build_dcgan_generator,
    build_discriminator,
    build_encoder,
    build_generator,
)
from keras_gans.models.age_cgan.recogniser import build_recogniser
from keras_gans.models.age_cgan.system import AgeCGAN

__all__ = [
    "AgeCGAN",
    "build_dcgan_generator",
    "build_discriminator",
    "build_encoder",
    "build_generator",
    "build_recogniser",
]
