import numpy as np
import pytest

from keras_gans.core.sampling import to_bytes_range
from tests.systems import tiny_dcgan, tiny_gan


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_images": 0}, "num_images"),
        ({"num_images": 1.5}, "num_images"),
        ({"num_images": 1, "seed": -1}, "seed"),
        ({"num_images": 1, "seed": 2**63}, "seed"),
        ({"num_images": 1, "batch_size": 0}, "batch_size"),
        ({"num_images": 1, "truncation": -1.0}, "truncation"),
        ({"num_images": 1, "truncation": float("nan")}, "truncation"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_dcgan().sample(**arguments)


def test_no_seed_is_a_fresh_one():
    gan = tiny_dcgan()
    assert np.abs(gan.sample(4) - gan.sample(4)).max() > 0


def test_truncation_pulls_latents_together():
    gan = tiny_dcgan()
    wide = gan.sample(64, seed=0).std(axis=0).mean()
    narrow = gan.sample(64, seed=0, truncation=0.1).std(axis=0).mean()
    assert narrow < 0.3 * wide


def test_moving_average_is_what_samples():
    gan = tiny_gan(ema_decay=0.9)
    assert gan.sampler is gan.ema_generator
    for weight in gan.generator.trainable_weights:
        weight.assign(weight.value * 0 + 3.0)
    assert gan.sample(2, seed=0).max() < 0.9


def test_bytes_round_and_clip():
    found = to_bytes_range(np.array([-2.0, -1.0, 0.0, 0.999, 1.0, 2.0], "float32"))
    np.testing.assert_array_equal(np.array(found), [0, 0, 128, 255, 255, 255])
