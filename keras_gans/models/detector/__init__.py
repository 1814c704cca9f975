"""Faster R-CNN and Fast R-CNN: things in pictures; see `system`."""

from keras_gans.models.detector.networks import (
    build_backbone,
    build_head,
    build_rpn,
    two_maps,
)
from keras_gans.models.detector.system import Detector, Features
from keras_gans.models.detector.targets import RoIs

__all__ = [
    "Detector",
    "Features",
    "RoIs",
    "build_backbone",
    "build_head",
    "build_rpn",
    "two_maps",
]
