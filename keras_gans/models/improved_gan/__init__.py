"""Improved GAN, in three files: the system, its networks, its optimizer."""

from keras_gans.models.improved_gan.optimizers import AdamEpsilonInside, LateLinearDecay
from keras_gans.models.improved_gan.system import ImprovedGAN

__all__ = ["AdamEpsilonInside", "ImprovedGAN", "LateLinearDecay"]
