import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.layers import BatchNormalization, ConditionalBatchNormalization

pytestmark = pytest.mark.every_backend
RNG = np.random.default_rng(0)
MAPS = RNG.normal(2.0, 3.0, (6, 4, 5, 3)).astype("float32")
GAIN, OFFSET = RNG.normal(size=(2, 6, 3)).astype("float32")


def conditional():
    layer = ConditionalBatchNormalization(momentum=0.9, epsilon=1e-5)
    layer.build([MAPS.shape, GAIN.shape, OFFSET.shape])
    return layer


@pytest.mark.parametrize("training", [True, False])
def test_with_one_gain_and_offset_for_all_it_is_batch_normalisation(training):
    plain = BatchNormalization(momentum=0.9, epsilon=1e-5)
    plain.build(MAPS.shape)
    plain.gamma.assign(1.0 + GAIN[0])
    plain.beta.assign(OFFSET[0])
    layer = conditional()
    same = [np.repeat(table[:1], 6, axis=0) for table in (GAIN, OFFSET)]
    found = ops.convert_to_numpy(layer([MAPS, *same], training=training))
    expected = ops.convert_to_numpy(plain(MAPS, training=training))
    np.testing.assert_allclose(found, expected, atol=2e-5)
    for ours, theirs in (
        (layer.moving_mean, plain.moving_mean),
        (layer.moving_variance, plain.moving_variance),
    ):
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (ours, theirs)))
    assert not layer.trainable_weights


def test_each_sample_has_its_own_gain_and_offset():
    found = ops.convert_to_numpy(conditional()([MAPS, GAIN, OFFSET], training=True))
    normal = (MAPS - MAPS.mean((0, 1, 2))) / np.sqrt(MAPS.var((0, 1, 2)) + 1e-5)
    expected = normal * (1 + GAIN[:, None, None]) + OFFSET[:, None, None]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_config_round_trip():
    config = keras.saving.serialize_keras_object(conditional())
    again = keras.saving.deserialize_keras_object(config)
    assert again.momentum == 0.9 and not again.scale and not again.center
