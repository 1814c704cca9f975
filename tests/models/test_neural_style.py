import functools

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters.super_resolution import vgg19_layout
from keras_gans.layers import build_vgg19_features
from keras_gans.models import neural_style
from keras_gans.models.neural_style import gram_matrix
from tests import golden_translation as translation

pytestmark = pytest.mark.every_backend


@functools.cache
def vgg():
    """The fixtures' VGG-19 up to conv5_1, on pictures as they are."""
    maps = (*neural_style.CONTENT_LAYERS, *neural_style.STYLE_LAYERS)
    network = build_vgg19_features(maps, colors=None)
    return translation.fill(network, functools.partial(vgg19_layout, prefix=""))


@functools.cache
def reference():
    return kg.NeuralStyle(vgg(), pooling="max")


def test_maps_match_reference():
    """G1."""
    maps = reference()._maps(ops.convert_to_tensor(translation.source(1, 32)))[1:]
    expected = [
        (0.369753, 0.548432),
        (0.449544, 0.638667),
        (0.538036, 0.811351),
        (0.529572, 0.836262),
        (0.393374, 0.581152),
    ]
    for part, moments in zip(maps, expected, strict=True):
        part = ops.convert_to_numpy(part)
        np.testing.assert_allclose((part.mean(), part.std()), moments, rtol=1e-4)


def test_losses_match_reference():
    """G6, G7."""
    own, other = translation.source(1, 32), translation.target(1, 32)
    painter = reference()
    losses = [
        weight * float(ops.mean(ops.square(first - second)))
        for weight, first, second in zip(
            painter.layer_weights,
            painter.style_of(own),
            painter.style_of(other),
            strict=True,
        )
    ]
    expected = [0.013853, 0.008630, 0.002140, 0.000135, 0.000021]
    # The last ones are given in six decimals.
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-6)
    assert sum(losses) == pytest.approx(0.024779, rel=1e-4)
    wanted, grams = painter.content_of(other), painter.style_of(other)
    image = ops.convert_to_tensor(own)
    total = float(painter.objective(image, wanted, grams))
    assert total == pytest.approx(0.058274 + 0.024779, rel=1e-4)


def test_gram_matrices():
    features = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    found = ops.convert_to_numpy(gram_matrix(ops.convert_to_tensor(features)))
    expected = np.einsum("bhwi,bhwj->bij", features, features) / 20
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, found.transpose(0, 2, 1), atol=1e-7)
    assert np.linalg.eigvalsh(found.astype("float64")).min() > -1e-6
    order = np.random.default_rng(1).permutation(20)
    moved = features.reshape(2, 20, 3)[:, order].reshape(features.shape)
    again = ops.convert_to_numpy(gram_matrix(ops.convert_to_tensor(moved)))
    np.testing.assert_allclose(again, found, rtol=1e-5, atol=1e-6)


@functools.cache
def painter(**options):
    """One that is small, and looks with the encoder of an untrained AdaIN."""
    encoder = kg.AdaIN((16, 16, 3), base_channels=4, stages=3).encoder
    names = ("relu1_1", "relu2_1", "relu3_1")
    options = {"style_weight": 0.1, **options}
    return kg.NeuralStyle(encoder, names[-1:], names, unit_range=True, **options)


def pictures():
    """A content of 16x24 and a style of 20x12, in [-1, 1]."""
    return translation.source(1, (16, 24))[0], translation.target(1, (20, 12))[0]


def test_the_objective_is_0_where_it_must_be():
    content, _ = pictures()
    image = ops.convert_to_tensor(content[None])
    wanted, grams = painter().content_of(image), painter().style_of(image)
    assert float(painter().objective(image, wanted, grams)) == 0.0


def test_the_search_goes_down_step_by_step():
    content, style = pictures()
    found = painter().transfer(content, style, steps=25)
    values = np.array(found.values)
    assert len(values) > 10 and (np.diff(values) <= 0).all()
    assert values[-1] < 0.5 * values[0]
    assert found.image.shape == content.shape and found.image.dtype == np.float32
    assert found.image.min() >= -1.0 and found.image.max() <= 1.0


