"""Images through a network, with all that makes figures comparable."""

import types

import keras
import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.core.plain_json import PresetError
from keras_gans.core.presets import save_to_preset
from keras_gans.metrics import FeatureExtractor, ImageClassifier, inception

RANDOM = np.random.default_rng(0)


def images(count, side=4, channels=1):
    return RANDOM.integers(0, 256, (count, side, side, channels)).astype("uint8")


class Network:
    """Returns pixels as features and their mean as logits; keeps what it was given."""

    def __init__(self, with_logits=True):
        self.given, self._with_logits = [], with_logits

    def __call__(self, batch):
        self.given.append(batch)
        rows = np.asarray(batch).reshape(len(batch), -1)
        return (rows, rows.mean(1, keepdims=True)) if self._with_logits else rows


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (images(2) / 255.0, "float64 of shape (2, 4, 4, 1)"),
        (images(2).astype("int32"), "int32"),
        (images(2)[..., 0], "uint8 of shape (2, 4, 4)"),
        (images(1)[0], "uint8 of shape (4, 4, 1)"),
        (images(0), "uint8 of shape (0, 4, 4, 1)"),
    ],
)
def test_anything_but_stored_images_is_refused(wrong, found):
    network = Network()
    with pytest.raises(ValueError, match="Metrics compare uint8 images") as caught:
        FeatureExtractor("made_up", network)(wrong)
    assert found in str(caught.value)
    assert network.given == []


@pytest.mark.parametrize(("channels", "wanted"), [(3, 1), (2, 3), (1, 2)])
def test_other_channels_are_refused_with_the_ways_out(channels, wanted):
    grey = FeatureExtractor("made_up", Network(), (4, 4, wanted))
    message = rf"made_up looks at .* {wanted} channel\(s\), found {channels}.*inception"
    with pytest.raises(ValueError, match=message):
        grey(images(2, channels=channels))


def test_grey_images_are_repeated_for_three_channels():
    network, grey = Network(), images(2)
    FeatureExtractor("made_up", network, (4, 4, 3))(grey)
    np.testing.assert_array_equal(network.given[0], np.repeat(grey, 3, axis=-1))


def test_the_network_sees_floats_of_the_same_grey_levels():
    network, grey = Network(), images(2)
    found = FeatureExtractor("made_up", network, (4, 4, 1))(grey)
    assert network.given[0].dtype == np.float32
    np.testing.assert_array_equal(network.given[0], grey)
    np.testing.assert_array_equal(found.rows, grey.reshape(2, 16))


@pytest.mark.parametrize("mode", metrics.RESIZE_MODES)
def test_images_are_brought_to_the_size_of_the_network(mode):
    network, large = Network(), images(3, side=32)
    FeatureExtractor("made_up", network, (28, 28, 1), resize=mode)(large)
    wanted = metrics.resize(large, (28, 28), mode)
    np.testing.assert_array_equal(network.given[0], wanted)


def test_without_a_shape_images_pass_as_they_are():
    network, pictures = Network(), images(2, side=5, channels=2)
    FeatureExtractor("made_up", network)(pictures)
    np.testing.assert_array_equal(network.given[0], pictures)


def test_batches_make_no_difference():
    pictures, several, one = images(10), Network(), Network()
    found = FeatureExtractor("made_up", several, batch_size=3)(pictures)
    whole = FeatureExtractor("made_up", one, batch_size=10)(pictures)
    assert [len(batch) for batch in several.given] == [3, 3, 3, 1]
    assert [len(batch) for batch in one.given] == [10]
    np.testing.assert_array_equal(found.rows, whole.rows)
    np.testing.assert_array_equal(found.logits, whole.logits)
    assert found.rows.shape == (10, 16) and found.logits.shape == (10, 1)


def test_a_network_without_classes_gives_features_alone():
    extractor = FeatureExtractor("made_up", Network(with_logits=False), batch_size=2)
    found = extractor(images(5))
    assert found.rows.shape == (5, 16) and found.logits is None
    assert found[1:3].logits is None and len(found[1:3]) == 2


def test_tensors_of_any_precision_become_float32_arrays():
    def network(batch):
        rows = keras.ops.reshape(keras.ops.convert_to_tensor(batch), (-1, 16))
        return [keras.ops.cast(rows, kind) for kind in ("bfloat16", "float16")]

    pictures = images(3)
    found = FeatureExtractor("made_up", network, (4, 4, 1))(pictures)
    for part in (found.rows, found.logits):
        assert type(part) is np.ndarray and part.dtype == np.float32
        np.testing.assert_array_equal(part, pictures.reshape(3, 16))


