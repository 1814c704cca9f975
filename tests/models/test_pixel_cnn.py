import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import loading
from keras_gans.layers import MaskedConv2D
from keras_gans.models import pixel_cnn
from tests import causality
from tests import golden_translation as translation
from tests.contract import count
from tests.contract_raster import RasterContract


class TestPixelCNN(RasterContract):
    system = kg.PixelCNN
    tiny = {
        "image_shape": (4, 4, 1),
        "hidden_channels": 3,
        "blocks": 1,
        "head_channels": 4,
    }


def test_parameter_counts():
    assert count(kg.PixelCNN().predictor) == 27_489
    assert count(kg.PixelCNN(blocks=5).predictor) == 20_705
    cifar = pixel_cnn.build_predictor((32, 32, 3), 128, 15, 1024, 256)
    assert count(cifar) == 5_340_416


def layout(network):
    """Places under the names of the fixture X6, in PyTorch's layouts."""
    names = {"first": "inp", "head1": "head.1", "head2": "head.3", "logits": "out"}
    for i in range(2):
        for k in range(3):
            names[f"block{i + 1}_conv{k + 1}"] = f"blocks.{i}.{2 * k + 1}"
    places = {}
    for layer in network.layers:
        if isinstance(layer, MaskedConv2D):
            key = names[layer.name]
            places[f"{key}.weight"] = (layer.kernel, loading.convolution)
            places[f"{key}.bias"] = (layer.bias, loading.same)
    return places


@pytest.fixture(scope="module")
def reference():
    model = kg.PixelCNN((8, 8, 1), hidden_channels=4, blocks=2, head_channels=8)
    translation.fill(model.predictor, layout)
    return model


@pytest.mark.every_backend
def test_logits_match_reference(reference):
    """X6."""
    assert count(reference.predictor) == 1_001
    images = np.where(translation.source(2, 8, 1) > 0, 1.0, -1.0).astype("float32")
    logits = reference.predictor(images)
    translation.check(logits, (0.211672, 0.442562), [1.042969], [1.015598], err=4.1e-7)
    nats = reference.negative_log_likelihood(images)["nats"]
    np.testing.assert_allclose(nats, [43.764332, 44.796928], rtol=1e-5)


@pytest.mark.every_backend
def test_likelihoods_match_reference(reference):
    """X6 on all images of 3x3: the weights do not depend on the size."""
    small = kg.PixelCNN((3, 3, 1), hidden_channels=4, blocks=2, head_channels=8)
    small.predictor.set_weights(reference.predictor.get_weights())
    nats = small.negative_log_likelihood(causality.all_binary((3, 3, 1)))["nats"]
    assert nats[0] == pytest.approx(7.106164, rel=1e-5)
    assert nats[-1] == pytest.approx(5.552321, rel=1e-5)
    assert np.exp(-nats).sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.every_backend
def test_a_stack_is_blind_to_the_upper_right():
    """The blind spot of plain stacks is theirs, and no leak."""
    model = TestPixelCNN.random_model((7, 7, 1), blocks=3)
    leaks, missing = causality.leaks_and_missing(model.predictor, (7, 7, 1))
    assert leaks == 0 and missing > 0


@pytest.mark.every_backend
def test_levels_are_decided_by_their_share():
    """Noise at evenly spread places picks levels as often as they are likely."""
    model = kg.PixelCNN((1, 1, 3), hidden_channels=3, blocks=1, head_channels=3)
    places = (np.arange(4000) + 0.5) / 4000
    logits = np.full((1, 256), -30.0, "float32")
    logits[0, [7, 200]] = np.log([0.25, 0.75])
    noise = ops.erfinv(ops.convert_to_tensor((2 * places - 1).astype("float32")))
    values = model.decide(np.repeat(logits, 4000, axis=0), noise * 2**0.5)
    levels = np.round(ops.convert_to_numpy(values) * 255)
    assert (levels == 7).mean() == pytest.approx(0.25, abs=1e-3)
    assert (levels == 200).mean() == pytest.approx(0.75, abs=1e-3)
