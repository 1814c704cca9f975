"""RadialGAN: see `system`."""

from keras_gans.models.radial_gan.batches import DomainBatches
from keras_gans.models.radial_gan.networks import (
    build_decoder,
    build_discriminator,
    build_encoder,
)
from keras_gans.models.radial_gan.system import RadialGAN
from keras_gans.models.radial_gan.tables import Table

__all__ = [
    "DomainBatches",
    "RadialGAN",
    "Table",
    "build_decoder",
    "build_discriminator",
    "build_encoder",
]
