import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients
from keras_gans.core.random import CounterStream
from tests import golden

GOLDEN = {
    "color": (
        (-0.09555854, 0.9789409, 0, 229.2441),
        [0.2215966, 0.2251855, 0.2196329],
        [0.8351495, 0.4482587, -0.7001083],
        [-1.996834, -1.084109, 1.459387],
    ),
    "translation": (
        (0.006365687, 0.6513975, 465, 72.21168),
        [0.8855195, 0.8693975, 0.05395542],
        [0.9647326, 0.7427492, -0.1621144],
        [-0.3073329, 0.6346929, 0.9931849],
    ),
    "cutout": (
        (0.01674144, 0.6216521, 696, 68.9359),
        [0, 0, 0],
        [0, 0, 0],
        [-0.9899925, -0.6536436, 0.2836622],
    ),
}


class Fixture:
    """Draws of fixture F13a: real numbers for colours, else integers."""

    def __init__(self, integers):
        self.integers = integers
        self.draws = 0

    def uniform(self, shape, minval=0.0, maxval=1.0):
        self.draws += 1
        q, b = self.draws, np.arange(shape[0])
        if self.integers:
            value = minval + (3 * b + 2 * q + 1) % int(maxval - minval)
        else:
            value = minval + (maxval - minval) * (0.5 + 0.5 * np.cos(1.3 * b + q))
        return ops.convert_to_tensor(value.reshape(shape).astype("float32"))


def numpy_of(x):
    return ops.convert_to_numpy(x)


def images(count=4, side=16, channels=3):
    return golden.images(0, side, channels, batch=count)


@pytest.mark.every_backend
@pytest.mark.parametrize("policy", GOLDEN)
def test_matches_reference(policy):
    (mean, std, zeros, norm), first, second, third = GOLDEN[policy]
    layer, x = kg.augmentation.DiffAugment(policy), images()

    def augment(batch):
        return layer(batch, seeds=Fixture(integers=policy != "color"))

    found = numpy_of(augment(x))
    assert found.mean() == pytest.approx(mean, rel=2e-5, abs=1e-7)
    assert found.std() == pytest.approx(std, rel=2e-5)
    assert (found == 0).sum() == zeros
    tolerance = {"rtol": 2e-5, "atol": 3e-7}
    np.testing.assert_allclose(found[1, 3, 5], first, **tolerance)
    np.testing.assert_allclose(found[2, 9, 11], second, **tolerance)
    np.testing.assert_allclose(found[3, 0, 0], third, **tolerance)
    slope = gradients.input_gradient(
        lambda batch: ops.square(augment(batch)), ops.convert_to_tensor(x)
    )
    assert np.linalg.norm(numpy_of(slope)) == pytest.approx(norm, rel=2e-5)


def test_draws_of_the_fixture():
    stream = Fixture(integers=True)
    shifts = [numpy_of(stream.uniform((4,), -2, 3)) for _ in range(2)]
    np.testing.assert_array_equal(shifts, [[1, -1, 2, 0], [-2, 1, -1, 2]])
    stream = Fixture(integers=True)
    holes = [numpy_of(stream.uniform((4,), 0, 17)) for _ in range(2)]
    np.testing.assert_array_equal(holes, [[3, 6, 9, 12], [5, 8, 11, 14]])


def test_an_empty_policy_changes_nothing():
    x = images()
    layer = kg.augmentation.DiffAugment("")
    np.testing.assert_array_equal(numpy_of(layer(x, seeds=CounterStream(0))), x)


@pytest.mark.parametrize("shape", [(3, 16, 16, 1), (2, 9, 12, 3), (2, 8, 8, 4)])
def test_shape_and_precision_stay(shape):
    layer = kg.augmentation.DiffAugment()
    found = layer(np.zeros(shape, "float32"), seeds=CounterStream(1))
    assert tuple(found.shape) == shape
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    half = ops.cast(np.zeros(shape, "float32"), "bfloat16")
    found = layer(half, seeds=CounterStream(1))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"


def test_translation_keeps_the_pixels_that_remain():
    x = images(200, side=8, channels=1)
    found = numpy_of(
        kg.augmentation.DiffAugment("translation")(x, seeds=CounterStream(3))
    )
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifts = set()
    for row in range(len(x)):
        fits = [
            (i, j)
            for i in range(3)
            for j in range(3)
            if (found[row] == padded[row, i : i + 8, j : j + 8]).all()
        ]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert len(shifts) == 9, "all shifts by an eighth or less come up"


def test_gradient_of_a_shift_is_the_shift_back():
    x = images(2, side=8, channels=1)
    layer = kg.augmentation.DiffAugment("translation,cutout")
    slope = gradients.input_gradient(
        lambda batch: layer(batch, seeds=CounterStream(5)), ops.convert_to_tensor(x)
    )
    visible = numpy_of(layer(np.ones_like(x), seeds=CounterStream(5)))
    assert set(np.unique(numpy_of(slope))) == {0.0, 1.0}
    assert numpy_of(slope).sum() == visible.sum()


def test_colors_keep_the_mean_over_many_draws():
    x = np.broadcast_to(images(1), (4096, 16, 16, 3))
    found = kg.augmentation.DiffAugment("color")(x, seeds=CounterStream(0))
    np.testing.assert_allclose(numpy_of(found).mean(axis=0), x[0], atol=0.03)


def test_an_image_is_augmented_the_same_alone_and_in_a_batch():
    x, layer = images(), kg.augmentation.DiffAugment()
    together = numpy_of(layer(x, seeds=CounterStream(7)))
    for row in range(4):
        alone = layer(x[row : row + 1], seeds=CounterStream(7, first_row=row))
        np.testing.assert_allclose(numpy_of(alone)[0], together[row], atol=1e-6)


def test_configuration():
    layer = kg.augmentation.DiffAugment("cutout, color")
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert again.policy == "cutout, color"
    assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="color, translation, cutout.*'blur'"):
        kg.augmentation.DiffAugment("color,blur")
