"""The classifier in whose hidden layer small images are compared."""

import json
import pathlib

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import metrics
from keras_gans.core import safe_config
from keras_gans.core.presets import save_to_preset
from keras_gans.metrics import ImageClassifier

ZOO = pathlib.Path(__file__).parents[2] / "zoo"
TINY = {"num_classes": 3, "base_channels": 2, "num_features": 5}
RANDOM = np.random.default_rng(0)
# Resized images are no whole numbers.
IMAGES = RANDOM.uniform(0, 255, (6, 8, 8, 1)).astype("float32")


def tiny(**changes):
    return ImageClassifier((8, 8, 1), **{**TINY, **changes})


def images(count):
    return RANDOM.integers(0, 256, (count, 8, 8, 1)).astype("uint8")


def outputs(classifier, images=IMAGES, **options):
    found = classifier(images, **options)
    return tuple(keras.ops.convert_to_numpy(part) for part in found)


@pytest.fixture
def moved():
    """A classifier of which every variable has been moved from its first value."""
    classifier = tiny()
    random = np.random.default_rng(1)
    for weight in classifier.weights:
        value = keras.ops.convert_to_numpy(weight)
        weight.assign(value + random.uniform(-0.3, 0.3, value.shape))
    return classifier


def test_features_are_those_of_a_relu_and_logits_take_any_sign(moved):
    features, logits = outputs(moved, images(200))
    assert features.shape == (200, 5) and logits.shape == (200, 3)
    assert features.min() == 0 < features.max()
    kernel, bias = moved.network.get_layer("logits").get_weights()
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-4, atol=1e-4)


def test_bytes_and_floats_of_the_same_grey_levels_are_the_same(moved):
    grey = images(4)
    for one, other in zip(
        outputs(moved, grey), outputs(moved, grey.astype("float32")), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    scaled = moved.network.get_layer("to_unit_range")(np.array([0.0, 127.5, 255.0]))
    np.testing.assert_allclose(scaled, [-1, 0, 1], atol=1e-6)


def test_dropout_and_batch_statistics_work_in_training_only(moved):
    calm = outputs(moved)
    np.testing.assert_array_equal(calm[1], outputs(moved, training=False)[1])
    assert np.abs(calm[0] - outputs(moved, training=True)[0]).max() > 1e-3


def test_the_same_seed_makes_the_same_weights():
    again = ImageClassifier.from_config(json.loads(json.dumps(tiny().get_config())))
    assert again.get_config() == {"image_shape": [8, 8, 1], **TINY, "seed": 0}
    for one, other in zip(tiny().get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    kernels = [c.network.get_layer("hidden").kernel for c in (tiny(), tiny(seed=1))]
    assert np.abs(np.subtract(*map(keras.ops.convert_to_numpy, kernels))).max() > 0.01


def test_config_holds_what_was_asked_for():
    asked = {"num_classes": 4, "base_channels": 1, "num_features": 6, "seed": 9}
    config = ImageClassifier((4, 12, 3), **asked).get_config()
    assert config == {"image_shape": [4, 12, 3], **asked}
    features, logits = ImageClassifier.from_config(config)(np.zeros((2, 4, 12, 3)))
    assert features.shape == (2, 6) and logits.shape == (2, 4)


def test_a_training_in_half_precision_leaves_it_float32(moved):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        under = tiny()
        under.set_weights(moved.get_weights())
        found = outputs(under)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    for one, other in zip(found, outputs(moved), strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def test_a_preset_in_half_the_room_says_nearly_the_same(moved, tmp_path):
    save_to_preset(moved, tmp_path / "whole")
    save_to_preset(moved, tmp_path / "half", weights_dtype="float16")
    whole, half = (kg.from_preset(tmp_path / name) for name in ("whole", "half"))
    assert type(half) is ImageClassifier and half.get_config() == moved.get_config()
    for exact, kept, rounded in zip(*map(outputs, (moved, whole, half)), strict=True):
        np.testing.assert_array_equal(kept, exact)
        assert np.abs(rounded - exact).max() > 0
        np.testing.assert_allclose(rounded, exact, rtol=0.01, atol=0.01)


def test_a_compiled_one_can_be_saved_without_its_optimizer(moved, tmp_path):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    moved.compile("adam", [None, loss])
    moved.optimizer.build(moved.trainable_variables)
    save_to_preset(moved, tmp_path / "bare", include_optimizer=False)
    again = kg.from_preset(tmp_path / "bare")
    assert not again.compiled
    np.testing.assert_array_equal(outputs(again)[1], outputs(moved)[1])


def test_classifiers_are_listed_when_asked_for():
    assert not set(metrics.CLASSIFIERS) & set(kg.list_presets())
    assert "cgan_digits" in kg.list_presets()
    for asked in ("ImageClassifier", ImageClassifier):
        found = kg.list_presets(asked)
        assert sorted(found) == sorted(metrics.CLASSIFIERS)
        assert all("measured" in description for description in found.values())


@pytest.mark.parametrize("name", metrics.CLASSIFIERS)
def test_those_in_the_zoo_are_extractors(name):
    extractor = metrics.extractor(name)
    shapes = {
        "digits_cnn": (32, 32, 1),
        "usps_cnn": (16, 16, 1),
        "fairface_cnn": (64, 64, 3),
    }
    shape = shapes.get(name, (28, 28, 1))
    assert extractor.image_shape == shape
    weights = safe_config.read_index()[name]["files"]["model.weights.h5"]
    assert extractor.protocol() == metrics.Protocol(
        name, weights["sha256"][:16], "clean"
    )
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 28, 28, shape[-1])).astype("uint8")
    found, classes = extractor(images), 9 if name == "fairface_cnn" else 10
    assert found.rows.shape == (20, 128) and found.logits.shape == (20, classes)
    assert found.rows.min() == 0 < found.rows.max()


def test_that_of_the_digits_is_as_right_as_its_card_says():
    images, labels = kg.data.load("digits", split="test")
    found = metrics.extractor("digits_cnn")(images)
    accuracy = np.mean(found.logits.argmax(axis=1) == labels)
    card = json.loads((ZOO / "digits_cnn" / "metrics.json").read_text())
    assert accuracy == card["accuracy"] >= 0.98
    agreement = metrics.label_agreement(labels, found.logits)
    assert agreement["agreement"] == accuracy