def test_rows_are_chosen_together_with_their_logits():
    found = FeatureExtractor("made_up", Network())(images(6))
    chosen = found[np.array([4, 0])]
    assert len(found) == 6 and len(chosen) == 2
    np.testing.assert_array_equal(chosen.rows, found.rows[[4, 0]])
    np.testing.assert_array_equal(chosen.logits, found.logits[[4, 0]])


def test_its_protocol_is_all_that_must_agree():
    shaped = FeatureExtractor("a", Network(), [4, 4, 1], "0123", "legacy_pytorch")
    wanted = metrics.Protocol("a", "0123", "legacy_pytorch", "mnist/test/28")
    assert shaped.protocol("mnist/test/28") == wanted
    assert shaped.protocol().reference is None
    # What resizes nothing compares whatever it was told.
    assert FeatureExtractor("a", Network(), None, "0123").protocol().resize is None


def test_no_bar_is_written_into_a_file(capfd):
    FeatureExtractor("made_up", Network())(images(3), progress="features")
    assert capfd.readouterr() == ("", "")


def test_pixels_are_features_of_their_own():
    pictures = images(3, side=5, channels=3)
    pixels = metrics.extractor("pixels")
    found = pixels(pictures)
    np.testing.assert_allclose(found.rows, pictures.reshape(3, 75) / 255, rtol=1e-6)
    assert found.logits is None and pixels.weights_hash is None
    assert pixels.protocol() == metrics.Protocol("pixels")


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("inception_2015", "load_inception"),
        ("keras_inception", "load_keras_inception"),
    ],
)
def test_inception_looks_at_large_colour_pictures(monkeypatch, name, loader):
    network, asked = Network(), []

    def load(*arguments):
        asked.append(arguments)
        return types.SimpleNamespace(predict_on_batch=network), "0123456789abcdef" * 4

    monkeypatch.setattr(inception, loader, load)
    extractor = metrics.extractor(name, "legacy_pytorch")
    assert asked == [("legacy_pytorch",) if name == "inception_2015" else ()]
    assert len(extractor(images(2))) == 2
    assert network.given[0].shape == (2, 299, 299, 3)
    wanted = metrics.Protocol(name, "0123456789abcdef", "legacy_pytorch")
    assert extractor.protocol() == wanted


@pytest.mark.parametrize(
    ("name", "data", "shape"),
    [
        ("digits_cnn", "digits", (32, 32, 1)),
        ("digits_cnn", "digits", (8, 8, 1)),
        ("mnist_cnn", "mnist", (28, 28, 1)),
        ("fashion_mnist_cnn", "fashion_mnist", (28, 28, 1)),
        ("inception_2015", "mnist", (28, 28, 3)),
        ("inception_2015", "cifar10", (32, 32, 3)),
        ("inception_2015", "faces", (64, 64, 1)),
        ("inception_2015", "", (28, 28, 1)),
    ],
)
def test_known_data_have_an_extractor_of_their_own(name, data, shape):
    assert metrics.default_extractor(data, shape) == name
    assert name in metrics.EXTRACTORS


def test_unknown_names_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="no extractor 'mnst_cnn'.*digits_cnn, mnist"):
        metrics.extractor("mnst_cnn")
    with pytest.raises(PresetError, match="no such preset or folder"):
        metrics.extractor(f"{tmp_path}/nothing")


def test_unknown_ways_to_resize_are_refused():
    for name in ("pixels", "digits_cnn"):
        with pytest.raises(ValueError, match="resize is one of .*'clean'.*'bicubic'"):
            metrics.extractor(name, resize="bicubic")


def test_a_preset_that_classifies_nothing_is_refused():
    with pytest.raises(PresetError, match="holds a CGAN, not a ImageClassifier"):
        metrics.extractor("cgan_digits")


def test_a_folder_with_a_classifier_is_an_extractor(tmp_path, monkeypatch):
    save_to_preset(ImageClassifier((8, 8, 1), 3, 2, 4), tmp_path / "my_cnn")
    monkeypatch.chdir(tmp_path)
    facts = set()
    for name in (tmp_path / "my_cnn", f"{tmp_path}/my_cnn/", "./my_cnn", "my_cnn"):
        extractor = metrics.extractor(name, "legacy_tensorflow")
        facts.add(extractor.protocol())
        assert extractor.image_shape == (8, 8, 1)
    (protocol,) = facts
    assert protocol.extractor == "my_cnn" and len(protocol.weights_hash) == 16
    assert protocol.resize == "legacy_tensorflow"
    assert extractor(images(2)).logits.shape == (2, 3)
