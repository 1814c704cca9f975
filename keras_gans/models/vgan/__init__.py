"""VGAN, and its prediction of what follows a picture; see `system`."""

from keras_gans.models.vgan.networks import (
    Scene,
    SceneComposite,
    build_discriminator,
    build_generator,
    build_predictor,
    coarse_shape,
)
from keras_gans.models.vgan.prediction import VGANPrediction
from keras_gans.models.vgan.system import VGAN, first_frame_error

__all__ = [
    "Scene",
    "SceneComposite",
    "VGAN",
    "VGANPrediction",
    "build_discriminator",
    "build_generator",
    "build_predictor",
    "coarse_shape",
    "first_frame_error",
]
