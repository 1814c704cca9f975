"""Texts as vectors: an alphabet, encoders of characters, and others' encoders."""

from keras_gans.text.alphabet import ALPHABET, TEXT_LENGTH, character_ids
from keras_gans.text.embedders import (
    KerasHubEmbedder,
    Precomputed,
    TextEmbedder,
    from_kerashub,
)
from keras_gans.text.encoders import (
    ENCODERS,
    build_bigru,
    build_char_cnn_rnn,
    build_text_encoder,
)
from keras_gans.text.training import build_image_encoder, fit_text_encoder

__all__ = [
    "ALPHABET",
    "ENCODERS",
    "KerasHubEmbedder",
    "Precomputed",
    "TEXT_LENGTH",
    "TextEmbedder",
    "build_bigru",
    "build_char_cnn_rnn",
    "build_image_encoder",
    "build_text_encoder",
    "character_ids",
    "fit_text_encoder",
    "from_kerashub",
]
