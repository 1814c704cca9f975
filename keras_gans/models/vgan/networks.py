"""The networks of VGAN: two streams that are laid over each other, and their judge."""

from typing import NamedTuple

import keras
from keras import layers, ops

from keras_gans.layers import (
    BatchNormalization,
    FramewiseConv3D,
    FramewiseConv3DTranspose,
    WholeMapConv2DTranspose,
    WholeMapConv3D,
    WholeMapConv3DTranspose,
)


class Scene(NamedTuple):
    """What a generator of two streams makes; of one stream, the videos alone.

    `videos` and `foregrounds` `(batch, frames, height, width, channels)` in [-1, 1],
    `masks` the same with one channel in [0, 1], `backgrounds`
    `(batch, height, width, channels)` in [-1, 1].
    """

    videos: object
    masks: object = None
    foregrounds: object = None
    backgrounds: object = None


@keras.saving.register_keras_serializable("keras_gans")
class SceneComposite(layers.Layer):
    """m f + (1 - m) b: a moving foreground over a background that stands still."""

    def call(self, inputs):
        """`(masks, foregrounds, backgrounds)` as in `Scene` to videos."""
        masks, foregrounds, backgrounds = inputs
        return masks * foregrounds + (1.0 - masks) * ops.expand_dims(backgrounds, 1)

    def compute_output_shape(self, input_shape):
        """The shape of the foregrounds."""
        return input_shape[1]


class Coarse(NamedTuple):
    """Where the networks start: see `coarse_shape`."""

    frames: int
    doublings: int
    of_time: int


def coarse_shape(image_shape):
    """The map where the generator starts, and how often it is doubled to a video.

    The sides start from 4 pixels. Time is doubled with them, from 2 frames or, in
    shorter videos, from 1, and then only in the last doublings.

    Args:
        image_shape: `(frames, height, width, channels)`.

    Returns:
        `Coarse`: frames of the map of 4x4, doublings of its sides, and how many of
        them double the time too.

    Raises:
        ValueError: when doubling does not lead there.
    """
    shape = tuple(image_shape)
    if len(shape) == 4 and shape[1] == shape[2]:
        frames, side = shape[:2]
        doublings, of_time = side.bit_length() - 3, frames.bit_length() - 1
        fits = doublings >= 1 and side == 4 * 2**doublings and frames == 2**of_time
        if fits and 1 <= of_time <= doublings + 1:
            of_time = min(of_time, doublings)
            return Coarse(frames >> of_time, doublings, of_time)
    raise ValueError(
        "image_shape is (frames, side, side, channels): sides of 8, 16, 32, 64 or 128 "
        "pixels, and 2, 4, 8 ... frames, at most half as many as the side. Found: "
        f"{shape}."
    )


def build_generator(image_shape, latent_dim, base_channels, streams=2, stddev=0.01):
    """z -> 4x4 maps -> transposed convolutions doubling them -> `Scene`."""
    coarse = coarse_shape(image_shape)
    latents = keras.Input((latent_dim,), name="latents")
    width = base_channels * 2 ** (coarse.doublings - 1)
    point = layers.Reshape((1, 1, 1, latent_dim), name="as_clip")(latents)
    size = (coarse.frames, 4, 4)
    clip = WholeMapConv3DTranspose(
        width, size, use_bias=True, name="video_project", **_kernel(stddev)
    )(point)
    clip = _normalized(clip, "video_project")
    picture = None
    if streams == 2:
        point = layers.Reshape((1, 1, latent_dim), name="as_map")(latents)
        picture = WholeMapConv2DTranspose(
            width, 4, use_bias=True, name="background_project", **_kernel(stddev)
        )(point)
        picture = _normalized(picture, "background_project")
    scene = _scene(clip, picture, image_shape, base_channels, stddev)
    return keras.Model(latents, scene, name="generator")


