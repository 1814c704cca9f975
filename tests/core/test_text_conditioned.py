"""What systems that draw for texts share: vectors, captions, wrong pairs, servers."""

import json

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import text_data
from tests.contract import on_tensorflow

ODD = ["A red circle", "naïve, “quoted” — and\ttabbed", "", "x" * 300]


def encoder(width=4, seed=0):
    keras.utils.set_random_seed(seed)
    ids = keras.Input((kg.text.TEXT_LENGTH,), dtype="int32")
    x = keras.layers.Embedding(71, 5)(ids)
    x = keras.layers.GlobalAveragePooling1D()(x)
    vectors = keras.layers.Dense(width, kernel_initializer="normal")(x)
    return keras.Model(ids, vectors, name="text_encoder")


def tiny(**changes):
    arguments = {
        "image_shape": (8, 8, 3),
        "latent_dim": 3,
        "text_dim": 4,
        "base_channels": 2,
        "discriminator_channels": 2,
        "projected_dim": 2,
        "seed": 1,
    }
    return kg.GANCLS(**{**arguments, **changes})


def pictures(num=8):
    return np.random.default_rng(0).integers(0, 256, (num, 8, 8, 3), "uint8")


def vectors(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def gan():
    """One model with an encoder of its own, in which texts make a difference."""
    found = tiny(text_encoder=encoder(), prompts=["red", "a green one", "blue"])
    for network in (found.text_encoder, found.generator):
        for weight in network.trainable_weights:
            if len(weight.shape) > 1:
                weight.assign(10.0 * ops.copy(weight))
    return found


def test_texts_are_embedded_by_the_encoder(gan):
    ids = kg.text.character_ids(ODD)
    expected = ops.convert_to_numpy(gan.text_encoder(ids))
    found = gan.embed(ODD)
    assert found.dtype == np.float32 and found.shape == (4, 4)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(gan.embed(ODD, batch_size=3), expected, atol=1e-5)
    np.testing.assert_array_equal(gan.embed("a red circle"), gan.embed("A RED CIRCLE"))


def test_sample_takes_one_text_or_one_each(gan):
    each = gan.sample(3, seed=5, texts=ODD[:3])
    by_vector = gan.sample(3, seed=5, labels=gan.embed(ODD[:3]))
    np.testing.assert_array_equal(each, by_vector)
    one = gan.sample(3, seed=5, texts=ODD[0])
    np.testing.assert_array_equal(one[0], each[0])
    assert np.abs(one[1:] - each[1:]).max() > 1e-3, "texts make a difference"
    with pytest.raises(ValueError, match="3 images need one text, or 3. Found: 2"):
        gan.sample(3, texts=["a", "b"])
    with pytest.raises(ValueError, match="not both"):
        gan.sample(1, labels=vectors(4), texts="a")
    with pytest.raises(TypeError, match="Texts are strings. Found: 3"):
        gan.sample(1, texts=[3])


def test_prompts_take_turns(gan):
    texts = ["red", "a green one", "blue", "red"]
    found = gan.sample(4, seed=2)
    np.testing.assert_allclose(found, gan.sample(4, seed=2, texts=texts), atol=1e-6)
    # Without prompts, or without anybody to embed them, unit vectors do.
    plain = tiny()
    np.testing.assert_array_equal(plain.default_labels(5), np.eye(4)[[0, 1, 2, 3, 0]])


def test_interpolation_between_texts(gan):
    found = gan.interpolate_texts("red", "blue", steps=3, seed=4)
    ends = gan.embed(["red", "blue"])
    row = np.stack([ends[0], ends.mean(axis=0), ends[1]])
    first = gan.sample(1, seed=4, labels=row[0])
    np.testing.assert_allclose(found[:1], first, atol=1e-6)
    latents = np.repeat(ops.convert_to_numpy(gan.draw_latents(1, counter(4))), 3, 0)
    np.testing.assert_allclose(
        found, ops.convert_to_numpy(gan((latents, row))), atol=1e-6
    )
    same = gan.interpolate_texts(ends[0], ends[1], steps=3, seed=4)
    np.testing.assert_allclose(same, found, atol=1e-6)
    with pytest.raises(ValueError, match="steps is an integer of at least 2"):
        gan.interpolate_texts("red", "blue", steps=1)


def counter(seed):
    from keras_gans.core.random import CounterStream

    return CounterStream(seed)


def test_an_embedder_takes_the_place_of_the_encoder():
    gan = tiny()
    with pytest.raises(ValueError, match="made without a text_encoder"):
        gan.sample(1, texts="a")
    count = len(gan.weights)
    known = {text: vectors(4) + i for i, text in enumerate("abc")}
    assert gan.embed_with(kg.text.Precomputed(known)) is gan
    np.testing.assert_array_equal(gan.embed(["c", "a"])[1], known["a"])
    # A network as embedder must not become part of the system.
    network = encoder()
    gan.embed_with(network)
    assert len(gan.weights) == count and "embedder" not in json.dumps(gan.get_config())
    gan.embed_with(lambda texts: np.ones((len(texts), 4)))
    np.testing.assert_array_equal(gan.embed(["x", "y"]), np.ones((2, 4)))
    gan.embed_with(lambda texts: np.ones((len(texts), 5)))
    with pytest.raises(ValueError, match=r"shape \(batch, 4\)"):
        gan.embed("x")
    gan.embed_with(lambda texts: np.ones((1, 4)))
    with pytest.raises(ValueError, match="1 vectors of 2 texts"):
        gan.embed(["x", "y"])


def test_the_encoder_is_saved_with_the_system(gan, tmp_path):
    gan.save_to_preset(tmp_path / "preset")
    again = kg.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.embed(ODD), gan.embed(ODD))
    np.testing.assert_array_equal(again.sample(3, seed=1), gan.sample(3, seed=1))


