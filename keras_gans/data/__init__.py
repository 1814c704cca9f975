"""Real pictures in, batches out: named data sets, folders and `.npz` files."""

from keras_gans.data.array_batches import ArrayBatches
from keras_gans.data.bicubic import bicubic, enlarge, shrink, whole_part
from keras_gans.data.binarizing import binarize
from keras_gans.data.bodies import count_bodies, largest_body
from keras_gans.data.captioned_shapes import load_captioned_shapes
from keras_gans.data.captions import Captioned, load_captioned
from keras_gans.data.color_transfer import transfer_colors
from keras_gans.data.crop_batches import CropBatches
from keras_gans.data.degradations import DEGRADATIONS, degradation
from keras_gans.data.degraded_regions import Hole, Mosaic
from keras_gans.data.degraded_wholes import Bayer, Grey, Jpeg, LowRes, Noise
from keras_gans.data.degrading import Degradation
from keras_gans.data.detection import DetectionData, load_detection
from keras_gans.data.digit_scenes import digit_scenes
from keras_gans.data.domains import edges, hide_labels, negatives, split_domains
from keras_gans.data.label_maps import load_label_maps
from keras_gans.data.loading import class_names, load, locate
from keras_gans.data.meshes import MESH_SUFFIXES, to_mesh, voxelize, write_mesh
from keras_gans.data.moving_digits import moving_digits
from keras_gans.data.pair_batches import DegradedBatches, PairBatches, degrade
from keras_gans.data.pairs import load_pairs
from keras_gans.data.pixels import (
    check_side_multiple,
    legal_size,
    resize,
    to_uint8,
    to_unit,
)
from keras_gans.data.real_world import RealWorld
from keras_gans.data.streaming import pipeline
from keras_gans.data.tables import load_tables
from keras_gans.data.unpaired import UnpairedBatches, load_unpaired
from keras_gans.data.whole_pictures import load_pictures

__all__ = [
    "ArrayBatches",
    "Bayer",
    "Captioned",
    "CropBatches",
    "DEGRADATIONS",
    "Degradation",
    "DegradedBatches",
    "DetectionData",
    "Grey",
    "Hole",
    "Jpeg",
    "LowRes",
    "MESH_SUFFIXES",
    "Mosaic",
    "Noise",
    "PairBatches",
    "RealWorld",
    "UnpairedBatches",
    "bicubic",
    "binarize",
    "check_side_multiple",
    "class_names",
    "count_bodies",
    "degradation",
    "degrade",
    "digit_scenes",
    "edges",
    "enlarge",
    "hide_labels",
    "largest_body",
    "legal_size",
    "load",
    "load_detection",
    "load_captioned",
    "load_captioned_shapes",
    "load_label_maps",
    "load_pairs",
    "load_pictures",
    "load_tables",
    "load_unpaired",
    "locate",
    "moving_digits",
    "negatives",
    "pipeline",
    "resize",
    "shrink",
    "split_domains",
    "to_mesh",
    "to_uint8",
    "to_unit",
    "whole_part",
    "transfer_colors",
    "voxelize",
    "write_mesh",
]
