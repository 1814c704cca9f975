import numpy as np
import pytest
from keras import ops

from keras_gans.layers import MaskedConv2D
from keras_gans.layers.masked_convolution import group_of
from tests import golden
from tests import golden_translation as translation
from tests.contract import count


@pytest.mark.parametrize(
    ("filters", "channels", "size", "mask", "groups", "total"),
    [
        (16, 1, 7, "A", 1, 384),
        (16, 16, 3, "B", 1, 1280),
        (12, 3, 7, "A", 3, 876),
        (12, 12, 3, "B", 3, 672),
        (5, 4, 1, "B", 1, 20),
        (4, 1, 7, "A", 1, 96),
        (4, 4, 3, "B", 1, 80),
        (6, 3, 7, "A", 3, 438),
        (6, 6, 1, "B", 3, 24),
    ],
)
def test_mask_sums(filters, channels, size, mask, groups, total):
    """Section 8.1, and those of X1 to X5."""
    layer = MaskedConv2D(filters, size, mask, groups)
    layer.build((None, 8, 8, channels))
    assert layer.kernel_mask.sum() == total
    # The mask is no weight: the count is that of the full kernel.
    assert count(layer) == size * size * channels * filters + filters


FIXTURES = {
    "X1": (
        (4, 7, "A", 1),
        1,
        (0.043199, 0.619555),
        [-0.152171, 0.651429, 0.258557, -0.889276],
        [0.789334, 0.467373, -0.134407, 0.617473],
        3.5e-7,
    ),
    "X2": (
        (4, 3, "B", 1),
        4,
        (0.063891, 0.544787),
        [0.649409, 0.875614, 0.611352, 0.965668],
        [-0.691451, -0.269338, 0.116631, -0.364962],
        1.9e-7,
    ),
    "X3": (
        (6, 7, "A", 3),
        3,
        (0.085043, 0.546186),
        [-1.045678, 0.636684, -0.431568, 0.256017, 0.477937, 1.236822],
        [1.208250, -0.500895, 0.432754, 0.012398, -0.313226, -0.805045],
        3.5e-7,
    ),
    "X5": (
        (6, 1, "B", 3),
        6,
        (0.022591, 0.787541),
        [0.877701, 0.379198, -0.801323, 0.902467, 0.811560, -0.746317],
        [-1.027353, -0.197590, 1.291851, -0.762845, -0.636198, 0.521451],
        1.6e-7,
    ),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("name", FIXTURES)
def test_maps_match_reference(name):
    arguments, channels, moments, pixels, corner, err = FIXTURES[name]
    layer = MaskedConv2D(*arguments)
    x = translation.source(2, (8, 9), channels)
    layer(x)
    shape = tuple(layer.kernel.shape)
    weight = golden.fill("weight", (shape[3], shape[2], *shape[:2]))
    layer.kernel.assign(weight.transpose(2, 3, 1, 0))
    layer.bias.assign(golden.fill("bias", (shape[3],)))
    translation.check(layer(x), moments, pixels, corner, err)


def test_groups_are_as_even_as_may_be():
    assert group_of(6, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert np.bincount(group_of(256, 3)).tolist() == [86, 85, 85]


@pytest.mark.every_backend
def test_what_is_masked_has_no_effect():
    layer = MaskedConv2D(2, 3, "A")
    x = np.random.default_rng(0).standard_normal((1, 5, 5, 1)).astype("float32")
    before = ops.convert_to_numpy(layer(x))
    kernel = ops.convert_to_numpy(layer.kernel)
    layer.kernel.assign(kernel + 7.0 * (1 - layer.kernel_mask))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), before)


@pytest.mark.parametrize("arguments", [(2, 3, "C"), (2, 2, "A"), (2, (1, 4), "B")])
def test_kernels_without_a_centre_are_refused(arguments):
    with pytest.raises(ValueError, match="mask A or B and sides that are odd"):
        MaskedConv2D(*arguments)
