"""Inputs, weights and comparisons of the fixtures of image translation.

The rules are those of the translation fixtures, sections 0.1 to 0.3 and 13.
"""

import numpy as np
import pytest
from keras import ops

from keras_gans.converters import loading
from tests import golden


def source(batch, size, channels=3):
    """x: an image in [-1, 1]; `size` is a side, or (height, width)."""
    b, h, w, c = _grid(batch, size, channels)
    return np.cos(0.3 * h + 0.7 * w + c + b).astype("float32")


def target(batch, size, channels=3):
    """y: another one."""
    b, h, w, c = _grid(batch, size, channels)
    return np.cos(0.2 * h - 0.5 * w + 2 * c + b + 1).astype("float32")


def fill(network, layout, prefix="", by_position=False, ignored=()):
    """Gives a network the reference's weights, through an importer's layout."""
    places = layout(network)
    arrays = {
        name: weight(prefix + name, torch_shape(variable), by_position)
        for name, (variable, _) in places.items()
    }
    placed = {id(variable) for variable, _ in places.values()}
    assert placed == {id(v) for v in network.weights if "seed" not in v.path}
    loading.assign(places, arrays, ignored)
    return network


def weight(key, shape, by_position=False):
    """The reference tensor; `by_position` weighs a letter by its place in the key."""
    if not by_position:
        return golden.fill(key, shape)
    total = sum(p * ord(letter) for p, letter in enumerate(key, start=1))
    # The rule of `golden.fill` depends on the key's sum and on its leaf alone.
    return golden.fill(key, shape, total=total)


def torch_shape(variable):
    shape = tuple(variable.shape)
    return shape if len(shape) < 2 else (*shape[:-3:-1], *shape[:-2])


def torch_values(network, layout):
    """Name to the tensor in PyTorch's order, flat."""
    found = {}
    for name, (variable, _) in layout(network).items():
        value = ops.convert_to_numpy(variable)
        found[name] = (
            value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
        ).ravel()
    return found


def check(images, moments, pixels, corner=None, err=1e-6):
    """The mean and deviation of all, the pixel (3, 5) and the last one of the last."""
    images = ops.convert_to_numpy(images)
    tolerance = {"rel": 1e-4, "abs": max(1e-5, 20 * err)}
    assert images.mean(dtype="float64") == pytest.approx(moments[0], **tolerance)
    assert images.std(dtype="float64") == pytest.approx(moments[1], **tolerance)
    last = images[min(1, len(images) - 1)]
    np.testing.assert_allclose(last[3, 5], pixels, rtol=1e-4, atol=tolerance["abs"])
    if corner is not None:
        np.testing.assert_allclose(
            last[-1, -1], corner, rtol=1e-4, atol=tolerance["abs"]
        )


def check_patches(logits, moments, values, err):
    """The mean and deviation, and three logits of a map of patches."""
    logits = ops.convert_to_numpy(logits)[..., 0]
    tolerance = {"rel": 1e-4, "abs": max(1e-5, 20 * err)}
    assert logits.mean(dtype="float64") == pytest.approx(moments[0], **tolerance)
    assert logits.std(dtype="float64") == pytest.approx(moments[1], **tolerance)
    found = (logits[0, 0, 0], logits[-1, 1, 2], logits[-1, -1, -1])
    np.testing.assert_allclose(found, values, rtol=1e-4, atol=tolerance["abs"])


def _grid(batch, size, channels):
    height, width = (size, size) if isinstance(size, int) else size
    return np.ogrid[:batch, :height, :width, :channels]


def check_tensor(after, before, moments, moves):
    """Section 12: the statistics of a tensor after two steps, and of its move."""
    np.testing.assert_allclose([after.mean(), after.std()], moments, atol=2e-6)
    delta = 1e6 * (after.astype("float64") - before.astype("float64"))
    assert delta.mean() == pytest.approx(moves[0], abs=2.0)
    found = (np.abs(delta).mean(), delta.std())
    np.testing.assert_allclose(found, moves[1:3], rtol=0.01)
    assert delta[0] == pytest.approx(moves[3], abs=10.0)
