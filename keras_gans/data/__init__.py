"""Real pictures in, batches out: named data sets, folders and `.npz` files."""

from .array_batches import ArrayBatches
from .loading import class_names, load, locate
from .pixels import resize, to_uint8, to_unit
from .streaming import pipeline

__all__ = [
    "ArrayBatches",
    "class_names",
    "load",
    "locate",
    "pipeline",
    "resize",
    "to_uint8",
    "to_unit",
]
