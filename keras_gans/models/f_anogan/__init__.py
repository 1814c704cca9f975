"""f-AnoGAN: an encoder in the place of AnoGAN's search; see `system`."""

from keras_gans.models.f_anogan.networks import (
    build_critic,
    build_encoder,
    build_generator,
)
from keras_gans.models.f_anogan.system import FAnoGAN

__all__ = ["FAnoGAN", "build_critic", "build_encoder", "build_generator"]
