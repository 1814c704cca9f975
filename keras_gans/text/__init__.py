"""Texts as vectors: an alphabet, encoders of characters, and others' encoders."""

from keras_gans.text.alphabet import ALPHABET, TEXT_LENGTH, character_ids

__all__ = ["ALPHABET", "TEXT_LENGTH", "character_ids"]
