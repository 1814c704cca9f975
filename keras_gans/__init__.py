"""GANs for Keras 3: train, sample, save and serve them."""

from keras_gans import callbacks, data, layers, losses, metrics, pictures
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.presets import PresetError, from_preset, list_presets
from keras_gans.metrics import classifier as _classifier  # registers it  # noqa: F401
from keras_gans.models import (
    CGAN,
    DCGAN,
    GAN,
    R1GAN,
    WGAN,
    WGANGP,
    get_system,
    list_systems,
)
from keras_gans.version import __version__

__all__ = [
    "CGAN",
    "DCGAN",
    "GAN",
    "R1GAN",
    "WGAN",
    "WGANGP",
    "AdversarialModel",
    "PresetError",
    "__version__",
    "callbacks",
    "data",
    "from_preset",
    "get_system",
    "layers",
    "list_presets",
    "list_systems",
    "losses",
    "metrics",
    "pictures",
]
