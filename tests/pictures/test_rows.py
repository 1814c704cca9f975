import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.random import CounterStream
from keras_gans.pictures import (
    class_rows,
    interpolation,
    style_grid,
    style_mixing,
    truncation_sweep,
)
from tests.systems import tiny_cgan, tiny_dcgan, tiny_gan, tiny_stylegan2

pytestmark = pytest.mark.every_backend


def showing_latents(build, **changes):
    """A model whose images are its latents, 64 of them."""
    reshape = [keras.Input((64,)), keras.layers.Reshape((8, 8, 1))]
    return build(
        image_shape=(8, 8, 1),
        latent_dim=64,
        generator=keras.Sequential(reshape, name="generator"),
        **changes,
    )


@pytest.mark.parametrize("build", [tiny_dcgan, tiny_gan])
def test_ends_are_what_the_model_makes_of_its_latents(build):
    gan = build(ema_decay=0.9)
    images = interpolation(gan, rows=3, columns=4, seed=5)
    assert images.shape == (12, *gan.image_shape) and images.dtype == "float32"
    stream = CounterStream(5)
    for column in (0, 3):
        ends = ops.convert_to_numpy(gan.call(gan.draw_latents(3, stream)))
        np.testing.assert_array_equal(images[column::4], ends)
    np.testing.assert_array_equal(images[::4], gan.sample(3, seed=5))


def test_normal_latents_turn_and_keep_their_length():
    path = interpolation(showing_latents(tiny_dcgan), rows=2, columns=5)
    path = path.reshape(2, 5, 64).astype("float64")
    lengths = np.linalg.norm(path, axis=-1)
    np.testing.assert_allclose(np.diff(lengths, n=2), 0, atol=1e-5)
    unit = path / lengths[..., None]
    turns = np.arccos((unit[:, 1:] * unit[:, :-1]).sum(axis=-1))
    np.testing.assert_allclose(turns, turns[:, :1].repeat(4, axis=1), rtol=1e-4)
    assert (lengths > 6).all()  # sqrt(64) = 8; the middle of a straight line is at 5.7


def test_uniform_latents_go_straight():
    path = interpolation(showing_latents(tiny_gan), rows=2, columns=5)
    path = path.reshape(2, 5, 64)
    np.testing.assert_allclose(np.diff(path, n=2, axis=1), 0, atol=1e-6)
    assert np.abs(path[:, 0] - path[:, -1]).max() > 1


def test_latents_are_the_same_on_every_backend():
    path = interpolation(showing_latents(tiny_dcgan), rows=1, columns=3, seed=7)
    np.testing.assert_allclose(path[:, 0, 0, 0], LATENTS, atol=1e-6)


LATENTS = [1.3314543, 1.0264801, 0.0730661]


def test_one_class_per_row():
    gan = tiny_cgan()
    images = interpolation(gan, rows=4, columns=3, seed=1)
    np.testing.assert_array_equal(images[::3], gan.sample(4, 1, [0, 1, 2, 0]))
    images = interpolation(gan, rows=4, columns=3, seed=1, label=2)
    np.testing.assert_array_equal(images[::3], gan.sample(4, 1, 2))


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (tiny_gan, {"rows": 0}, "one row or more"),
        (tiny_gan, {"columns": 1}, "two columns or more"),
        (tiny_gan, {"label": 0}, "GAN is unconditional"),
        (tiny_cgan, {"label": 3}, r"Labels lie in \[0, 3\)"),
    ],
)
def test_impossible_paths_are_refused(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        interpolation(build(), **arguments)


def test_rows_of_classes():
    gan = tiny_cgan()
    images = class_rows(gan, per_class=2, seed=3)
    np.testing.assert_array_equal(images, gan.sample(6, 3, [0, 0, 1, 1, 2, 2]))
    images = class_rows(gan, per_class=2, seed=3, classes=[2])
    np.testing.assert_array_equal(images, gan.sample(2, 3, [2, 2]))
    with pytest.raises(ValueError, match="GAN is unconditional"):
        class_rows(tiny_gan())


def test_a_truncation_sweep_holds_the_samples_of_each():
    gan = tiny_dcgan()
    images = truncation_sweep(gan, (0.5, None), rows=3, seed=4)
    images = images.reshape(3, 2, *gan.image_shape)
    np.testing.assert_array_equal(images[:, 0], gan.sample(3, 4, truncation=0.5))
    np.testing.assert_array_equal(images[:, 1], gan.sample(3, 4))


def test_styles_are_for_systems_that_have_them():
    with pytest.raises(ValueError, match="'w' for systems with styles"):
        interpolation(tiny_dcgan(), space="w")
    with pytest.raises(ValueError, match="DCGAN has no styles"):
        style_mixing(tiny_dcgan(), 1)


def test_paths_through_styles_join_the_same_ends():
    gan = tiny_stylegan2()
    through_z = interpolation(gan, rows=2, columns=4, seed=5)
    through_w = interpolation(gan, rows=2, columns=4, seed=5, space="w")
    for ends in (slice(0, None, 4), slice(3, None, 4)):
        np.testing.assert_allclose(through_w[ends], through_z[ends], atol=1e-5)
    assert np.abs(through_w - through_z).max() > 1e-3


def test_style_mixing_shows_its_parents():
    gan = tiny_stylegan2()
    layers = gan.map(np.zeros((1, 4))).shape[1]
    for cutoff, parent in ((0, "column"), (layers, "row")):
        grid = style_mixing(gan, cutoff, rows=2, columns=3, seed=1)
        grid = grid.reshape(3, 4, *gan.image_shape)
        for i, j in ((1, 1), (2, 3)):
            expected = grid[0, j] if parent == "column" else grid[i, 0]
            np.testing.assert_allclose(grid[i, j], expected, atol=1e-5)


def test_a_sweep_from_the_mean_image_to_the_sample():
    gan = tiny_stylegan2()
    sweep = truncation_sweep(gan, (0.0, 0.5, 1.0), rows=2, seed=2)
    sweep = sweep.reshape(2, 3, *gan.image_shape)
    np.testing.assert_allclose(sweep[0, 0], sweep[1, 0], atol=1e-6)
    np.testing.assert_allclose(sweep[:, 2], gan.sample(2, seed=2), atol=1e-6)


def test_a_grid_of_contents_and_styles():
    gan = kg.AdaIN((8, 8, 3), base_channels=2, stages=2)
    random = np.random.default_rng(0)
    contents = random.integers(0, 256, (3, 9, 8, 3), "uint8")
    styles = [
        random.integers(0, 256, (*size, 3), "uint8") for size in ((9, 8), (12, 5))
    ]
    columns, grid = style_grid(gan, contents, styles, alpha=0.5)
    assert columns == 3
    grid = grid.reshape(4, 3, 9, 8, 3)
    np.testing.assert_array_equal(grid[1:, 0], contents)
    np.testing.assert_array_equal(grid[0, 1], styles[0])
    for i, style in enumerate(styles):
        made = kg.data.to_uint8(gan.stylize(contents, style, alpha=0.5))
        np.testing.assert_array_equal(grid[1:, 1 + i], made)
