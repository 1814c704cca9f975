"""Losses and penalties: plain functions, one equation each."""

from keras_gans.losses import likelihood, relativistic, semi_supervised
from keras_gans.losses.adversarial import (
    AdversarialLoss,
    hinge,
    label_smoothed,
    least_squares,
    minimax,
    non_saturating,
    two_class,
    wasserstein,
)
from keras_gans.losses.color_consistency import color_consistency
from keras_gans.losses.contrastive import nt_xent
from keras_gans.losses.historical_averaging import HistoricalAverage
from keras_gans.losses.orthogonal import orthogonality
from keras_gans.losses.penalties import (
    gradient_penalty,
    interpolate,
    perturb,
    zero_centered_penalty,
)
from keras_gans.losses.text_matching import (
    contrastive_matching,
    matching_aware,
    structured_matching,
)

__all__ = [
    "AdversarialLoss",
    "HistoricalAverage",
    "color_consistency",
    "contrastive_matching",
    "gradient_penalty",
    "hinge",
    "interpolate",
    "label_smoothed",
    "least_squares",
    "likelihood",
    "matching_aware",
    "minimax",
    "non_saturating",
    "nt_xent",
    "orthogonality",
    "perturb",
    "relativistic",
    "semi_supervised",
    "structured_matching",
    "two_class",
    "wasserstein",
    "zero_centered_penalty",
]
