"""Vectors of texts from elsewhere: computed before, or by an encoder of KerasHub."""

import abc
import os

import numpy as np
from keras import ops

from keras_gans.text.alphabet import as_texts


class TextEmbedder(abc.ABC):
    """What makes vectors of texts, for systems that were trained on such vectors.

    A sub-class says in `call` how. Any function of a list of texts does as well.

    Example:

    >>> class Lengths(TextEmbedder):
    ...     def call(self, texts):
    ...         return [[len(text)] for text in texts]
    >>> Lengths()(["a", "bcd"]).tolist()
    [[1.0], [3.0]]
    """

    @abc.abstractmethod
    def call(self, texts):
        """Vectors `(num, text_dim)` of a list of texts."""

    def __call__(self, texts):
        """Vectors of one text or several, as a float32 array `(num, text_dim)`."""
        texts = as_texts(texts)
        vectors = np.asarray(self.call(texts), "float32")
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise ValueError(
                f"{type(self).__name__} made {vectors.shape} of {len(texts)} texts; "
                f"({len(texts)}, text_dim) was expected."
            )
        return vectors


class Precomputed(TextEmbedder):
    """Vectors that were computed before, found by their text.

    Args:
        source: Dict of text to vector, or the path of an `.npz` with `texts`
            `(num,)` and `vectors` `(num, text_dim)`.

    Raises:
        ValueError: for another file; when called, for a text that is not in it.
    """

    def __init__(self, source):
        if isinstance(source, (str, os.PathLike)):
            with np.load(source, allow_pickle=False) as file:
                if not {"texts", "vectors"} <= set(file.files):
                    raise ValueError(
                        f"{os.fspath(source)} needs the arrays texts and vectors. "
                        f"Found: {sorted(file.files)}."
                    )
                texts, vectors = file["texts"], file["vectors"]
            if texts.ndim != 1 or vectors.ndim != 2 or len(texts) != len(vectors):
                raise ValueError(
                    f"{os.fspath(source)} holds texts {texts.shape} and vectors "
                    f"{vectors.shape}; (num,) and (num, text_dim) were expected."
                )
            source = dict(zip(texts.tolist(), vectors, strict=True))
        self._vectors = dict(source)

    def call(self, texts):
        """As `TextEmbedder.call`."""
        if missing := [text for text in texts if text not in self._vectors]:
            raise ValueError(
                f"{len(missing)} texts have no vector, the first is {missing[0]!r:.80}."
            )
        return np.stack([self._vectors[text] for text in texts])


class KerasHubEmbedder(TextEmbedder):
    """A text encoder of KerasHub and what makes tokens for it.

    Of a CLIP the vector that its text tower projects; of another encoder the mean of
    what it says of each token that is no padding.

    Args:
        backbone: `keras_hub.models.Backbone`.
        preprocessor: From a list of texts to a dict of `token_ids`, `padding_mask`
            and what else the backbone takes.
        batch_size: Texts encoded at a time.
    """

    def __init__(self, backbone, preprocessor, batch_size=64):
        self._backbone, self._preprocessor = backbone, preprocessor
        self._batch_size = batch_size

    def call(self, texts):
        """As `TextEmbedder.call`."""
        starts = range(0, len(texts), self._batch_size)
        parts = [self._encoded(texts[i : i + self._batch_size]) for i in starts]
        return np.concatenate(parts)

    def _encoded(self, texts):
        inputs = self._preprocessor(texts)
        if hasattr(self._backbone, "get_text_embeddings"):
            found = self._backbone.get_text_embeddings(inputs["token_ids"])
            return ops.convert_to_numpy(found)
        found = self._backbone(inputs, training=False)
        found = found["sequence_output"] if isinstance(found, dict) else found
        known = ops.convert_to_numpy(inputs["padding_mask"]).astype("float32")[
            ..., None
        ]
        total = (ops.convert_to_numpy(found) * known).sum(axis=1)
        return total / np.maximum(known.sum(axis=1), 1)


def from_kerashub(preset, batch_size=64):
    """A text encoder of KerasHub, as an embedder.

    Args:
        preset: Name of a KerasHub preset: of a CLIP, whose text tower is taken, such
            as `"clip_vit_base_patch32"` (512 numbers), or of an encoder of sentences,
            such as `"all_minilm_l6_v2_en"` (384) or `"bert_tiny_en_uncased"` (128).
        batch_size: Texts encoded at a time.

    Returns:
        A `KerasHubEmbedder`.

    Raises:
        ImportError: without the package keras-hub.

    Example:

    >>> embedder = from_kerashub("all_minilm_l6_v2_en")  # doctest: +SKIP
    >>> gan.embed_with(embedder)  # doctest: +SKIP
    """
    try:
        import keras_hub
    except ImportError as error:
        raise ImportError(
            "Text encoders of KerasHub need the package keras-hub: "
            "pip install 'keras-gans[text]'."
        ) from error
    models = keras_hub.models
    backbone = models.Backbone.from_preset(preset)
    if hasattr(backbone, "get_text_embeddings"):
        preprocessor = _ClipTokens(models.Tokenizer.from_preset(preset))
    else:
        preprocessor = models.TextClassifierPreprocessor.from_preset(preset)
    return KerasHubEmbedder(backbone, preprocessor, batch_size)


class _ClipTokens:
    """Rows of CLIP's 77 tokens; its own preprocessor also wants images."""

    length = 77

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer

    def __call__(self, texts):
        tokenizer = self._tokenizer
        found = tokenizer([text.lower() for text in texts])
        found = found.to_list() if hasattr(found, "to_list") else found
        rows = np.full((len(texts), self.length), tokenizer.pad_token_id, "int32")
        for row, tokens in zip(rows, found, strict=True):
            tokens = [int(token) for token in tokens][: self.length - 2]
            tokens = [tokenizer.start_token_id, *tokens, tokenizer.end_token_id]
            row[: len(tokens)] = tokens
        return {"token_ids": rows}
