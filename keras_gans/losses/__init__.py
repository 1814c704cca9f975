"""Losses and penalties: plain functions, one equation each."""

from keras_gans.losses.adversarial import (
    AdversarialLoss,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    wasserstein,
)
from keras_gans.losses.orthogonal import orthogonality
from keras_gans.losses.penalties import (
    gradient_penalty,
    interpolate,
    perturb,
    zero_centered_penalty,
)

__all__ = [
    "AdversarialLoss",
    "gradient_penalty",
    "hinge",
    "interpolate",
    "least_squares",
    "minimax",
    "non_saturating",
    "orthogonality",
    "perturb",
    "wasserstein",
    "zero_centered_penalty",
]
