"""Networks that grow while they are trained: what ProGAN and StyleGAN share.

All blocks are there from the start, in one generator and one discriminator of the full
resolution. A stage trains the part of them up to its own resolution; whatever comes
after is faded out, so that the whole network makes the same images, enlarged.
"""

import re
from typing import NamedTuple

import keras
from keras import layers, ops

from keras_gans.core import precision
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import scaled_rate
from keras_gans.core.pixels import enlarged, shrunk
from keras_gans.layers import Blur, FadeIn, MinibatchStandardDeviation

GAIN = 2**0.5


class Stage(NamedTuple):
    """Which part of the networks a step trains.

    `level` counts the doublings so far; `fading` says whether the last of them is
    still being faded in.
    """

    resolution: int
    level: int
    fading: bool


class Growing(AdversarialModel):
    """A system whose networks start small and double their resolution again and again.

    The networks' layers are found by name: the output of the part of the generator
    that grows is, at resolution r, that of `fade_<r>`, or at 4 of `to_rgb_4`; the
    discriminator's layers are grouped as `wire` says.

    Args:
        image_shape: `(side, side, channels)`, the side 4, 8, 16, 32 ...
        latent_dim: Length of a latent vector.
        num_classes: Number of classes, or `None`.
        start_resolution: Side of the images of the first stage; that of `image_shape`
            for networks that do not grow.
        stabilise_images: Images shown to the discriminator at a resolution before the
            next one is faded in.
        fade_images: Images shown while it is.
        ema_decay: As in `AdversarialModel`.
        seed: As in `AdversarialModel`.
        **kwargs: For `AdversarialModel`.

    Attributes:
        rate_factors: Dict of resolution to the factor by which learning rates are
            multiplied there, 1 where it has none. Schedules are left alone.
        blends_reals: Whether real images lose their details as far as the fakes do.
        growing_part: Name of the network in the generator that grows; `None` if it does
            as a whole.

    Raises:
        ValueError: for an image shape or a schedule that cannot be.
    """

    stage_counter = "images_seen"
    judges = ("discriminator", *(f"discriminator_{2**k}" for k in range(2, 12)))
    rate_factors = {128: 1.5, 256: 2.0, 512: 3.0, 1024: 3.0}
    blends_reals = True
    growing_part = None

    def __init__(
        self,
        image_shape,
        latent_dim,
        num_classes,
        start_resolution,
        stabilise_images,
        fade_images,
        ema_decay,
        seed,
        **kwargs,
    ):
        check_schedule(image_shape, start_resolution, stabilise_images, fade_images)
        super().__init__(
            image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.start_resolution = start_resolution
        self.stabilise_images = stabilise_images
        self.fade_images = fade_images
        self.images_seen = self.counter("images_seen")
        self.moments_of = self.counter("moments_of")

    def set_networks(self, generator, discriminator):
        """As in `AdversarialModel`; prepares the smaller networks of every stage."""
        super().set_networks(discriminator=discriminator, generator=generator)
        for resolution in self.resolutions[:-1]:
            for name, smaller in self._smaller(resolution).items():
                # Past Keras: these are other views of weights that it knows already.
                object.__setattr__(self, f"{name}_{resolution}", smaller)

    @property
    def resolutions(self):
        """The resolutions of all stages, rising."""
        found = [self.start_resolution]
        while found[-1] < self.image_shape[0]:
            found.append(2 * found[-1])
        return found

    def _smaller(self, resolution):
        try:
            return {
                "generator": generator_up_to(self._grown(self.generator), resolution),
                "discriminator": discriminator_from(self.discriminator, resolution),
            }
        except ValueError as why:
            raise ValueError(
                "Given networks grow only if their layers are called as those of the "
                f"paper's networks are; with start_resolution={self.image_shape[0]} "
                f"they are trained as they are. {why}"
            ) from why

    def stage_at(self, count):
        """The stage after `count` images."""
        phase = self.stabilise_images + self.fade_images
        level, last = 0, len(self.resolutions) - 1
        if last:
            level = min(count // phase, last) if phase else last
        fading = level < last and count - level * phase > self.stabilise_images
        return Stage(self.resolutions[level + fading], level + fading, fading)

    def begin_stage(self):
        """Forgets the optimizers' state where the first step of a stage begins.

        As in the reference, so does the count of steps; see `forget_moments`.
        """
        index = 2 * self.stage.level - self.stage.fading
        if self.evaluating or index == 0:
            return
        self.forget_moments(self.moments_of, index, self.players)

    def end_step(self, images):
        """Counts a step's images and fades blocks in accordingly.

        Args:
            images: The real batch of the step.
        """
        if self.evaluating:
            return
        self.advance(self.images_seen, self.images_in(images))
        self.fade_in()

    def fade_in(self):
        """Gives every block the weight that it has after the images seen so far."""
        for resolution in self.resolutions[1:]:
            alpha = self.alpha_of(resolution)
            for fade in self._fades(resolution):
                # A copy each: JAX gives a variable's buffer away to the next step.
                fade.alpha.assign(ops.copy(alpha))

    def _fades(self, resolution):
        networks = [self._grown(self.generator), self.discriminator]
        networks += [self._grown(self.sampler)] if self.keeps_average else []
        return [network.get_layer(f"fade_{resolution}") for network in networks]

    def alpha_of(self, resolution):
        """The weight of a resolution's block after the images seen so far."""
        level = self.resolutions.index(resolution)
        phase = self.stabilise_images + self.fade_images
        start = (level - 1) * phase + self.stabilise_images
        shown = ops.cast(self.images_seen - start, "float32")
        if not self.fade_images:
            return ops.cast(shown >= 0, "float32")
        return ops.clip(shown / self.fade_images, 0.0, 1.0)

    def at_stage(self, batch):
        """A real batch at the stage's resolution, blended while a block fades in.

        Args:
            batch: What `unpack` returned.

        Returns:
            The same with smaller images: means over squares of pixels, and of these
            alpha parts of all details to 1 - alpha parts of those one level below.
        """
        images, *labels = batch if self.is_conditional else (batch,)
        side = self.stage.resolution
        images = shrunk(images, self.image_shape[0] // side)
        if self.stage.fading and self.blends_reals:
            alpha = self._grown(self.generator).get_layer(f"fade_{side}").alpha
            coarse = enlarged(shrunk(images, 2))
            images = coarse + alpha * (images - coarse)
        return (images, *labels) if labels else images

    def generate(self, like, training):
        """As in `AdversarialModel`, at the stage's resolution."""
        labels = like[1] if self.is_conditional else None
        images = keras.tree.flatten(like)[0]
        latents = self.draw_latents(ops.shape(images)[0], self.seeds)
        inputs = latents if labels is None else (latents, labels)
        made = self.generate_from(inputs, training and not self.evaluating)
        made = precision.as_float32(made)
        return made if labels is None else (made, labels)

    def generate_from(self, inputs, training):
        """Images of the stage's generator from latents, or `(latents, labels)`."""
        return self.generator_of_stage(inputs, training=training)

    def in_training(self, name, in_float32=False):
        """As in `AdversarialModel`, for the part of a network that the stage trains."""
        return super().in_training(self._name_of_stage(name), in_float32)

    @property
    def generator_of_stage(self):
        """What grows of the generator, as far as the stage trains it."""
        name = self._name_of_stage("generator")
        return (
            getattr(self, name) if name != "generator" else self._grown(self.generator)
        )

    def _grown(self, generator):
        if self.growing_part is None:
            return generator
        return generator.get_layer(self.growing_part)

    def _name_of_stage(self, name):
        side = self.stage.resolution
        grows = name in ("generator", "discriminator")
        return f"{name}_{side}" if grows and side < self.image_shape[0] else name

    def update(self, player, losses, when=None, follow=True):
        """As in `AdversarialModel`, at the learning rate of the stage's resolution."""
        factor = self.rate_factors.get(self.stage.resolution, 1.0)
        if self.evaluating or factor == 1.0:
            return super().update(player, losses, when, follow)
        with scaled_rate(getattr(self, f"{player}_optimizer"), factor):
            return super().update(player, losses, when, follow)

    def call(self, inputs, training=None):
        """As in `AdversarialModel`; linear outputs are clipped to [-1, 1]."""
        return ops.clip(super().call(inputs, training), -1.0, 1.0)


def check_schedule(image_shape, start_resolution, stabilise_images, fade_images):
    """Raises a `ValueError` unless networks can grow to `image_shape`."""
    side = image_shape[0]
    if (
        len(image_shape) != 3
        or side != image_shape[1]
        or side < 4
        or side & (side - 1)
        or side > 2048
    ):
        raise ValueError(
            "These networks make images of 4x4, 8x8, 16x16 ... 2048x2048 pixels. Found "
            f"the shape {tuple(image_shape)}: resize or pad the images."
        )
    if not 4 <= start_resolution <= side or start_resolution & (start_resolution - 1):
        raise ValueError(
            f"start_resolution is a power of two from 4 to {side}. Found: "
            f"{start_resolution}."
        )
    if stabilise_images < 0 or fade_images < 0:
        raise ValueError(
            "stabilise_images and fade_images are not negative. Found: "
            f"{stabilise_images} and {fade_images}."
        )


def channels_at(side, channel_base, max_channels):
    """Channels of maps of this side: the fewer, the larger the map."""
    return max(1, min(channel_base // side, max_channels))


def sides_up_to(side):
    """8, 16 ... `side`: the sides at which there is a block."""
    return [2**k for k in range(3, side.bit_length())]


def leaky_relu(name, **kwargs):
    """The activation of all blocks."""
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_act", **kwargs)


def to_images(x_at, to_rgb, start_resolution):
    """The output of a growing generator, made of its maps at each resolution.

    Args:
        x_at: Dict of side to maps, rising from 4.
        to_rgb: Function of a name that returns a new layer from maps to images.
        start_resolution: Side of the images of the first stage.

    Returns:
        Images of the largest side: each resolution's, faded into those of the one
        before; only the largest one's if that is where training starts.
    """
    full = max(x_at)
    if start_resolution == full:
        return to_rgb(f"to_rgb_{full}")(x_at[full])
    images = to_rgb("to_rgb_4")(x_at[4])
    for side in sides_up_to(full):
        images = layers.UpSampling2D(dtype="float32", name=f"enlarged_{side}")(images)
        new = to_rgb(f"to_rgb_{side}")(x_at[side])
        alpha = float(side <= start_resolution)
        images = FadeIn(alpha, dtype="float32", name=f"fade_{side}")([images, new])
    return images


def generator_up_to(generator, side):
    """The part of a growing generator that makes its images of a smaller side."""
    name = f"fade_{side}" if side > 4 else "to_rgb_4"
    return keras.Model(generator.input, generator.get_layer(name).output)


def discriminator_layers(
    image_shape, channels, start_resolution, conv, dense, blur=False, zoo=False
):
    """New layers of a growing discriminator, in the groups that `wire` connects.

    Args:
        image_shape: `(side, side, channels)`.
        channels: Function of a side that returns the channels of its maps.
        start_resolution: Side of the images of the first stage.
        conv: `EqualizedConv2D`, with all but filters, kernel size and name filled in.
        dense: `EqualizedDense` likewise.
        blur: Whether maps are blurred before a block makes them smaller.
        zoo: Whether to do as pytorch_GAN_zoo: maps are made smaller after the block's
            last activation instead of before it, 8x8 is never faded in, and deviations
            in a minibatch are unbiased, over consecutive samples.

    Returns:
        Dict of group to list of layers; their names begin with that of the group.
    """
    full, groups = image_shape[0], {}
    grows = start_resolution < full
    for side in [4, *sides_up_to(full)] if grows else [full]:
        rgb = f"from_rgb_{side}"
        groups[rgb] = [conv(channels(side), 1, name=f"{rgb}_conv"), leaky_relu(rgb)]
    for side in sides_up_to(full):
        name = f"block_{side}"
        smaller = layers.AveragePooling2D(2, name=f"{name}_pool")
        last = [smaller, leaky_relu(f"{name}_1")]
        groups[name] = [
            conv(channels(side), 3, name=f"{name}_conv_0"),
            leaky_relu(f"{name}_0"),
            *([Blur(name=f"{name}_blur")] if blur else []),
            conv(channels(side // 2), 3, name=f"{name}_conv_1"),
            *(reversed(last) if zoo else last),
        ]
        if grows:
            half = f"image_{side // 2}"
            alpha = float(side <= start_resolution or (zoo and side == 8))
            groups[half] = [layers.AveragePooling2D(2, dtype="float32", name=half)]
            groups[f"fade_{side}"] = [FadeIn(alpha, name=f"fade_{side}")]
    groups["head"] = [
        MinibatchStandardDeviation(consecutive=zoo, unbiased=zoo, name="head_stddev"),
        conv(channels(4), 3, name="head_conv"),
        leaky_relu("head_conv"),
        layers.Flatten(name="head_flat"),
        dense(channels(2), name="head_dense"),
        # Where a smaller discriminator joins what comes after: see there.
        leaky_relu("head_features", dtype="float32"),
    ]
    return groups


def wire(groups, images):
    """Features of images of any side that has a `from_rgb` group: `(batch, width)`.

    Args:
        groups: What `discriminator_layers` returned.
        images: Symbolic `(batch, side, side, channels)`.
    """
    side = images.shape[1]
    x = _chain(groups[f"from_rgb_{side}"], images)
    while side > 4:
        x = _chain(groups[f"block_{side}"], x)
        if f"fade_{side}" in groups:
            images = _chain(groups[f"image_{side // 2}"], images)
            old = _chain(groups[f"from_rgb_{side // 2}"], images)
            x = groups[f"fade_{side}"][0]([old, x])
        side //= 2
    return _chain(groups["head"], x)


def discriminator_from(discriminator, side):
    """The part of a growing discriminator that judges images of a smaller side.

    Scores follow from the features as in the whole network. They are handed over in
    float32, so that a penalty on slopes is not rounded in between.
    """
    groups = {}
    for layer in discriminator.layers:
        found = re.match(r"(from_rgb|block|fade|image)_\d+|head", layer.name)
        if found:
            groups.setdefault(found[0], []).append(layer)
    features = discriminator.get_layer("head_features_act").output
    labels = discriminator.inputs[1:]
    rest = keras.Model([features, *labels], discriminator.output)
    images = keras.Input((side, side, discriminator.inputs[0].shape[-1]))
    labels = [keras.Input(x.shape[1:], dtype=x.dtype) for x in labels]
    scores = rest([wire(groups, images), *labels])
    return keras.Model((images, *labels) if labels else images, scores)


def _chain(layers_in_order, x):
    for layer in layers_in_order:
        x = layer(x)
    return x
