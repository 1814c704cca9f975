"""Encoders of characters: counts, lengths, and that they learn."""

import json

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import text
from keras_gans.core import safe_config
from tests.contract import count

ODD = ["a small red circle", "", "ÄÖ", "x" * 400]


def test_parameter_counts():
    """Section 1.7. Torch's recurrent layers have two biases, which are added."""
    first = text.build_text_encoder("char_cnn_rnn", 1024)
    assert count(first) == 1_814_144 - 256
    second = text.build_text_encoder("char_cnn_gru", 1024)
    assert count(second) == 4_045_184 - 3 * 512


def test_lengths_of_the_maps():
    """Section 1.7: 201-198-66-63-21-18-8, and 18 steps without the last pooling."""
    network = text.build_char_cnn_rnn(4, (2, 3, 4), 5)
    names = ("one_hot", "conv_0", "pool_0", "conv_1", "pool_1", "conv_2", "pool_2")
    found = [network.get_layer(name).output.shape[1] for name in names]
    assert found == [201, 198, 66, 63, 21, 18, 8]
    gated = text.build_char_cnn_rnn(4, (2, 3, 4), 5, gated=True)
    assert gated.get_layer("recurrent").output.shape == (None, 18, 5)
    assert not gated.get_layer("recurrent").reset_after


def test_initial_weights_are_the_authors():
    network = text.build_char_cnn_rnn(8, (4, 4, 4), 8)
    values = np.concatenate(
        [np.ravel(w) for w in map(ops.convert_to_numpy, weights(network))]
    )
    assert np.abs(values).max() <= 0.08 and values.std() == pytest.approx(
        0.08 / 3**0.5, rel=0.05
    )
    with pytest.raises(ValueError, match="'small_uniform' or 'glorot'"):
        text.build_char_cnn_rnn(initializer="he")


def weights(network):
    return network.trainable_weights


@pytest.mark.every_backend
@pytest.mark.parametrize("name", ["small_char_cnn_rnn", "bigru"])
def test_texts_become_vectors(name):
    network = text.build_text_encoder(name, 6)
    ids = text.character_ids(ODD)
    found = ops.convert_to_numpy(network(ids, training=False))
    assert found.shape == (4, 6) and np.isfinite(found).all()
    assert found.dtype == np.float32
    assert np.abs(found[0] - found[1]).max() > 1e-4
    np.testing.assert_allclose(found[1], found[2], atol=1e-6)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(network)))
    safe_config.check_config(config)
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(network.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(again(ids, training=False)), found, atol=1e-6
    )


def test_one_hot_rows():
    found = ops.convert_to_numpy(
        text.encoders.OneHotCharacters()(np.array([[0, 1, 70]]))
    )
    assert found.shape == (1, 3, 70)
    assert not found[0, 0].any() and found[0].sum(axis=1).tolist() == [0, 1, 1]
    assert found[0, 1, 0] == 1 and found[0, 2, 69] == 1


def test_the_mean_is_of_what_was_written():
    steps = np.arange(12.0, dtype="float32").reshape(1, 4, 3)
    layer = text.encoders.MeanOfCharacters()
    found = layer([steps, np.array([[3, 0, 5, 0]])])
    np.testing.assert_allclose(ops.convert_to_numpy(found)[0], [3, 4, 5])
    nothing = layer([steps, np.zeros((1, 4), int)])
    assert not ops.convert_to_numpy(nothing).any()


def test_unknown_encoders_are_refused():
    with pytest.raises(ValueError, match="char_cnn_rnn, char_cnn_gru.*Found: 'clip'"):
        text.build_text_encoder("clip", 8)


def tiny_encoder(seed=0):
    keras.utils.set_random_seed(seed)
    return text.build_char_cnn_rnn(8, (16, 16, 16), 16, initializer="glorot")


def colored(num):
    """Plain squares of four colours, and what they are called."""
    colors = np.array([(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 250)], "uint8")
    names = np.array(["something red", "a green one", "it is blue", "white"])
    numbers = np.arange(num) % 4
    return np.tile(colors[numbers][:, None, None], (1, 8, 8, 1)), names[numbers]


@pytest.mark.every_backend
def test_an_encoder_learns_what_images_show():
    images, texts = colored(32)
    encoder = tiny_encoder()
    several = np.stack([texts, np.char.add(texts, ".")], axis=1)
    history = text.fit_text_encoder(
        encoder, images, several, batch_size=16, epochs=12, verbose=0
    )
    assert history.history["accuracy"][-1] > 0.9 > history.history["accuracy"][0]
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


def test_features_stay_as_they_are():
    """The authors' image side, and their loss."""
    rng = np.random.default_rng(0)
    texts = np.array(["one", "two", "three", "four"])[np.arange(32) % 4]
    directions = rng.normal(size=(4, 8)).astype("float32")
    features = directions[np.arange(32) % 4]
    encoder = tiny_encoder()
    history = text.fit_text_encoder(
        encoder,
        features,
        texts,
        labels=np.arange(32) % 4,
        objective="structured",
        optimizer=keras.optimizers.RMSprop(7e-3),
        batch_size=16,
        epochs=15,
        verbose=0,
    )
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    scores = (
        features[:4] @ ops.convert_to_numpy(encoder(text.character_ids(texts[:4]))).T
    )
    assert (scores.argmax(axis=1) == np.arange(4)).all()


def test_the_same_seed_trains_the_same():
    images, texts = colored(8)
    found = []
    for _ in range(2):
        encoder = tiny_encoder()
        text.fit_text_encoder(encoder, images, texts, batch_size=4, epochs=1, verbose=0)
        found.append(ops.convert_to_numpy(encoder(text.character_ids(ODD))))
    np.testing.assert_array_equal(*found)


def test_wrong_arguments_are_refused():
    images, texts = colored(8)
    with pytest.raises(ValueError, match="objective is 'contrastive' or 'structured'"):
        text.fit_text_encoder(tiny_encoder(), images, texts, objective="triplet")
    with pytest.raises(ValueError, match="8 images and 7 texts"):
        text.fit_text_encoder(tiny_encoder(), images, texts[:7])


def test_the_image_side_keeps_places():
    network = text.build_image_encoder((32, 32, 3), 5, 2)
    assert network.get_layer("flat").output.shape == (None, 4 * 4 * 8)
    assert network.output_shape == (None, 5)
    assert kg.text.build_image_encoder((8, 12, 1), 5, 2).output_shape == (None, 5)
