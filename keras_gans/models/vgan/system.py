"""VGAN: videos as a moving foreground over a background that stands still.

Vondrick, Pirsiavash and Torralba 2016, "Generating videos with scene dynamics", arXiv
1609.02612. Networks, initial weights and losses are those of the authors' code
(github.com/cvondrick/videogan).
"""

import secrets

import keras
from keras import ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.random import CounterStream
from keras_gans.core.videos import SampledVideos
from keras_gans.layers import FramewiseConv3D, FramewiseConv3DTranspose
from keras_gans.models.vgan.networks import (
    Scene,
    build_discriminator,
    build_generator,
)


class SceneDynamics:
    """What VGAN plays, from latents or from a first frame: see `VGAN`.

    A system says what its generator is given (`inputs_for`) and what the generator
    minimises beside the game (`scene_loss`).
    """

    def set_players(
        self,
        base_channels,
        streams,
        instance_noise,
        initial_stddev,
        generator,
        discriminator,
    ):
        """Keeps the arguments that both systems have, and makes their networks.

        Args:
            base_channels: As for `VGAN`, like all that are not named here.
            streams: Number.
            instance_noise: Standard deviation.
            initial_stddev: Standard deviation.
            generator: A network, or a function that builds it.
            discriminator: A network, or `None`.
        """
        self.base_channels = base_channels
        self.streams = streams
        self.instance_noise = instance_noise
        self.initial_stddev = initial_stddev
        self.set_networks(
            discriminator=discriminator
            or (
                lambda: build_discriminator(
                    self.image_shape, base_channels, instance_noise, initial_stddev
                )
            ),
            generator=generator,
        )

    def inputs_for(self, real):
        """What the generator makes videos of in this step.

        Args:
            real: float32 videos `(batch, *image_shape)`.
        """
        raise NotImplementedError

    def scene_loss(self, scene, real):
        """The generator's other term: a dict of report name to scalar.

        Args:
            scene: `Scene`, what was generated.
            real: float32 videos.
        """
        raise NotImplementedError

    def scene(self, inputs, batch_size=16):
        """What the sampling network makes, and of what it is composed.

        Args:
            inputs: What that network takes, an array.
            batch_size: Videos computed at a time.

        Returns:
            `Scene` of numpy arrays; of one stream its videos alone.
        """
        return Scene(*self.all_parts(inputs, batch_size))

    def default_optimizers(self):
        """Adam at 2e-4 with beta_1 0.5 for both players, as in the authors' code."""
        return {player: pytorch_adam() for player in self.players}

    def compile(self, **options):
        """As for other systems; convolutions learn whether XLA compiles them."""
        super().compile(**options)
        for layer in self._flatten_layers():  # averaged networks' too
            if isinstance(layer, (FramewiseConv3D, FramewiseConv3DTranspose)):
                layer.by_xla = self.jit_compile

    def check_network(self, name, network):
        """As for other systems; a generator of two streams shows their parts."""
        super().check_network(name, network)
        outputs = len(getattr(network, "outputs", ()))
        expected = 4 if self.streams == 2 else 1
        if name == "generator" and outputs not in (0, expected):
            raise ValueError(
                "A generator of two streams returns [videos, masks, foregrounds, "
                "backgrounds], one of one stream videos; choose streams=1 or 2. "
                f"Found {outputs} outputs with streams={self.streams}."
            )

    def train_step(self, data):
        """One update of each player on one real batch and one generated batch."""
        real = self.unpack(data)
        inputs = self.inputs_for(real)

        def generator_losses():
            scene = scene_of(self.in_training("generator")(inputs))
            held = ops.stop_gradient(scene.videos)
            discriminator = self.in_training("discriminator")

            def discriminator_losses():
                # Two calls: batch statistics of real and fake must not mix.
                loss = losses.two_class.discriminator(
                    discriminator(real, is_real=True), discriminator(held)
                )
                return {"discriminator_loss": loss}

            self.update("discriminator", discriminator_losses)
            loss = losses.two_class.generator(discriminator(scene.videos))
            return {"generator_loss": loss, **self.scene_loss(scene, real)}

        self.update("generator", generator_losses)
        return self.logs()


