"""How good samples are: metrics on features, with what makes their figures comparable.

Functions take NumPy arrays and return a `Result`; each has an accumulator that is fed
batch by batch. Nothing here runs on a Keras backend.
"""

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.frechet import (
    FeatureStatistics,
    FrechetDistance,
    frechet_distance,
)
from keras_gans.metrics.image_quality import (
    PSNR,
    SSIM,
    ImageScores,
    psnr,
    psnr_per_image,
    ssim,
    ssim_per_image,
)
from keras_gans.metrics.inception_score import InceptionScore, inception_score
from keras_gans.metrics.kernel_distance import KernelDistance, kernel_distance
from keras_gans.metrics.memorisation import Memorisation, memorisation
from keras_gans.metrics.modes import (
    LabelCounts,
    ModeCoverage,
    mixture_modes,
    mode_coverage,
    stacked_labels,
)
from keras_gans.metrics.neighbours import nearest_neighbours
from keras_gans.metrics.path_length import perceptual_path_length, slerp
from keras_gans.metrics.precision_recall import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    expected_coverage,
    precision_recall,
)
from keras_gans.metrics.result import FID_EXTRACTOR, Protocol, Result, compare
from keras_gans.metrics.rows import FeatureRows

__all__ = [
    "FID_EXTRACTOR",
    "PSNR",
    "SSIM",
    "Accumulator",
    "DensityCoverage",
    "FeatureRows",
    "FeatureStatistics",
    "FrechetDistance",
    "ImageScores",
    "InceptionScore",
    "KernelDistance",
    "LabelCounts",
    "Memorisation",
    "ModeCoverage",
    "PrecisionRecall",
    "Protocol",
    "Result",
    "compare",
    "density_coverage",
    "expected_coverage",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "memorisation",
    "mixture_modes",
    "mode_coverage",
    "nearest_neighbours",
    "perceptual_path_length",
    "precision_recall",
    "psnr",
    "psnr_per_image",
    "slerp",
    "ssim",
    "ssim_per_image",
    "stacked_labels",
]