def test_an_encoder_by_name_is_built_again(tmp_path):
    gan = tiny(text_encoder="small_char_cnn_rnn")
    assert gan.get_config()["text_encoder"] == "small_char_cnn_rnn"
    gan.save_to_preset(tmp_path / "preset")
    again = kg.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.embed(ODD), gan.embed(ODD))


def test_an_encoder_that_does_not_fit_is_refused():
    with pytest.raises(
        ValueError, match=r"makes \(5,\) from \(201,\); .* needs \(4,\)"
    ):
        tiny(text_encoder=encoder(5))


@pytest.mark.every_backend
def test_training_leaves_the_encoder_alone():
    gan = tiny(text_encoder=encoder())
    gan.compile()
    before = gan.embed(ODD)
    texts = [[f"number {i}", f"the {i}th"] for i in range(8)]
    gan.fit(pictures(), texts, batch_size=4, verbose=0)
    np.testing.assert_array_equal(gan.embed(ODD), before)
    # Vectors of another number of captions, without retracing into unknown shapes.
    gan.fit(pictures(), vectors(8, 4), batch_size=4, verbose=0)
    labels = np.arange(8) % 3
    y = {"texts": vectors(8, 5, 4), "labels": labels}
    gan.fit(pictures(), y, batch_size=4, verbose=0)
    assert np.isfinite(list(gan.history.history.values())).all()


