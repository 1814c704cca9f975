"""A small network of videos, and the Frechet distance of its features.

This is no FVD: that one looks through I3D, trained on Kinetics. This one looks through
a few convolutions of space and time that are trained on the very data; its distances
say nothing outside of them.
"""

import keras
import numpy as np
from keras import layers

from keras_gans.core.random import seeded
from keras_gans.metrics.frechet import frechet_distance
from keras_gans.metrics.videos import as_floats

# What is done to the frames of a clip, and told by the network that features are of.
TREATMENTS = ("as it is", "one frame standing", "frames shuffled")


def frechet_video_lite(videos, real, network, batch_size=64):
    """Frechet distance of the features of a small network; no FVD.

    Args:
        videos: Samples, uint8 or floats in [-1, 1].
        real: Real videos that the network was not trained on.
        network: What `train_video_network` returned.
        batch_size: Videos computed at a time.

    Returns:
        `Result` of `frechet_distance`.
    """
    sides = [video_features(side, network, batch_size) for side in (real, videos)]
    return frechet_distance(*sides)


def video_features(videos, network, batch_size=64):
    """Features of videos.

    Args:
        videos: uint8, or floats in [-1, 1].
        network: What `train_video_network` returned.
        batch_size: Videos computed at a time.

    Returns:
        float32 array `(num, features)`.
    """
    videos = as_floats(videos)
    starts = range(0, len(videos), batch_size)
    parts = [
        network(videos[i : i + batch_size], training=False)["features"] for i in starts
    ]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])


def train_video_network(
    videos, labels=None, epochs=3, base_channels=8, num_features=64, seed=0, verbose=0
):
    """Trains the small network whose features `frechet_video_lite` compares.

    It tells what was done to a clip's frames, which are left as they are, replaced by
    one of them, or shuffled: so it must see motion. Where there are labels it tells
    them too.

    Args:
        videos: uint8 `(num, frames, height, width, channels)`.
        labels: Integers `(num,)`, or `None`.
        epochs: Passes over the videos.
        base_channels: Channels of the first convolution; they double with each
            halving of the sides, to 8 pixels or less.
        num_features: Number of features.
        seed: Integer from which all random numbers follow.
        verbose: As for Keras' `fit`.

    Returns:
        A `keras.Model` from videos in [-1, 1] to a dict of `features`, `treatment` and
        `label`, the last two as logits.
    """
    num_classes = 1 if labels is None else int(np.max(labels)) + 1
    labels = np.zeros(len(videos), "int64") if labels is None else np.asarray(labels)
    with seeded(f"{seed}/video_network"):
        network = build_video_network(
            videos.shape[1:], num_classes, base_channels, num_features
        )
    heads = keras.Model(
        network.input, [network.output["treatment"], network.output["label"]]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    heads.compile("adam", loss=[loss, loss], jit_compile=False)
    random = np.random.RandomState(seed)
    for _ in range(epochs):
        treatments = random.randint(len(TREATMENTS), size=len(videos))
        clips = [treated(v, t, random) for v, t in zip(videos, treatments, strict=True)]
        # The order is ours: Keras' would not follow from the seed.
        order = random.permutation(len(videos))
        heads.fit(
            as_floats(np.stack(clips)[order]),
            [treatments[order], labels[order]],
            batch_size=32,
            shuffle=False,
            verbose=verbose,
        )
    return network


def treated(video, treatment, random):
    """A clip whose frames were dealt with.

    Args:
        video: `(frames, ...)`.
        treatment: Index into `TREATMENTS`.
        random: `numpy.random.RandomState`.
    """
    frames = len(video)
    orders = (
        np.arange(frames),
        np.full(frames, random.randint(frames)),
        random.permutation(frames),
    )
    return video[orders[treatment]]


def build_video_network(video_shape, num_classes, base_channels, num_features):
    """Videos in [-1, 1] -> convolutions of space and time -> features -> two heads."""
    videos = keras.Input(video_shape, name="videos")
    x, channels = videos, base_channels
    while True:
        # Halved by strides, not by pooling, which takes longer than what it saves.
        strides = tuple(2 if side > 1 else 1 for side in x.shape[1:4])
        x = layers.Conv3D(channels, 3, strides=strides, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        channels *= 2
        if max(x.shape[2:4]) <= 8:
            break
    x = layers.Flatten()(x)
    features = layers.Dense(num_features, activation="relu", name="features")(x)
    outputs = {
        "features": features,
        "treatment": layers.Dense(len(TREATMENTS), name="treatment")(features),
        "label": layers.Dense(num_classes, name="label")(features),
    }
    return keras.Model(videos, outputs, name="video_network")
