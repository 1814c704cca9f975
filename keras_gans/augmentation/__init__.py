"""Augmentations of what a discriminator sees, through which generators learn.

A system takes one as `augmentation=`; reals and fakes pass through it wherever they are
judged, in the updates of both players. Images in [-1, 1] come in, and images of the
same shape, maybe beyond that range, go out.
"""

from keras_gans.augmentation.adaptive import ADA
from keras_gans.augmentation.diff_augment import DiffAugment

__all__ = ["ADA", "DiffAugment"]
