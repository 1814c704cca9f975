"""Vectors from elsewhere; KerasHub is a stand-in, as its models are downloads."""

import sys
import types

import numpy as np
import pytest
from keras import ops

from keras_gans import text


def test_precomputed_vectors(tmp_path):
    texts, vectors = np.array(["a", "ü b"]), np.arange(6.0).reshape(2, 3)
    np.savez(tmp_path / "vectors.npz", texts=texts, vectors=vectors)
    for source in (tmp_path / "vectors.npz", dict(zip(texts, vectors, strict=True))):
        embedder = text.Precomputed(source)
        found = embedder(["ü b", "a", "a"])
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, vectors[[1, 0, 0]])
        with pytest.raises(ValueError, match="2 texts have no vector, .* 'c'"):
            embedder(["a", "c", "d"])
    np.testing.assert_array_equal(embedder("a"), vectors[:1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"vectors": np.zeros((2, 3))}, r"needs the arrays texts and vectors"),
        ({"texts": np.array(["a"]), "vectors": np.zeros((2, 3))}, r"vectors \(2, 3\)"),
    ],
)
def test_other_files_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "vectors.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        text.Precomputed(tmp_path / "vectors.npz")


def test_an_embedder_is_checked():
    class Wrong(text.TextEmbedder):
        def call(self, texts):
            return np.zeros(len(texts))

    with pytest.raises(ValueError, match=r"Wrong made \(2,\) of 2 texts"):
        Wrong()(["a", "b"])
    with pytest.raises(TypeError, match="abstract"):
        text.TextEmbedder()


class Sentences:
    """A backbone of KerasHub: each token is a vector of its number and of ones."""

    def __call__(self, inputs, training=None):
        assert training is False
        ids = np.asarray(inputs["token_ids"], "float32")
        steps = np.stack([ids, np.ones_like(ids)], axis=-1)
        return {"sequence_output": ops.convert_to_tensor(steps)}


class Clip:
    """A backbone of both towers, of which the text's says where a text ends."""

    def get_text_embeddings(self, token_ids):
        ends = np.argmax(token_ids, axis=1)
        first = np.asarray(token_ids)[:, 1]
        return ops.convert_to_tensor(np.stack([ends, first], axis=1).astype("float32"))


class Tokenizer:
    """CLIP's tokenizer: letters by their code; ragged, as TensorFlow has it."""

    start_token_id, end_token_id, pad_token_id = 1000, 1001, 0

    def __call__(self, texts):
        rows = [list(map(ord, t)) for t in texts]
        return types.SimpleNamespace(to_list=lambda: rows)


def preprocessed(texts):
    ids = np.zeros((len(texts), 4), "int32")
    for row, t in zip(ids, texts, strict=True):
        row[: len(t)] = list(map(ord, t))
    return {"token_ids": ids, "padding_mask": ids > 0}


@pytest.fixture
def keras_hub(monkeypatch):
    def preset(made):
        return types.SimpleNamespace(from_preset=lambda name: made[name])

    models = types.SimpleNamespace(
        Backbone=preset({"clip": Clip(), "sentences": Sentences()}),
        Tokenizer=preset({"clip": Tokenizer()}),
        TextClassifierPreprocessor=preset({"sentences": preprocessed}),
    )
    module = types.ModuleType("keras_hub")
    module.models = models
    monkeypatch.setitem(sys.modules, "keras_hub", module)


def test_sentences_are_means_of_their_tokens(keras_hub):
    embedder = text.from_kerashub("sentences", batch_size=2)
    found = embedder(["ac", "b", "", "abcd"])
    expected = [[98, 1], [98, 1], [0, 0], [98.5, 1]]
    np.testing.assert_allclose(found, expected)


def test_clip_projects_the_end_of_a_text(keras_hub):
    found = text.from_kerashub("clip")(["ABC", "z" * 100])
    # 77 tokens with both ends; small letters.
    np.testing.assert_array_equal(found, [[4, ord("a")], [76, ord("z")]])


def test_without_keras_hub_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-gans\[text\]'"):
        text.from_kerashub("clip")
