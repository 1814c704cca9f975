"""Published weights of other programs, read as arrays alone."""

from keras_gans.converters.loading import assign
from keras_gans.converters.published import SOURCES, convert
from keras_gans.converters.reading import read_state_dict

__all__ = ["SOURCES", "assign", "convert", "read_state_dict"]
