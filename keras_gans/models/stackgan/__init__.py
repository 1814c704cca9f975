"""StackGAN and StackGAN-v2: images from texts, first small and then larger.

Zhang et al. 2016, arXiv 1612.03242, and 2017, arXiv 1710.10916. Networks and training
are those of the authors' code in PyTorch (github.com/hanzhanggit/StackGAN-Pytorch and
github.com/hanzhanggit/StackGAN-v2).
"""

from keras_gans.models.stackgan.blocks import build_discriminator
from keras_gans.models.stackgan.networks import (
    build_stage1_generator,
    build_stage2_generator,
)
from keras_gans.models.stackgan.system import StackGAN
from keras_gans.models.stackgan.tree import StackGANv2, StackGANv2Unconditional
from keras_gans.models.stackgan.tree_networks import (
    build_tree_discriminator,
    build_tree_generator,
)

__all__ = [
    "StackGAN",
    "StackGANv2",
    "StackGANv2Unconditional",
    "build_discriminator",
    "build_stage1_generator",
    "build_stage2_generator",
    "build_tree_discriminator",
    "build_tree_generator",
]
