"""The networks of the fixtures of anomaly detection, with their weights."""

import numpy as np

import keras_gans as kg
from keras_gans.converters import a03ki
from tests import golden
from tests import golden_translation as translation

# Our networks to the reference's places.
LAYOUTS = {
    "generator": a03ki.generator_layout,
    "critic": a03ki.critic_layout,
    "encoder": a03ki.encoder_layout,
}


def reference(architecture="mvtec", side=32, latent_dim=16, **arguments):
    """An `FAnoGAN` of the public implementation's networks, filled."""
    gan = kg.FAnoGAN(
        (side, side, 1),
        latent_dim,
        architecture,
        bounded_encoder=True,
        gan_steps=0,
        critic_steps=1,
        **arguments,
    )
    for name, layout in LAYOUTS.items():
        translation.fill(getattr(gan, name), layout)
    return gan


def latents(dim):
    """z(2, dim)."""
    return golden.latents(0, dim, batch=2)


def in_torch_order(features, side):
    """Flat features of a map `(side, side, channels)` as PyTorch flattens it."""
    maps = np.asarray(features).reshape(len(features), side, side, -1)
    return maps.transpose(0, 3, 1, 2).reshape(len(features), -1)
