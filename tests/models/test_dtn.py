import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import loading
from keras_gans.core import gradients
from keras_gans.models import dtn
from tests import golden_translation as translation
from tests.contract import count
from tests.contract_translation import TranslatorContract


class TestDTN(TranslatorContract):
    system = kg.DTN
    tiny = {"image_shape": (16, 16, 1), "source_channels": 3, "base_channels": 2}

    @classmethod
    def batch(cls, count):
        random = np.random.default_rng(0)
        source = random.integers(0, 256, (count, 16, 16, 3), "uint8")
        return source, random.integers(0, 256, (count, 16, 16, 1), "uint8")


def layout(network):
    """Places under the names of the fixture, in PyTorch's layouts."""
    places = {}
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            is_dense = isinstance(layer, keras.layers.Dense)
            transform = loading.dense if is_dense else loading.convolution
            places[f"{layer.name}.weight"] = (layer.kernel, transform)
            places[f"{layer.name}.bias"] = (layer.bias, loading.same)
        elif isinstance(layer, keras.layers.BatchNormalization):
            for leaf, variable in (
                ("weight", layer.gamma),
                ("bias", layer.beta),
                ("running_mean", layer.moving_mean),
                ("running_var", layer.moving_variance),
            ):
                places[f"{layer.name}.{leaf}"] = (variable, loading.same)
    return places


@pytest.fixture(scope="module")
def reference():
    gan = kg.DTN((32, 32, 1), base_channels=8)
    for name in gan.networks:
        translation.fill(getattr(gan, name), layout)
    return gan


@pytest.fixture(scope="module")
def made(reference):
    """G of the source and of the target, in inference mode."""
    source, target = translation.source(2, 32), translation.target(2, 32, 1)
    again = reference(ops.convert_to_tensor(target))
    return reference.translate(source), ops.convert_to_numpy(again)


def test_features_match_reference(reference):
    """D1."""
    features = reference.features(ops.convert_to_tensor(translation.source(2, 32)))
    found = ops.convert_to_numpy(features)
    assert count(reference.extractor) == 14_384
    assert found.mean() == pytest.approx(-0.314119, rel=1e-4)
    assert found.std() == pytest.approx(0.838836, rel=1e-4)
    expected = [-0.971306, -0.603063, 0.766704, 0.432871]
    np.testing.assert_allclose(found[1, :4], expected, rtol=1e-4)
    logits = ops.convert_to_numpy(reference.classifier(features))
    assert count(reference.classifier) == 170
    expected = [-1.813423, 0.289215, 2.883303]
    np.testing.assert_allclose(logits[1, :3], expected, rtol=1e-4)


def test_images_match_reference(reference, made):
    """D2, D3."""
    assert count(reference.generator) == 39_905
    translation.check(made[0], (-0.308580, 0.301722), [-0.239095], [-0.157972])
    translation.check(made[1], (-0.303722, 0.309424), [-0.286121])


def test_logits_match_reference(reference, made):
    """D4, D5."""
    assert count(reference.discriminator) == 26_595
    expected = (
        [[-1.236150, 0.234734, -0.321196], [-1.267660, 0.357861, -0.181100]],
        [[-0.907036, -0.057814, -0.326863], [-1.144413, -0.481933, -0.635795]],
        [[-3.818798, -0.807000, -0.174373], [-1.528747, -0.900147, 0.097030]],
    )
    judged = (*made, translation.target(2, 32, 1))
    for images, logits in zip(judged, expected, strict=True):
        found = ops.convert_to_numpy(reference.discriminator(images))
        np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)


def test_losses_match_reference(reference):
    """D6, D7: of the evaluation, whose networks are in inference mode."""
    reference.compile()
    found = reference.evaluate(
        translation.source(2, 32),
        translation.target(2, 32, 1),
        batch_size=2,
        verbose=0,
        return_dict=True,
    )
    assert found["discriminator_loss"] == pytest.approx(3.401443, rel=2e-5)
    assert found["generator_loss"] == pytest.approx(2.166495, rel=2e-5)
    assert found["constancy_loss"] == pytest.approx(15 * 0.293133, rel=2e-5)
    assert found["identity_loss"] == pytest.approx(15 * 0.687324, rel=2e-5)


@pytest.mark.every_backend
def test_losses_of_fixed_tensors():
    """L6, L10, L11."""
    images = translation.source(2, 8)
    found = [float(dtn.total_variation(image[None])) for image in images]
    np.testing.assert_allclose(found, [70.328918, 70.406754], rtol=1e-5)
    j, b = np.arange(3), np.arange(4)
    # Twice the embedding of the fixtures, as logits of four rows.
    logits = 2 * np.cos(0.3 * j + 2 * b[:, None] + 1).astype("float32")
    expected = [
        [0.641658, 1.166279, 1.685115, 0.693135],
        [1.187265, 1.161253, 1.143691, 1.148785],
        [1.780662, 0.979810, 0.701308, 1.698420],
    ]
    for label, values in enumerate(expected):
        rows = [float(dtn.surprise(row[None], label)) for row in logits]
        np.testing.assert_allclose(rows, values, atol=1e-6)
    told = sum(
        float(dtn.surprise(logits[rows], label))
        for label, rows in enumerate((slice(0, 2), slice(2, 4), slice(1, 3)))
    )
    assert told == pytest.approx(2.890765, abs=1e-6)
    taken = sum(float(dtn.surprise(logits[i : i + 2], 2)) for i in (0, 2))
    assert taken == pytest.approx(2.580100, abs=1e-6)


