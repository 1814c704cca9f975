"""Layers and networks that two systems or more share."""

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.blur import Blur
from keras_gans.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gans.layers.dcgan_weights import dcgan_weights
from keras_gans.layers.dropout import Dropout, as_in_training
from keras_gans.layers.equalized import EqualizedConv2D, EqualizedDense
from keras_gans.layers.fade_in import FadeIn
from keras_gans.layers.framewise_convolution import (
    FramewiseConv3D,
    FramewiseConv3DTranspose,
)
from keras_gans.layers.gated_linear_unit import GatedLinearUnit
from keras_gans.layers.image_pool import ImagePool
from keras_gans.layers.instance_normalization import (
    InstanceNormalization,
    each_normalized,
)
from keras_gans.layers.learned_constant import LearnedConstant
from keras_gans.layers.learned_variance import LearnedVariance
from keras_gans.layers.masked_composite import MaskedComposite
from keras_gans.layers.masked_convolution import MaskedConv2D
from keras_gans.layers.maxout import Maxout
from keras_gans.layers.minibatch_discrimination import MinibatchDiscrimination
from keras_gans.layers.minibatch_stddev import MinibatchStandardDeviation
from keras_gans.layers.modulated_convolution import (
    ModulatedConv2D,
    ScaledLeakyReLU,
    StyleNoise,
)
from keras_gans.layers.padded_average_pooling import PaddedAveragePooling2D
from keras_gans.layers.patch_discriminator import build_patch_discriminator
from keras_gans.layers.perceptrons import build_mlp_critic, build_mlp_generator
from keras_gans.layers.pixel_normalization import PixelNormalization
from keras_gans.layers.pixel_shuffle import PixelShuffle, PixelUnshuffle
from keras_gans.layers.raster_networks import build_raster_network, lstm_step
from keras_gans.layers.reflection_padding import ReflectionPadding2D
from keras_gans.layers.resampling import (
    FilteredConv2DDown,
    FilteredDownsampling2D,
    FilteredUpsampling2D,
)
from keras_gans.layers.rescaling import Rescaling
from keras_gans.layers.residual_translator import build_residual_translator
from keras_gans.layers.roi_align import RoIAlign, roi_align
from keras_gans.layers.rrdb import build_rrdb
from keras_gans.layers.self_attention import SelfAttention
from keras_gans.layers.spectral_normalization import (
    SNConv2D,
    SNConv3D,
    SNDense,
    SNEmbedding,
    SpectralLayer,
    fold,
)
from keras_gans.layers.spectral_parts import SpectralParts
from keras_gans.layers.srvgg import build_srvgg
from keras_gans.layers.standing_statistics import average_statistics
from keras_gans.layers.style_average import StyleAverage
from keras_gans.layers.torch_weights import torch_weights
from keras_gans.layers.unet import build_unet
from keras_gans.layers.upscaling_blocks import (
    factors_of,
    from_unit_range,
    shuffled_up,
    small_he,
    to_unit_range,
)
from keras_gans.layers.vgg19_features import build_vgg19_features, vgg19_features
from keras_gans.layers.vgg_discriminator import build_vgg_discriminator
from keras_gans.layers.virtual_batch_normalization import VirtualBatchNormalization
from keras_gans.layers.weight_normalization import (
    WeightNormalizedConv2D,
    WeightNormalizedConv2DTranspose,
    WeightNormalizedDense,
    initialize_from_data,
)
from keras_gans.layers.whole_map import (
    WholeMapConv2D,
    WholeMapConv2DTranspose,
    WholeMapConv3D,
    WholeMapConv3DTranspose,
)

__all__ = [
    "BatchNormalization",
    "Blur",
    "ConditionalBatchNormalization",
    "Dropout",
    "EqualizedConv2D",
    "EqualizedDense",
    "FadeIn",
    "FilteredConv2DDown",
    "FilteredDownsampling2D",
    "FilteredUpsampling2D",
    "FramewiseConv3D",
    "FramewiseConv3DTranspose",
    "GatedLinearUnit",
    "ImagePool",
    "InstanceNormalization",
    "LearnedConstant",
    "LearnedVariance",
    "MaskedComposite",
    "MaskedConv2D",
    "Maxout",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "ModulatedConv2D",
    "PaddedAveragePooling2D",
    "PixelNormalization",
    "PixelShuffle",
    "PixelUnshuffle",
    "ReflectionPadding2D",
    "Rescaling",
    "RoIAlign",
    "SNConv2D",
    "SNConv3D",
    "SNDense",
    "SNEmbedding",
    "ScaledLeakyReLU",
    "SelfAttention",
    "SpectralLayer",
    "SpectralParts",
    "StyleAverage",
    "StyleNoise",
    "VirtualBatchNormalization",
    "WeightNormalizedConv2D",
    "WeightNormalizedConv2DTranspose",
    "WeightNormalizedDense",
    "WholeMapConv2D",
    "WholeMapConv2DTranspose",
    "WholeMapConv3D",
    "WholeMapConv3DTranspose",
    "as_in_training",
    "average_statistics",
    "build_mlp_critic",
    "build_mlp_generator",
    "build_patch_discriminator",
    "build_raster_network",
    "build_residual_translator",
    "build_rrdb",
    "build_srvgg",
    "build_unet",
    "build_vgg19_features",
    "build_vgg_discriminator",
    "dcgan_weights",
    "each_normalized",
    "factors_of",
    "fold",
    "from_unit_range",
    "initialize_from_data",
    "lstm_step",
    "roi_align",
    "shuffled_up",
    "small_he",
    "to_unit_range",
    "torch_weights",
    "vgg19_features",
]