def test_noise_and_given_images_are_other_starts():
    content, style = pictures()
    first, again, other = (
        painter().transfer(content, style, steps=2, start="noise", seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.image, again.image)
    assert np.abs(first.image - other.image).max() > 0.1
    given = painter().transfer(content, style, steps=2, start=0.5 * content)
    own = painter().transfer(content, style, steps=2)
    assert given.values[0] != own.values[0]


def test_adam_goes_down_too():
    content, style = pictures()
    found = painter().transfer(content, style, steps=30, optimizer="adam")
    assert found.values[1] < 0.9 * found.values[0]
    assert np.abs(found.image).max() <= 1.0


def test_several_styles_are_mixed():
    content, style = pictures()
    alone = painter().transfer(content, style, steps=3)
    other = content[::-1].copy()
    mixed = painter().transfer(content, [style, other], steps=3, weights=(1.0, 0.0))
    np.testing.assert_allclose(mixed.image, alone.image, atol=1e-5)
    half = painter().transfer(content, [style, other], steps=3)
    assert np.abs(half.image - alone.image).max() > 1e-3


def test_the_style_takes_the_colours_of_the_content():
    content, style = pictures()
    for method in ("histogram", "coral"):
        found = painter().transfer(content, style, steps=3, color=method)
        recolored = kg.data.transfer_colors(style, content, method)
        expected = painter().transfer(content, recolored, steps=3)
        np.testing.assert_allclose(found.image, expected.image, atol=1e-6)
    plain = painter().transfer(content, style, steps=3)
    assert np.abs(found.image - plain.image).max() > 1e-3


def test_variation_smooths():
    content, style = pictures()
    rough = painter().transfer(content, style, steps=10).image
    smooth = painter(variation_weight=0.05).transfer(content, style, steps=10).image
    sums = [
        float(neural_style.variation(ops.convert_to_tensor(image[None])))
        for image in (rough, smooth)
    ]
    assert sums[1] < 0.8 * sums[0]
    ramp = np.arange(12, dtype="float32").reshape(1, 3, 4, 1)
    # 8 steps of 4 down, 9 of 1 across.
    assert float(neural_style.variation(ramp)) == 8 * 16 + 9


def test_poolings_take_means_of_the_same_weights():
    averaging, taking = kg.NeuralStyle(vgg()), reference()
    kinds = [type(layer) for layer in averaging.network.layers]
    assert kinds.count(keras.layers.AveragePooling2D) == 4
    assert keras.layers.MaxPooling2D not in kinds
    for first, second in zip(
        averaging.network.weights, taking.network.weights, strict=True
    ):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(first), ops.convert_to_numpy(second)
        )
    maps = [
        painter._maps(ops.convert_to_tensor(translation.source(1, 32)))[-1]
        for painter in (averaging, taking)
    ]
    assert float(ops.mean(maps[0])) < float(ops.mean(maps[1]))


def test_what_cannot_be_done_is_refused():
    content, style = pictures()
    for options, message in (
        ({"optimizer": "sgd"}, "optimizer is lbfgs or adam. Found: 'sgd'"),
        ({"start": "black"}, "Found: 'black'"),
        ({"start": style}, "of the content's shape"),
        ({"weights": (1, 2)}, "1 styles take as many weights"),
        ({"color": "blue"}, "Found: 'blue'"),
    ):
        with pytest.raises(ValueError, match=message):
            painter().transfer(content, style, **options)
    with pytest.raises(ValueError, match="One image"):
        painter().transfer(content[None], style)
    with pytest.raises(ValueError, match=r"lie in \[-1, 1\]"):
        painter().transfer(content * 255, style)
    with pytest.raises(ValueError, match="no layer relu9_9. Found: images, conv1_1"):
        kg.NeuralStyle(vgg(), content_layers=("relu9_9",))
    with pytest.raises(ValueError, match="pooling is avg or max"):
        kg.NeuralStyle(vgg(), pooling="min")
    with pytest.raises(ValueError, match="5 style layers take as many weights"):
        kg.NeuralStyle(vgg(), layer_weights=(1.0,))
