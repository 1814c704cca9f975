"""A-Fast-RCNN: a detector and its adversary; see `system`."""

from keras_gans.models.a_fast_rcnn.occlusion import build_mask_network
from keras_gans.models.a_fast_rcnn.rotation import build_rotation_network
from keras_gans.models.a_fast_rcnn.system import AFastRCNN

__all__ = ["AFastRCNN", "build_mask_network", "build_rotation_network"]
