import contextlib
import functools
from unittest import mock

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.layers import LearnedConstant, StyleNoise
from keras_gans.models import stylegan
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count
from tests.replica_groups import deviations_of_pairs

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 6,
    "style_dim": 5,
    "mapping_layers": 1,
    "channel_base": 32,
    "max_channels": 4,
    "start_resolution": 4,
    "stabilise_images": 8,
    "fade_images": 24,
}


class TestStyleGAN(SystemContract):
    system = kg.StyleGAN
    tiny = TINY

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def uneven_constant(cls):
        """Starts the synthesis at a map of some variance.

        From the paper's ones, normalisation first divides zeros by 1e-4: what comes of
        rounding errors then depends on the machine.
        """
        normal = keras.initializers.RandomNormal(stddev=1.0, seed=1)
        uneven = functools.partial(LearnedConstant, initializer=normal)
        with mock.patch.object(stylegan, "LearnedConstant", uneven):
            yield

    def _one_step_on(self, replicas, jit_compile="auto"):
        # Noise and the coin of mixing are drawn for each replica.
        with (
            deviations_of_pairs(),
            fixed_noise(),
            mock.patch.dict(self.tiny, {"style_mixing": 0.0}),
        ):
            return super()._one_step_on(replicas, jit_compile)


@contextlib.contextmanager
def fixed_noise():
    """Inside, noise is not drawn in training either."""
    call = StyleNoise.call
    with mock.patch.object(
        StyleNoise, "call", lambda self, x, training=None: call(self, x)
    ):
        yield
