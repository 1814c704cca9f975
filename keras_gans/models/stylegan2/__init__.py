"""StyleGAN2, in three files: the system, its networks, its configurations."""

from keras_gans.models.stylegan2.configurations import CONFIGS
from keras_gans.models.stylegan2.networks import build_discriminator, build_generator
from keras_gans.models.stylegan2.system import StyleGAN2

__all__ = ["CONFIGS", "StyleGAN2", "build_discriminator", "build_generator"]
