"""GANs for Keras 3: train, sample, save and serve them."""

from keras_gans import (
    callbacks,
    converters,
    data,
    latents,
    layers,
    losses,
    metrics,
    pictures,
)
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.presets import PresetError, from_preset, list_presets
from keras_gans.metrics import classifier as _classifier  # registers it  # noqa: F401
from keras_gans.models import (
    CGAN,
    DCGAN,
    GAN,
    R1GAN,
    SAGAN,
    WGAN,
    WGANGP,
    AnimeGAN,
    BigGAN,
    BigGANDeep,
    CoGAN,
    ImprovedGAN,
    ProGAN,
    StyleGAN,
    StyleGAN2,
    get_system,
    list_systems,
)
from keras_gans.version import __version__

__all__ = [
    "CGAN",
    "DCGAN",
    "GAN",
    "R1GAN",
    "SAGAN",
    "WGAN",
    "WGANGP",
    "AdversarialModel",
    "AnimeGAN",
    "BigGAN",
    "BigGANDeep",
    "CoGAN",
    "PresetError",
    "ImprovedGAN",
    "ProGAN",
    "StyleGAN",
    "StyleGAN2",
    "__version__",
    "callbacks",
    "converters",
    "data",
    "from_preset",
    "get_system",
    "latents",
    "layers",
    "list_presets",
    "list_systems",
    "losses",
    "metrics",
    "pictures",
]
