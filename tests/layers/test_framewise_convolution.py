"""Convolutions of videos by those of pictures are Keras' own."""

import os
import platform
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core import gradients
from keras_gans.layers import FramewiseConv3D, FramewiseConv3DTranspose
from tests.contract import on_tensorflow

RNG = np.random.default_rng(0)
CASES = [
    ((4, 4, 4), (2, 2, 2), (6, 8, 8)),
    ((4, 4, 4), (1, 2, 2), (5, 8, 6)),
    ((3, 3, 3), (2, 1, 1), (5, 4, 4)),
    ((3, 4, 4), (1, 1, 1), (3, 4, 4)),
    ((2, 3, 3), (2, 2, 2), (4, 4, 4)),
]
KINDS = [
    (FramewiseConv3D, keras.layers.Conv3D),
    (FramewiseConv3DTranspose, keras.layers.Conv3DTranspose),
]


@pytest.fixture(autouse=True)
def frame_by_frame(monkeypatch):
    """Whatever is fastest on this machine."""
    monkeypatch.setattr(gradients, "has_fast_volumes", lambda by_xla: False)


@pytest.mark.every_backend
@pytest.mark.parametrize(("kernel", "strides", "sides"), CASES)
@pytest.mark.parametrize(("ours", "theirs"), KINDS)
def test_equals_keras(ours, theirs, kernel, strides, sides):
    x = RNG.standard_normal((2, *sides, 3)).astype("float32")
    arguments = {"strides": strides, "activation": "tanh"}
    one, other = (
        kind(4, kernel, padding="same", **arguments) for kind in (ours, theirs)
    )
    one.build(x.shape)
    other.build(x.shape)
    weights = [RNG.standard_normal(w.shape) * 0.2 for w in one.get_weights()]
    one.set_weights(weights)
    other.set_weights(weights)
    found, expected = (ops.convert_to_numpy(layer(x)) for layer in (one, other))
    assert found.shape == tuple(one.compute_output_shape(x.shape))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@on_tensorflow
@pytest.mark.parametrize(("ours", "theirs"), KINDS)
def test_gradients_equal_keras(ours, theirs):
    import tensorflow as tf

    x = tf.constant(RNG.standard_normal((2, 4, 4, 4, 3)).astype("float32"))
    slopes = []
    for kind in (ours, theirs):
        layer = kind(2, 4, strides=2, padding="same")
        layer.build(x.shape)
        layer.set_weights(
            [np.cos(np.arange(w.size)).reshape(w.shape) for w in layer.get_weights()]
        )
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(tf.sin(layer(x)))
        slopes.append(tape.gradient(value, [x, *(w.value for w in layer.weights)]))
    for found, expected in zip(*slopes, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(("ours", "theirs"), KINDS)
def test_any_batch(ours, theirs):
    """Inside a model, whose batches have no size yet; without a bias."""
    videos = keras.Input((4, 8, 8, 1))
    layer = ours(2, 4, strides=2, use_bias=False)
    model = keras.Model(videos, layer(videos))
    assert model.output_shape == tuple(layer.compute_output_shape((None, 4, 8, 8, 1)))
    assert model.predict(np.zeros((3, 4, 8, 8, 1)), verbose=0).shape[0] == 3
    again = keras.Model.from_config(model.get_config())
    assert again.count_params() == model.count_params() == 2 * 64


@pytest.mark.every_backend
@pytest.mark.parametrize(("ours", "theirs"), KINDS)
def test_keras_own_where_they_are_fast(ours, theirs, monkeypatch):
    monkeypatch.setattr(gradients, "has_fast_volumes", lambda by_xla: not by_xla)
    monkeypatch.setattr(theirs, "call", lambda self, inputs: "Keras' own")
    layer, videos = ours(2, 4), np.zeros((1, 4, 4, 4, 1), "float32")
    layer.build(videos.shape)
    assert layer.call(videos) == "Keras' own"
    layer.by_xla = True
    assert layer.call(videos).shape == (1, 4, 4, 4, 2)


@on_tensorflow
def test_onednn_is_asked_for_by_its_name():
    """In a process of its own: TensorFlow decides when it is imported."""
    ask = (
        "from keras_gans.core.gradients import has_fast_volumes as ask; "
        "print(ask(), ask(by_xla=True))"
    )
    for value, expected in (("1", "True False"), ("0", "False False")):
        environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": value}
        said = subprocess.run(
            [sys.executable, "-c", ask],
            env={**environment, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if platform.machine() == "x86_64":
            assert said.strip() == expected
