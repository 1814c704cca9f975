import numpy as np
import pytest
from keras import ops

from keras_gans.core.random import CounterStream, SeedStream
from keras_gans.layers import ImagePool

pytestmark = pytest.mark.every_backend


def numbered(first, count):
    """Images that are their number everywhere."""
    numbers = np.arange(first, first + count, dtype="float32")
    return np.broadcast_to(numbers[:, None, None, None], (count, 2, 2, 1)).copy()


def numbers_of(images):
    images = ops.convert_to_numpy(images)
    assert np.ptp(images.reshape(len(images), -1), axis=1).max() == 0
    return images[:, 0, 0, 0]


def test_a_pool_of_none_hands_on_what_comes():
    images = numbered(1, 4)
    found = ImagePool(0, (2, 2, 1))(images, seeds=SeedStream(0))
    np.testing.assert_array_equal(found, images)


def test_first_images_are_handed_on():
    pool = ImagePool(5, (2, 2, 1))
    for first in (1, 4):
        found = numbers_of(pool(numbered(first, 2), seeds=SeedStream(first)))
        np.testing.assert_array_equal(found, [first, first + 1])
    assert int(ops.convert_to_numpy(pool.filled)) == 4


def test_later_images_are_exchanged_with_chance_one_half():
    pool, seeds = ImagePool(50, (2, 2, 1)), SeedStream(3)
    kept = set(range(1, 51))
    pool(numbered(1, 50), seeds=seeds)
    old = 0
    for first in range(51, 1051, 20):
        given = numbers_of(pool(numbered(first, 20), seeds=seeds))
        for new, image in zip(range(first, first + 20), given, strict=True):
            if image == new:
                continue
            old += 1
            assert image in kept, "only what is kept is handed out"
            kept.remove(int(image))
            kept.add(new)
        assert set(numbers_of(pool.images)) == kept
    # 1000 tosses: five standard deviations are 79.
    assert abs(old - 500) < 79


def test_exchanges_follow_from_the_draws():
    pool = ImagePool(2, (2, 2, 1))
    pool(numbered(1, 2), seeds=CounterStream(0))

    class Draws:
        def uniform(self, shape):
            return ops.convert_to_tensor([[0.9, 0.7], [0.2, 0.1], [0.8, 0.6]])

    found = numbers_of(pool(numbered(3, 3), seeds=Draws()))
    # The first takes the place of 2, the second is handed on, the third that of 3.
    np.testing.assert_array_equal(found, [2, 4, 3])
    np.testing.assert_array_equal(numbers_of(pool.images), [1, 5])
