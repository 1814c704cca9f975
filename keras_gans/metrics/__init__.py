"""How good samples are: metrics on features, with what makes their figures comparable.

Functions take NumPy arrays and return a `Result`; each has an accumulator that is fed
batch by batch. Only the feature extractors run on a Keras backend.
"""

from keras_gans.metrics.accumulator import Accumulator
from keras_gans.metrics.agreement import label_agreement
from keras_gans.metrics.detection import RULES as DETECTION_RULES
from keras_gans.metrics.detection import (
    DetectionFigures,
    average_precision,
    detection_figures,
    overlaps,
)
from keras_gans.metrics.evaluation import (
    METRICS,
    Evaluation,
    Evaluator,
    evaluate_samples,
)
from keras_gans.metrics.features import (
    CLASSIFIERS,
    EXTRACTORS,
    FeatureExtractor,
    Features,
    default_extractor,
    extractor,
)
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
from keras_gans.metrics.likelihood import DRAWS as LIKELIHOOD_DRAWS
from keras_gans.metrics.likelihood import likelihood
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
from keras_gans.metrics.resizing import RESIZE_MODES, resize
from keras_gans.metrics.result import FID_EXTRACTOR, Protocol, Result, compare
from keras_gans.metrics.rows import FeatureRows
from keras_gans.metrics.upscaling import upscaling_scores
from keras_gans.metrics.videos import VideoFigures, motion_energy, video_figures
from keras_gans.metrics.volumes import (
    VolumeFigures,
    intersection_over_union,
    volume_figures,
)

__all__ = [
    "LIKELIHOOD_DRAWS",
    "CLASSIFIERS",
    "DETECTION_RULES",
    "EXTRACTORS",
    "FID_EXTRACTOR",
    "METRICS",
    "PSNR",
    "RESIZE_MODES",
    "SSIM",
    "Accumulator",
    "DensityCoverage",
    "DetectionFigures",
    "Evaluation",
    "Evaluator",
    "FeatureExtractor",
    "FeatureRows",
    "FeatureStatistics",
    "Features",
    "FrechetDistance",
    "ImageClassifier",
    "ImageScores",
    "InceptionScore",
    "KernelDistance",
    "LabelCounts",
    "Memorisation",
    "ModeCoverage",
    "PrecisionRecall",
    "Protocol",
    "Result",
    "VideoFigures",
    "VolumeFigures",
    "average_precision",
    "compare",
    "default_extractor",
    "density_coverage",
    "detection_figures",
    "evaluate_samples",
    "expected_coverage",
    "extractor",
    "frechet_distance",
    "frechet_video_lite",
    "inception_score",
    "intersection_over_union",
    "kernel_distance",
    "label_agreement",
    "likelihood",
    "memorisation",
    "mixture_modes",
    "mode_coverage",
    "motion_energy",
    "nearest_neighbours",
    "overlaps",
    "perceptual_path_length",
    "precision_recall",
    "psnr",
    "psnr_per_image",
    "resize",
    "slerp",
    "ssim",
    "ssim_per_image",
    "stacked_labels",
    "train_video_network",
    "upscaling_scores",
    "video_figures",
    "volume_figures",
]


def __getattr__(name):
    # They alone need all of Keras.
    if name == "ImageClassifier":
        from keras_gans.metrics.classifier import ImageClassifier

        return ImageClassifier
    if name in ("frechet_video_lite", "train_video_network"):
        from keras_gans.metrics import video_network

        return getattr(video_network, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
