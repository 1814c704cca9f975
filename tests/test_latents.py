import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.latents import project, search
from tests.systems import tiny_cgan, tiny_dcgan, tiny_stylegan2

pytestmark = pytest.mark.every_backend


def test_rows_are_searched_for_themselves():
    minima = np.array([[1.0, -2.0], [3.0, 0.5], [0.0, 0.0]], "float32")

    def objective(at):
        return ops.sum(ops.square(at - minima[: at.shape[0]]), axis=1)

    start = np.zeros((3, 2), "float32")
    found = search(objective, start, steps=400, learning_rate=0.1)
    np.testing.assert_allclose(found, minima, atol=1e-2)
    np.testing.assert_array_equal(found[2], start[2])
    alone = search(objective, start[:1], steps=400, learning_rate=0.1)
    np.testing.assert_allclose(found[:1], alone, atol=1e-5)


def test_the_best_point_on_the_way_is_kept():
    found = search(lambda at: ops.sum(at, axis=1) ** 2, [[0.0]], 50, learning_rate=9.0)
    np.testing.assert_array_equal(found, [[0.0]])


def test_a_sample_is_found_again():
    gan = tiny_dcgan(seed=4)
    images = gan.sample(3, seed=9)
    found = project(gan, images, steps=400, learning_rate=0.1, prior_weight=0)
    assert found.latents.shape == (3, 3) and found.images.shape == images.shape
    assert (found.distances <= found.start_distances).all()
    spread = np.square(images[0] - images[1]).mean()
    assert found.distances.max() < 0.02 * spread
    again = gan.predict(found.latents, verbose=0)
    np.testing.assert_allclose(again, found.images, atol=1e-5)


def test_distances_may_be_taken_in_features():
    gan = tiny_dcgan(seed=4)
    images = gan.sample(2, seed=9)
    found = project(
        gan, images, features=lambda x: x[:, ::4, ::4], steps=5, candidates=2
    )
    corner = np.square((found.images - images)[:, ::4, ::4]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.distances, corner, rtol=1e-4)


def test_labels_are_those_given():
    gan = tiny_cgan()
    images = gan.sample(2, seed=1, labels=[2, 0])
    found = project(gan, images, labels=[2, 0], steps=5, candidates=2)
    again = gan.predict((found.latents, np.array([2, 0])), verbose=0)
    np.testing.assert_allclose(again, found.images, atol=1e-5)


def test_impossible_questions():
    gan = tiny_dcgan()
    with pytest.raises(ValueError, match="'w' for systems with styles"):
        project(gan, gan.sample(1, seed=0), space="w")
    raster = kg.PixelCNN((4, 4, 1), hidden_channels=2, blocks=1)
    with pytest.raises(ValueError, match="PixelCNN draws pixel after pixel"):
        project(raster, np.zeros((1, 4, 4, 1), "uint8"))
    with pytest.raises(ValueError, match=r"Found: \(4, 4, 1\)"):
        project(gan, np.zeros((1, 4, 4, 1), "float32"))


def test_images_are_looked_for_among_styles():
    gan = tiny_stylegan2()
    images = gan.sample(2, seed=3)
    found = project(gan, images, steps=200, learning_rate=0.1, candidates=8)
    assert found.latents.shape == (2, 4)
    assert (found.distances < 0.2 * found.start_distances).all()
    styles = np.repeat(found.latents[:, None], gan.map(np.zeros((1, 4))).shape[1], 1)
    again = ops.convert_to_numpy(gan.synthesize(styles))
    np.testing.assert_allclose(again, found.images, atol=1e-5)
