"""Keras callbacks for adversarial training."""

from keras_gans.callbacks.backup_and_restore import BackupAndRestore
from keras_gans.callbacks.detection_grid import DetectionGrid
from keras_gans.callbacks.evaluate import Evaluate
from keras_gans.callbacks.evaluate_detection import (
    EvaluateDetection,
    detection_results,
)
from keras_gans.callbacks.evaluate_translation import EvaluateTranslation
from keras_gans.callbacks.evaluate_upscaling import EvaluateUpscaling
from keras_gans.callbacks.prediction_grid import PredictionGrid
from keras_gans.callbacks.sample_grid import SampleGrid
from keras_gans.callbacks.schedules import ConstantThenLinear, LinearDecay
from keras_gans.callbacks.stop_on_nan import StopOnNaN
from keras_gans.callbacks.translation_grid import TranslationGrid

__all__ = [
    "BackupAndRestore",
    "ConstantThenLinear",
    "DetectionGrid",
    "Evaluate",
    "EvaluateDetection",
    "EvaluateTranslation",
    "EvaluateUpscaling",
    "LinearDecay",
    "PredictionGrid",
    "SampleGrid",
    "StopOnNaN",
    "TranslationGrid",
    "detection_results",
]
