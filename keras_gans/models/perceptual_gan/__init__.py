"""Perceptual GAN: small objects seen as if they were large; see `system`."""

from keras_gans.models.perceptual_gan.networks import (
    build_discriminator,
    build_generator,
)
from keras_gans.models.perceptual_gan.system import PerceptualGAN

__all__ = ["PerceptualGAN", "build_discriminator", "build_generator"]
