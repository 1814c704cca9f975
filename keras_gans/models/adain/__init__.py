"""AdaIN (2017): arbitrary style transfer in one pass."""

from keras_gans.models.adain.networks import (
    build_decoder,
    build_encoder,
    normalize_activations,
    vgg19_encoder,
)
from keras_gans.models.adain.system import AdaIN, moments, restyled

__all__ = [
    "AdaIN",
    "build_decoder",
    "build_encoder",
    "moments",
    "normalize_activations",
    "restyled",
    "vgg19_encoder",
]