@keras.saving.register_keras_serializable("keras_gans")
class VGAN(SceneDynamics, SampledVideos, AdversarialModel):
    """A generator of two streams, and a discriminator of whole videos.

    The generator's video is m f + (1 - m) b: a foreground f and a mask m in [0, 1],
    by convolutions of space and time, over a background b of one picture. The
    discriminator has two logits, of real (class 0) and generated (class 1), and
    minimises (E CE(D(x), 0) + E CE(D(G(z)), 1)) / 2; the generator
    E CE(D(G(z)), 0) + w E |m|, the mean over all points of all masks: what need not
    move is left to the background.

    Data must be of a camera that stands still, or of clips that were stabilised:
    else the background has nothing to learn.

    Differs from the authors' code: that scores the generator with what the
    discriminator said before it moved, here as in `DCGAN` it has moved. Both take one
    z in each step.

    With the paper's settings the discriminator wins on small videos. For 8 or 16
    frames of 32 pixels and batches of 8 to 16: `base_channels=16` or 32,
    `initial_stddev=0.02`, `instance_noise=0.2`, and the generator's Adam at 4e-4. Grain
    up to the noise goes unseen; where it shows, less noise, `mask_weight=5.0` and the
    same rate for both players keep the background still.

    Args:
        image_shape: `(frames, side, side, channels)` of a video: sides of 8, 16, 32,
            64 or 128 pixels, and 2, 4, 8 ... frames, at most half as many as the side;
            (32, 64, 64, 3).
        latent_dim: Length of z ~ N(0, 1); 100.
        base_channels: Channels at half the video's resolution, in all three stacks of
            convolutions; they double with each halving. 64.
        mask_weight: w; 0.1.
        streams: 2, or 1: the paper's comparison without background and mask.
        instance_noise: Standard deviation of the noise on whatever the discriminator
            sees in training, where videos lie in [-1, 1]; 0.
        initial_stddev: Standard deviation of the kernels' initial values; 0.01.
        generator: Your own `keras.Model` from latents to the list `[videos, masks,
            foregrounds, backgrounds]` of `Scene`; of one stream, to videos.
        discriminator: Your own from videos in [-1, 1] to logits `(batch, 2)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: videos `(num, frames, side, side, channels)`, uint8 or floats in
    [-1, 1]; labels in the data are ignored.

    Logs: `discriminator_loss`, `generator_loss`, and `mask_loss`, w E |m|.

    Raises:
        ValueError: for a shape that the networks cannot make, numbers out of range, or
            an augmentation of pictures.

    Example:

    >>> videos, _ = kg.data.load("moving_digits", image_size=32)
    >>> gan = VGAN(image_shape=videos.shape[1:], base_channels=32)
    >>> gan.compile()
    >>> gan.fit(videos, batch_size=16, epochs=20)
    >>> films = gan.sample(16, seed=7)
    >>> scene = gan.parts(16, seed=7)  # the same, and masks and backgrounds

    Reference: arXiv 1609.02612, section 2, eq. 1 to 3.
    """

    reports = ("discriminator_loss", "generator_loss", "mask_loss")

    def __init__(
        self,
        image_shape=(32, 64, 64, 3),
        latent_dim=100,
        base_channels=64,
        mask_weight=0.1,
        streams=2,
        instance_noise=0.0,
        initial_stddev=0.01,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        check_arguments(streams, mask_weight, instance_noise, initial_stddev)
        self.mask_weight = mask_weight
        self.set_players(
            *(base_channels, streams, instance_noise, initial_stddev),
            generator=generator
            or (
                lambda: build_generator(
                    self.image_shape, latent_dim, base_channels, streams, initial_stddev
                )
            ),
            discriminator=discriminator,
        )

    def inputs_for(self, real):
        """Latents."""
        return self.draw_latents(ops.shape(real)[0], self.seeds)

    def scene_loss(self, scene, real):
        """w E |m|; masks are not negative. 0 of one stream, which has none."""
        if self.streams == 1:
            return {"mask_loss": ops.zeros(())}
        return {"mask_loss": self.mask_weight * ops.mean(scene.masks)}

    def parts(self, num, seed=None, truncation=None, batch_size=16):
        """The videos of `sample`, and the streams that they are composed of.

        Args:
            num: As for `sample`, like all others.
            seed: Integer.
            truncation: Truncation.
            batch_size: Videos computed at a time.

        Returns:
            `Scene` of numpy arrays; of one stream its videos alone.
        """
        seed = secrets.randbits(63) if seed is None else seed
        latents = self.draw_latents(num, CounterStream(seed), truncation)
        return self.scene(latents, batch_size)


def scene_of(outputs):
    """What a generator returned, as a `Scene`.

    Args:
        outputs: Videos, or a list of the four parts.
    """
    return Scene(*outputs) if isinstance(outputs, (list, tuple)) else Scene(outputs)


def first_frame_error(videos, frames):
    """E |G(x)[t=0] - x|, over all points of the first frames alone.

    Args:
        videos: `(batch, frames, height, width, channels)`.
        frames: `(batch, height, width, channels)`.
    """
    return ops.mean(ops.abs(videos[:, 0] - frames))


def check_arguments(streams, weight, instance_noise, initial_stddev):
    """Refuses what no VGAN can be made of.

    Raises:
        ValueError: naming the argument.
    """
    if streams not in (1, 2):
        raise ValueError(f"streams is 1 or 2. Found: {streams!r}.")
    for name, value in (
        ("The weight of the generator's other loss", weight),
        ("instance_noise", instance_noise),
        ("initial_stddev", initial_stddev),
    ):
        if value < 0:
            raise ValueError(f"{name} is not negative. Found: {value}.")
