"""Layers and networks that two systems or more share."""

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.blur import Blur
from keras_gans.layers.dcgan_weights import dcgan_weights
from keras_gans.layers.equalized import EqualizedConv2D, EqualizedDense
from keras_gans.layers.maxout import Maxout
from keras_gans.layers.minibatch_stddev import MinibatchStandardDeviation
from keras_gans.layers.padded_average_pooling import PaddedAveragePooling2D
from keras_gans.layers.perceptrons import build_mlp_critic, build_mlp_generator
from keras_gans.layers.pixel_normalization import PixelNormalization
from keras_gans.layers.pixel_shuffle import PixelShuffle
from keras_gans.layers.rescaling import Rescaling
from keras_gans.layers.torch_weights import torch_weights
from keras_gans.layers.whole_map import WholeMapConv2D, WholeMapConv2DTranspose

__all__ = [
    "BatchNormalization",
    "Blur",
    "EqualizedConv2D",
    "EqualizedDense",
    "Maxout",
    "MinibatchStandardDeviation",
    "PaddedAveragePooling2D",
    "PixelNormalization",
    "PixelShuffle",
    "Rescaling",
    "WholeMapConv2D",
    "WholeMapConv2DTranspose",
    "build_mlp_critic",
    "build_mlp_generator",
    "dcgan_weights",
    "torch_weights",
]