def test_strings_are_embedded_once_each():
    gan, asked = tiny(), []

    def embed(texts):
        asked.append(list(texts))
        return np.array([[len(text), 0, 0, 1] for text in texts], "float32")

    gan.embed_with(embed)
    x, y = gan.fed(pictures(3), np.array([["aa", "b"], ["b", "aa"], ["b", "ccc"]]))
    assert asked == [["aa", "b", "ccc"]]
    np.testing.assert_array_equal(y[..., 0], [[2, 1], [1, 2], [1, 3]])
    _, y = gan.fed(pictures(2), {"texts": ["aa", "b"], "labels": np.array([1, 0])})
    assert y["texts"].shape == (2, 4) and y["labels"].tolist() == [1, 0]
    numbers = vectors(3, 4)
    assert gan.fed(pictures(3), numbers)[1] is numbers
    with pytest.raises(ValueError, match="same number of captions"):
        gan.fed(pictures(2), [["a", "b"], ["a"]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, r"call fit\(images, texts\) with vectors \(num, 4\)"),
        (vectors(8, 5), r"Vectors of texts have the shape \(num, 4\)"),
        (vectors(8), r"Found: \(8,\)"),
        (vectors(7, 4), "8 images and 7 texts"),
        (np.full((8, 4), np.nan, "float32"), "NaN or infinite"),
        (
            {"texts": vectors(8, 4), "classes": 1},
            r"Found the keys \['classes', 'texts'",
        ),
        ({"texts": vectors(8, 4), "labels": np.arange(7)}, "8 images and 7 labels"),
        ({"texts": vectors(8, 4), "labels": vectors(8)}, "labels beside texts are int"),
        (["a"] * 8, "made without a text_encoder"),
    ],
)
def test_data_that_cannot_be_trained_on(y, message):
    gan = tiny()
    gan.compile()
    with pytest.raises(ValueError, match=message):
        gan.fit(pictures(), y, batch_size=4, verbose=0)


@on_tensorflow
def test_data_sets_yield_vectors():
    import tensorflow as tf

    gan = tiny()
    gan.compile()
    y = {"texts": vectors(8, 4), "labels": np.arange(8)}
    data = tf.data.Dataset.from_tensor_slices((pictures(), y)).batch(4)
    gan.fit(data, verbose=0)
    assert np.isfinite(list(gan.history.history.values())).all()
    mirrored = kg.data.pipeline(gan.arrays_of(pictures(), y), 4, flip=True)
    gan.fit(mirrored, verbose=0)
    strings = tf.data.Dataset.from_tensor_slices((pictures(), ["a"] * 8)).batch(4)
    with pytest.raises(ValueError, match="A data set of strings"):
        gan.fit(strings, verbose=0)


class Order:
    """Stands in for a seed stream: the draws by which captions are chosen."""

    def __init__(self, draws):
        self.draws = ops.convert_to_tensor(draws)

    def uniform(self, shape):
        return self.draws


def test_some_captions_are_averaged():
    texts = vectors(2, 3, 4)
    draws = [[0.9, 0.1, 0.5], [0.2, 0.3, 0.1]]
    found = text_data.mean_of_some(ops.convert_to_tensor(texts), 2, Order(draws))
    expected = [texts[0, [1, 2]].mean(0), texts[1, [2, 0]].mean(0)]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-6)
    for number in (3, 9):
        found = text_data.mean_of_some(ops.convert_to_tensor(texts), number, None)
        np.testing.assert_allclose(
            ops.convert_to_numpy(found), texts.mean(1), atol=1e-6
        )


def test_equal_captions_average_to_themselves():
    """Section 1.11, check 5."""
    texts = vectors(3, 4)
    gan = tiny(captions_per_image=2)
    repeated = np.repeat(texts[:, None], 5, axis=1)
    _, found, classes = gan.unpack((pictures(3), repeated))
    np.testing.assert_allclose(ops.convert_to_numpy(found), texts, atol=1e-6)
    assert classes is None


def test_captions_are_drawn_anew():
    gan = tiny(captions_per_image=2)
    texts = vectors(4, 6, 4)
    first, second = (
        ops.convert_to_numpy(gan.unpack((pictures(4), texts))[1]) for _ in range(2)
    )
    assert np.abs(first - second).max() > 1e-3
    pairs = [(texts[:, i] + texts[:, j]) / 2 for i in range(6) for j in range(i)]
    for row in range(4):
        apart = [np.abs(first[row] - pair[row]).max() for pair in pairs]
        assert min(apart) < 1e-6, "each is the mean of two different captions"