@pytest.mark.every_backend
def test_a_constant_image_has_no_variation_and_a_finite_slope():
    flat = ops.ones((1, 8, 8, 1))
    # 49 roots of the small number.
    assert float(dtn.total_variation(flat)) == pytest.approx(49e-4, rel=1e-3)
    slope = gradients.input_gradient(lambda x: dtn.total_variation(x)[None], flat)
    assert np.isfinite(ops.convert_to_numpy(slope)).all()


def test_parameters_at_the_papers_size():
    gan = kg.DTN()
    assert count(gan.extractor) == 896_384
    assert count(gan.classifier) == 1_290
    assert count(gan.generator) == 2_526_977
    assert count(gan.discriminator) == 1_502_979
    binary = dtn.build_discriminator((32, 32, 1), 128, 1)
    assert count(binary) == 1_486_593


def test_an_undecided_discriminator():
    """3 ln 3 and 2 ln 3 where all classes are as likely."""
    gan = kg.DTN(**TestDTN.tiny)
    for weight in gan.discriminator.get_layer("conv4").weights:
        weight.assign(ops.zeros_like(weight))
    gan.compile()
    found = gan.evaluate(*TestDTN.batch(2), batch_size=2, verbose=0, return_dict=True)
    assert found["discriminator_loss"] == pytest.approx(3 * np.log(3), rel=1e-6)
    assert found["generator_loss"] == pytest.approx(2 * np.log(3), rel=1e-6)


def test_the_extractor_stays_as_it_is():
    gan = kg.DTN(**TestDTN.tiny)
    gan.compile()
    before = [ops.convert_to_numpy(w).copy() for w in gan.extractor.weights]
    gan.fit(*TestDTN.batch(8), batch_size=4, verbose=0)
    for old, new in zip(before, gan.extractor.weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


def test_the_public_implementations_options_train():
    gan = kg.DTN(**TestDTN.tiny, ternary=False, train_extractor=True)
    assert gan.discriminator.output.shape == (None, 1)
    gan.compile()
    before = ops.convert_to_numpy(gan.extractor.trainable_weights[0]).copy()
    logs = gan.fit(*TestDTN.batch(8), batch_size=4, verbose=0).history
    assert set(logs) == set(gan.reports) and "extractor_loss" in logs
    after = ops.convert_to_numpy(gan.extractor.trainable_weights[0])
    assert np.abs(after - before).max() > 0


def test_pretraining_tells_classes_apart():
    gan = kg.DTN(**TestDTN.tiny, num_labels=2)
    images = TestDTN.batch(64)[0]
    labels = np.arange(64) % 2
    images[labels == 1] //= 4
    logs = gan.pretrain(images, labels, batch_size=16, epochs=40, verbose=0).history
    assert logs["accuracy"][-1] > 0.9
    with pytest.raises(ValueError, match="Labels lie in"):
        gan.pretrain(images, labels + 1)


def cornered(num):
    """Grey images of two classes, with a white or a black square in the middle."""
    images = np.full((num, *TestDTN.tiny["image_shape"][:2], 3), 128, "uint8")
    labels = np.arange(num) % 2
    images[:, 6:10, 6:10] = 255 * labels[:, None, None, None]
    return images, labels


@pytest.mark.every_backend
def test_pretraining_may_show_enlarged_images():
    images, labels = cornered(16)
    moved = []
    for zoom in (0.0, 0.5, 0.5):
        gan = kg.DTN(**TestDTN.tiny, num_labels=2)
        logs = gan.pretrain(images, labels, 8, 2, zoom=zoom, verbose=0).history
        assert np.isfinite(logs["loss"]).all()
        moved.append(ops.convert_to_numpy(gan.extractor.trainable_weights[0]))
    assert np.abs(moved[0] - moved[1]).max() > 1e-5
    np.testing.assert_array_equal(moved[1], moved[2])
    with pytest.raises(ValueError, match=r"zoom lies in \[0, 1\)"):
        gan.pretrain(images, labels, zoom=1.0)


def test_domains_are_checked():
    gan = kg.DTN(**TestDTN.tiny)
    gan.compile()
    source, target = TestDTN.batch(4)
    with pytest.raises(ValueError, match="built for images of shape"):
        gan.fit(target, source, batch_size=2)
    with pytest.raises(ValueError, match="multiple of 8"):
        kg.DTN((20, 20, 1))
