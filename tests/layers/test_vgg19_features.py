"""Section 4 of the translation fixtures: torchvision's VGG-19 with filled weights."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.converters.super_resolution import vgg19_layout
from keras_gans.layers.vgg19_features import build_vgg19_features, vgg19_features
from tests import golden_super_resolution as golden
from tests import golden_translation as translation
from tests.contract import count

A, B = translation.source(1, 32), translation.target(1, 32)
ESRGAN = ("conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_4")


def filled(maps, colors):
    network = build_vgg19_features(maps, colors)
    network.trainable = True
    golden.fill(network, lambda n: vgg19_layout(n, prefix=""))
    network.trainable = False
    return network


def seen(network, images):
    return [
        ops.convert_to_numpy(x).astype("float64")
        for x in keras.tree.flatten(network(images, training=False))
    ]


def test_maps_after_their_activation():
    """G1."""
    taps = [f"relu{stage}_1" for stage in range(1, 6)]
    network = filled(taps, None)
    moments = [
        *((0.369753, 0.548432), (0.449544, 0.638667), (0.538036, 0.811351)),
        *((0.529572, 0.836262), (0.393374, 0.581152)),
    ]
    for maps, (mean, std) in zip(seen(network, A), moments, strict=True):
        assert maps.mean() == pytest.approx(mean, rel=1e-4, abs=1e-5)
        assert maps.std() == pytest.approx(std, rel=1e-4, abs=1e-5)


def test_perceptual_losses():
    """G3, G4, G5: pictures in [-1, 1] are presented as torchvision's weights want."""
    network = filled((*ESRGAN, "relu5_4"), "torchvision")
    *before, after = zip(seen(network, A), seen(network, B), strict=True)
    last = before[-1][0]
    assert last.mean() == pytest.approx(0.029559, rel=1e-4, abs=1e-5)
    assert last.std() == pytest.approx(0.732882, rel=1e-4, abs=1e-5)
    layers = [np.abs(a - b).mean() for a, b in before]
    expected = [1.883682, 1.561356, 0.966471, 0.472044, 0.109229]
    np.testing.assert_allclose(layers, expected, rtol=1e-4)
    assert np.square(after[0] - after[1]).mean() == pytest.approx(0.009247, rel=1e-4)
    from keras_gans import RealESRGAN

    gan = RealESRGAN(
        (32, 32, 3),
        architecture="srvgg",
        residual_blocks=1,
        base_channels=1,
        discriminator_channels=1,
        perceptual_network=filled(ESRGAN, "torchvision"),
    )
    found = gan.features_apart(ops.convert_to_tensor(A), ops.convert_to_tensor(B))
    assert float(found) == pytest.approx(1.892248, rel=1e-4)


def test_keras_weights_see_what_keras_shows_them():
    """The same maps as `keras.applications.VGG19` with its own preprocessing."""
    theirs = keras.applications.VGG19(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    network = vgg19_features(("relu1_2", "relu2_1"), theirs)
    outputs = [theirs.get_layer(f"block{n}").output for n in ("1_conv2", "2_conv1")]
    reference = keras.Model(theirs.input, outputs)
    pixels = (A + 1) * 127.5
    prepared = keras.applications.vgg19.preprocess_input(pixels.copy())
    for ours, expected in zip(seen(network, A), seen(reference, prepared), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.every_backend
def test_shapes_and_refusals():
    small = build_vgg19_features(("conv3_1",), base_channels=2)
    assert small(np.zeros((1, 16, 24, 3), "float32")).shape == (1, 4, 6, 8)
    assert small.trainable_weights == []
    small.trainable = True
    colors = 3 * 3 + 3
    widths = [(3, 2), (2, 2), (2, 4), (4, 4), (4, 8)]
    assert count(small) == colors + sum(9 * i * o + o for i, o in widths)
    with pytest.raises(ValueError, match="conv1_1, relu1_1"):
        build_vgg19_features(("pool5",))
    with pytest.raises(ValueError, match="'caffe', 'torchvision' or None"):
        build_vgg19_features(colors="bgr")
