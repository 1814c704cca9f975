"""pix2pixHD: its system, its networks, and what is done with maps and instances.

Wang et al. 2017, arXiv 1711.11585. Networks and training step are those of the authors'
code (github.com/NVIDIA/pix2pixHD).
"""

from keras_gans.models.pix2pixhd.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_trunk_head,
)
from keras_gans.models.pix2pixhd.system import Pix2PixHD

__all__ = [
    "Pix2PixHD",
    "build_discriminator",
    "build_encoder",
    "build_generator",
    "build_trunk_head",
]