def build_predictor(image_shape, base_channels, streams=2, stddev=0.01):
    """First frame -> strided convolutions to 4x4 -> both streams -> `Scene`."""
    coarse = coarse_shape(image_shape)
    frames = keras.Input(tuple(image_shape)[1:], name="first_frames")
    x = frames
    for i in range(coarse.doublings):
        x = layers.Conv2D(
            base_channels * 2**i,
            4,
            strides=2,
            padding="same",
            name=f"encode_{i}",
            **_kernel(stddev),
        )(x)
        if i > 0:
            x = _batch_norm(f"encode_{i}_norm", 1e-3)(x)
        x = layers.ReLU(name=f"encode_{i}_relu")(x)
    width = x.shape[-1]
    clip = layers.Reshape((1, 4, 4, width), name="as_clip")(x)
    # Of one frame each of the coarse ones, by a product of its own.
    spread = (coarse.frames, 1, 1)
    clip = FramewiseConv3DTranspose(
        width, spread, strides=spread, name="video_project", **_kernel(stddev)
    )(clip)
    clip = _normalized(clip, "video_project")
    picture = x if streams == 2 else None
    scene = _scene(clip, picture, image_shape, base_channels, stddev)
    return keras.Model(frames, scene, name="generator")


def build_discriminator(image_shape, base_channels, instance_noise=0.0, stddev=0.01):
    """Video -> strided convolutions halving it -> logits: real, and generated."""
    coarse = coarse_shape(image_shape)
    videos = keras.Input(image_shape, name="videos")
    x = videos
    if instance_noise:
        x = layers.GaussianNoise(instance_noise, name="instance_noise")(x)
    for i in range(coarse.doublings):
        x = FramewiseConv3D(
            base_channels * 2**i,
            4,
            strides=(2 if i < coarse.of_time else 1, 2, 2),
            name=f"down_{i}",
            **_kernel(stddev),
        )(x)
        if i > 0:
            x = _batch_norm(f"down_{i}_norm", 1e-3)(x)
        x = layers.LeakyReLU(0.2, name=f"down_{i}_relu")(x)
    x = WholeMapConv3D(
        2,
        (coarse.frames, 4, 4),
        use_bias=True,
        dtype="float32",
        name="score",
        **_kernel(stddev),
    )(x)
    logits = layers.Flatten(dtype="float32", name="logits")(x)
    return keras.Model(videos, logits, name="discriminator")


def _scene(clip, picture, image_shape, base_channels, stddev):
    """The outputs of a generator, from 4x4 maps of the two streams."""
    coarse = coarse_shape(image_shape)
    at_rest = coarse.doublings - coarse.of_time
    for i in range(coarse.doublings - 1):
        channels = base_channels * 2 ** (coarse.doublings - 2 - i)
        strides = (2 if i >= at_rest else 1, 2, 2)
        clip = _up(
            FramewiseConv3DTranspose, channels, f"video_up_{i}", strides, stddev
        )(clip)
        clip = _normalized(clip, f"video_up_{i}")
    strides = (2 if coarse.of_time else 1, 2, 2)

    def head(channels, name, activation, output):
        x = _up(FramewiseConv3DTranspose, channels, name, strides, stddev)(clip)
        return layers.Activation(activation, dtype="float32", name=output)(x)

    if picture is None:
        return head(image_shape[-1], "to_foreground", "tanh", "videos")
    foregrounds = head(image_shape[-1], "to_foreground", "tanh", "foregrounds")
    masks = head(1, "to_mask", "sigmoid", "masks")
    for i in range(coarse.doublings - 1):
        channels = base_channels * 2 ** (coarse.doublings - 2 - i)
        name = f"background_up_{i}"
        picture = _up(layers.Conv2DTranspose, channels, name, 2, stddev)(picture)
        picture = _normalized(picture, name)
    picture = _up(layers.Conv2DTranspose, image_shape[-1], "to_background", 2, stddev)(
        picture
    )
    backgrounds = layers.Activation("tanh", dtype="float32", name="backgrounds")(
        picture
    )
    parts = [masks, foregrounds, backgrounds]
    return [SceneComposite(dtype="float32", name="videos")(parts), *parts]


def _up(kind, channels, name, strides, stddev):
    return kind(
        channels, 4, strides=strides, padding="same", name=name, **_kernel(stddev)
    )


def _kernel(stddev):
    # A new one each time: one instance would give equal layers equal weights.
    return {"kernel_initializer": keras.initializers.RandomNormal(stddev=stddev)}


def _normalized(x, name):
    x = _batch_norm(f"{name}_norm", 1e-5)(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _batch_norm(name, epsilon):
    return BatchNormalization(
        momentum=0.9,
        epsilon=epsilon,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
        name=name,
    )