def partners(texts, classes=None):
    classes = None if classes is None else ops.convert_to_tensor(classes)
    found = text_data.partners_of(ops.convert_to_tensor(texts), classes)
    return [ops.convert_to_numpy(part) for part in found]


def test_neighbours_are_wrong_for_each_other():
    rows, weights = partners(vectors(6, 4))
    assert rows.tolist() == [1, 0, 3, 2, 5, 4] and weights.tolist() == [1.0] * 6
    rows, _ = partners(vectors(5, 4))
    assert rows.tolist() == [1, 0, 3, 2, 0]
    texts = vectors(4, 4)
    texts[1] = texts[0]
    assert partners(texts)[1].tolist() == [0, 0, 1, 1], "equal texts are no wrong pair"
    assert partners(vectors(1, 4))[1].tolist() == [0]


def test_classes_keep_wrong_pairs_apart():
    """Section 1.11, check 4."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        classes = rng.integers(0, 3, 7)
        rows, weights = partners(vectors(7, 4), classes)
        several = len(set(classes)) > 1
        assert weights.tolist() == [float(several)] * 7
        if several:
            assert (classes[rows] != classes).all()
    rows, _ = partners(vectors(4, 4), np.arange(4))
    assert rows.tolist() == [1, 2, 3, 0], "the next one, where all differ"


def test_mismatched_swaps_images_or_texts():
    gan = tiny()
    images, texts = ops.convert_to_tensor(vectors(4, 8, 8, 3)), vectors(4, 4)
    order = [1, 0, 3, 2]
    x, t, _ = map(ops.convert_to_numpy, gan.mismatched(images, texts))
    np.testing.assert_array_equal(x, vectors(4, 8, 8, 3)[order])
    np.testing.assert_array_equal(t, texts)
    x, t, _ = map(ops.convert_to_numpy, gan.mismatched(images, texts, swapped="text"))
    np.testing.assert_array_equal(x, vectors(4, 8, 8, 3))
    np.testing.assert_array_equal(t, texts[order])


@on_tensorflow
def test_served_texts_equal_sample(gan, tmp_path):
    import tensorflow as tf

    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    assert set(served) == set(gan.signatures_in_words())
    inputs = {"num_images": tf.constant(4), "seed": tf.constant(9, tf.int64)}
    found = served["sample_texts"](texts=tf.constant(ODD), **inputs)["images"]
    expected = gan.sample(4, seed=9, texts=ODD)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    one = served["sample_texts"](texts=tf.constant(ODD[:1]), **inputs)["images"]
    np.testing.assert_allclose(
        one.numpy(), gan.sample(4, seed=9, texts=ODD[0]), atol=1e-6
    )
    png = served["sample_texts_png"](texts=tf.constant(ODD), **inputs)["image_bytes"]
    first = tf.io.decode_png(png[0]).numpy()
    np.testing.assert_allclose(first / 127.5 - 1, expected[0], atol=0.5 / 127)
    with pytest.raises(tf.errors.InvalidArgumentError, match="one for each image"):
        served["sample_texts"](texts=tf.constant(ODD[:2]), **inputs)


@on_tensorflow
def test_without_an_encoder_vectors_alone_are_served():
    functions, _ = tiny().served()
    assert set(functions) == {"serving_default", "sample", "sample_png"}


@pytest.mark.every_backend
def test_pretraining_moves_the_encoder_alone():
    gan = tiny(text_encoder=encoder())
    gan.compile()
    before = {n: [w.numpy() for w in getattr(gan, n).weights] for n in gan.networks}
    texts = np.array([f"picture {i % 4}" for i in range(8)])
    history = gan.pretrain(pictures(), texts, batch_size=4, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for name, weights in before.items():
        same = [
            np.array_equal(a, b.numpy())
            for a, b in zip(weights, getattr(gan, name).weights, strict=True)
        ]
        assert all(same) == (name != "text_encoder")
    assert not gan.text_encoder.trainable_weights
    with pytest.raises(ValueError, match="no text_encoder to be trained"):
        tiny().pretrain(pictures(), texts)
