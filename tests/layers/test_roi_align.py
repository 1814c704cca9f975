import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.layers import RoIAlign, roi_align
from tests import golden_translation as golden

pytestmark = pytest.mark.every_backend

# Images and boxes (x, y, x, y) of the fixtures O1 to O4.
IMAGES = [0, 0, 1, 1, 0, 1]
BOXES = np.array(
    [
        (4, 6, 60, 70),
        (0, 0, 120, 96),
        (100, 80, 119.5, 95.9),
        (17.3, 5.2, 33.9, 41.7),
        (-3, -2, 30, 30),
        (40, 40, 44, 43),
    ],
    "float32",
)
# Aligned, size, samples; the sum of each crop; three places.
FIXTURES = {
    "O1": (
        (True, 7, 2),
        (0.257041, -2.728467, -19.732872, -7.825912, -44.158447, 86.647339),
        (
            (0.768277, -0.023959, -0.794167),
            (0.921823, 0.358550, -0.534372),
            (0.742486, 0.878349, 0.206662),
        ),
    ),
    "O2": (
        (True, 3, 2),
        (0.045217, -0.545678, -3.640709, -1.437746, -8.154427, 15.914817),
        (
            (0.228064, -0.563327, -0.836798),
            (0.640461, -0.242326, -0.902319),
            (0.756217, 0.870836, 0.184812),
        ),
    ),
    "O3": (
        (True, 2, None),
        (0.021836, -0.224044, -1.765121, -0.650010, -3.615873, 7.073252),
        (
            (-0.233227, -0.682146, -0.503903),
            (0.190994, -0.685008, -0.931216),
            (0.768638, 0.864821, 0.165892),
        ),
    ),
    "O4": (
        (False, 7, 2),
        (9.642580, 2.149376, -50.532543, 32.730171, -58.144817, 32.824047),
        (
            (0.426006, -0.467354, -0.931031),
            (0.755856, -0.101657, -0.865707),
            (0.980477, 0.494743, -0.445855),
        ),
    ),
}


@pytest.mark.parametrize("name", FIXTURES)
def test_golden_values(name):
    (aligned, size, samples), sums, places = FIXTURES[name]
    maps = golden.source(2, (12, 15))
    grids = roi_align(
        ops.convert_to_tensor(maps),
        np.stack([BOXES, BOXES]),
        size,
        8,
        samples,
        aligned,
        "xyxy",
    )
    grids = ops.convert_to_numpy(grids)[IMAGES, range(6)]
    np.testing.assert_allclose(grids.sum((1, 2, 3)), sums, atol=1e-4)
    found = grids[0, 0, 0], grids[2, 1, 1], grids[5, -1, 0]
    np.testing.assert_allclose(found, places, atol=1e-5)


def test_vector_of_the_specification():
    maps = np.random.RandomState(0).randn(1, 12, 15, 3).astype("float32")
    grids = roi_align(ops.convert_to_tensor(maps), yxyx(BOXES[None, :5]), 7, 8)
    grids = ops.convert_to_numpy(grids)[0]
    sums = (-6.2643, -5.4978, 22.4650, 21.2609, 43.2140)
    np.testing.assert_allclose(grids.sum((1, 2, 3)), sums, atol=1e-4)
    np.testing.assert_allclose(grids[0, 0, 0], (-0.2526, -0.2179, -0.0175), atol=1e-4)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("samples", [1, 3, None])
def test_points_read_one_by_one(aligned, samples):
    maps = np.random.default_rng(1).normal(size=(1, 9, 7, 2)).astype("float32")
    boxes = np.array([[(1.0, 2.0, 30.0, 25.0), (-9.0, 3.0, 2.0, 90.0)]], "float32")
    found = ops.convert_to_numpy(
        roi_align(ops.convert_to_tensor(maps), boxes, (3, 2), (4, 5), samples, aligned)
    )
    # The most points that the layer takes: boxes beyond the picture have no more.
    most = (3, 4)
    for k, box in enumerate(boxes[0]):
        expected = written_out(maps[0], box, (3, 2), (4, 5), samples, aligned, most)
        np.testing.assert_allclose(found[0, k], expected, atol=1e-5)


def written_out(maps, box, size, stride, samples, aligned, most):
    """torchvision's loop over points, in which a point outside counts as 0."""
    axes = []
    for axis in (0, 1):
        low, high = (box[axis + 2 * end] / stride[axis] for end in (0, 1))
        low, high = (low - 0.5, high - 0.5) if aligned else (low, high)
        length = high - low if aligned else max(high - low, 1.0)
        cell = length / size[axis]
        count = samples or min(max(int(np.ceil(cell)), 1), most[axis])
        axes.append(
            [
                [low + cell * (i + (s + 0.5) / count) for s in range(count)]
                for i in range(size[axis])
            ]
        )
    return np.array(
        [
            [
                np.mean([read(maps, y, x) for y in ys for x in xs], axis=0)
                for xs in axes[1]
            ]
            for ys in axes[0]
        ]
    )


def read(maps, y, x):
    height, width = maps.shape[:2]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(maps.shape[-1])
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top, left = int(y), int(x)
    low, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, u = y - top, x - left
    upper = (1 - u) * maps[top, left] + u * maps[top, right]
    return (1 - v) * upper + v * ((1 - u) * maps[low, left] + u * maps[low, right])


def test_gradients_are_those_of_differences():
    from keras_gans.core import gradients

    maps = ops.convert_to_tensor(golden.source(1, (6, 5)))
    boxes = np.array([[(3.1, 4.2, 30.3, 21.4)]], "float32")
    weights = np.cos(np.arange(27.0)).reshape(1, 1, 3, 3, 3).astype("float32")

    def total(given):
        return ops.sum(weights * roi_align(maps, given, 3, 8))

    slope = ops.convert_to_numpy(
        gradients.input_gradient(total, ops.convert_to_tensor(boxes))
    )
    for k in range(4):
        step = np.zeros_like(boxes)
        step[..., k] = 0.02
        rise = (total(boxes + step) - total(boxes - step)) / 0.04
        assert float(rise) == pytest.approx(slope[0, 0, k], abs=2e-4)
    of_maps = gradients.input_gradient(
        lambda given: ops.sum(roi_align(given, boxes, 3, 8)), maps
    )
    # Every cell is a mean: what is given to the map is the number of cells.
    assert float(ops.sum(of_maps[..., 0])) == pytest.approx(9.0, abs=1e-4)


def test_layer_keeps_boxes_precise_and_survives_its_config():
    layer = RoIAlign(size=3, stride=2, dtype="mixed_float16")
    maps = np.arange(2200.0 * 4).reshape(1, 2200, 4, 1).astype("float32") / 4096
    boxes = np.array([[(4090.6, 0.0, 4093.9, 6.0)]], "float32")
    found = ops.convert_to_numpy(layer((maps, boxes)))
    assert found.dtype == np.float16 and found.shape == (1, 1, 3, 3, 1)
    exact = ops.convert_to_numpy(roi_align(ops.convert_to_tensor(maps), boxes, 3, 2))
    np.testing.assert_allclose(found, exact, rtol=2e-3)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert again.get_config() == layer.get_config()
    assert layer.compute_output_shape(((1, 8, 8, 5), (1, 4, 4))) == (1, 4, 3, 3, 5)


def yxyx(boxes):
    return boxes[..., [1, 0, 3, 2]]
