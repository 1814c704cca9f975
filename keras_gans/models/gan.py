"""GAN: a generator learns by deceiving a discriminator that learns to tell.

Goodfellow et al. 2014, arXiv 1406.2661. Networks, optimizers and the simultaneous
update are those of the authors' MNIST experiment (github.com/goodfeli/adversarial).
"""

import math

import keras
import numpy as np
from keras import initializers, layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import Maxout, Rescaling

# Passes over the 50,000 training digits in batches of 100, as the authors trained.
_UPDATES_PER_EPOCH = 500


@keras.saving.register_keras_serializable("keras_gans")
class GAN(AdversarialModel):
    """Two multi-layer perceptrons, updated at the same time.

    The discriminator minimises (E sp(-D(x)) + E sp(D(G(z)))) / 2, the generator
    E sp(-D(G(z))), with sp(t) = log(1 + e^t). Both gradients are taken from one
    forward pass, with the same fakes and the same dropout masks, before either player
    moves.

    The paper works on pixels in [0, 1]: the generator's sigmoid is mapped to [-1, 1]
    at its end and the discriminator maps back at its start.

    Args:
        image_shape: Shape of one image or vector, of any size.
        latent_dim: Length of z ~ U(-sqrt 3, sqrt 3), i.e. of variance one; 100.
        hidden_units: Width of the generator's two hidden layers; 1200.
        maxout_units: Width of the discriminator's two hidden layers, of five pieces
            each; 240.
        generator: Your own `keras.Model` from latents to images in [-1, 1].
        discriminator: Your own from images in [-1, 1] to logits `(batch, 1)`.
        minimax: Whether the generator minimises -E sp(D(G(z))), the zero-sum game of
            the paper's eq. 1, which gives it little to learn from early on.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored.
    Call `adapt(images)` first to start, as the authors do, from the mean image.

    Logs: `discriminator_loss`, `generator_loss`.

    Example:

    >>> gan = GAN(image_shape=(28, 28, 1))
    >>> gan.adapt(images)
    >>> gan.compile()
    >>> gan.fit(images, batch_size=100, epochs=50)

    Reference: arXiv 1406.2661, eq. 1, algorithm 1 and section 5.
    """

    reports = ("discriminator_loss", "generator_loss")
    latent_range = (-math.sqrt(3.0), math.sqrt(3.0))

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        hidden_units=1200,
        maxout_units=240,
        generator=None,
        discriminator=None,
        minimax=False,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        self.hidden_units = hidden_units
        self.maxout_units = maxout_units
        self.minimax = minimax
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, maxout_units)),
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, hidden_units)),
        )

    def default_optimizers(self):
        """SGD from rate 0.1 down, with momentum from 0.5 to 0.7 (mnist.yaml)."""
        return {player: paper_sgd(decay=1.000004) for player in self.players}

    def draw_latents(self, num, stream, truncation=None):
        """Uniform latents in `latent_range`.

        Raises:
            ValueError: for a truncation, since a uniform prior has no tail.
        """
        if truncation is not None:
            raise ValueError("Uniform latents have no tail to truncate.")
        return stream.uniform((num, self.latent_dim), *self.latent_range)

    def train_step(self, data):
        """One simultaneous update of both players (algorithm 1 with k = 1)."""
        real = self.unpack(data)
        game = losses.minimax if self.minimax else losses.non_saturating

        def both_losses():
            discriminator = self.in_training("discriminator")
            fake_logits = discriminator(self.generate(real, training=True))
            loss = game.discriminator(discriminator(real, is_real=True), fake_logits)
            return {
                "discriminator": {"discriminator_loss": 0.5 * loss},
                "generator": {"generator_loss": game.generator(fake_logits)},
            }

        self.update_together(both_losses)
        return self.logs()

    @property
    def adaptable(self):
        """Whether the generator has the output bias that `adapt` sets."""
        return "pixels" in [layer.name for layer in self.generator.layers]

    def adapt(self, images):
        """Sets the generator's output bias so that it starts from the mean image.

        Args:
            images: The training images, uint8 or floats in [-1, 1].

        Raises:
            ValueError: when the generator has none; see `adaptable`.
        """
        if not self.adaptable:
            raise ValueError("Only the paper's generator has an output bias to adapt.")
        mean = ops.convert_to_numpy(images).mean(axis=0, dtype="float64").reshape(-1)
        is_bytes = keras.backend.standardize_dtype(images.dtype) == "uint8"
        mean = mean / 255.0 if is_bytes else (mean + 1.0) / 2.0
        # Half a grey level from 0 and 1, where the logit is finite.
        mean = np.clip(mean, 0.5 / 255, 1 - 0.5 / 255)
        networks = [self.generator]
        if self.ema_decay is not None:
            networks.append(self.sampler)
        for network in networks:
            network.get_layer("pixels").bias.assign(np.log(mean / (1.0 - mean)))


def paper_sgd(decay):
    """The authors' SGD: decaying rate, rising momentum."""
    return RisingMomentumSGD(FlooredExponentialDecay(0.1, decay, 1e-6))


def build_generator(image_shape, latent_dim, hidden_units):
    """z -> two ReLU layers -> sigmoid pixels, mapped to [-1, 1]."""
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for name in ("h0", "h1"):
        x = layers.Dense(
            hidden_units, "relu", kernel_initializer=uniform(0.05), name=name
        )(x)
    return keras.Model(latents, pixels(x, image_shape), name="generator")


def build_discriminator(image_shape, maxout_units):
    """Pixels -> two maxout layers under dropout -> one logit."""
    images = keras.Input(image_shape, name="images")
    x = flat_unit_pixels(images)
    for name, dropped in (("h0", 0.2), ("h1", 0.5)):
        x = layers.Dropout(dropped, name=f"{name}_dropout")(x)
        x = Maxout(maxout_units, 5, kernel_initializer=uniform(0.005), name=name)(x)
    return keras.Model(images, score(x), name="discriminator")


def uniform(reach):
    """A new U(-reach, reach) initializer."""
    return initializers.RandomUniform(-reach, reach)


def pixels(x, image_shape):
    """Sigmoid pixels of `image_shape`, mapped from [0, 1] to [-1, 1]."""
    size = math.prod(image_shape)
    x = layers.Dense(size, kernel_initializer=uniform(0.05), name="pixels")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    x = Rescaling(2.0, -1.0, dtype="float32", name="to_data_range")(x)
    return layers.Reshape(image_shape, dtype="float32", name="images")(x)


def flat_unit_pixels(images):
    """Images of [-1, 1] as flat vectors of [0, 1]."""
    x = Rescaling(0.5, 0.5, name="to_unit_range")(images)
    return layers.Flatten(name="flat")(x)


def score(x):
    """One logit from hidden units, half of which are dropped."""
    x = layers.Dropout(0.5, name="logits_dropout")(x)
    return layers.Dense(
        1, kernel_initializer=uniform(0.005), dtype="float32", name="logits"
    )(x)


@keras.saving.register_keras_serializable("keras_gans")
class FlooredExponentialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """max(initial / decay^t, floor) at update t.

    Args:
        initial: Rate at the first update.
        decay: Divisor per update, a little above 1.
        floor: Smallest rate.
    """

    def __init__(self, initial, decay, floor):
        self.initial = initial
        self.decay = decay
        self.floor = floor

    def __call__(self, step):
        """The rate at update `step`."""
        fallen = ops.exp(-ops.cast(step, "float32") * math.log(self.decay))
        return ops.maximum(self.initial * fallen, self.floor)

    def get_config(self):
        """The constructor's arguments."""
        return {"initial": self.initial, "decay": self.decay, "floor": self.floor}


@keras.saving.register_keras_serializable("keras_gans")
class RisingMomentumSGD(keras.optimizers.SGD):
    """SGD with classical momentum that rises linearly while training goes on.

    0.5 until the end of the first epoch, 0.7 from epoch 250 on (mnist.yaml), an epoch
    being the authors' 500 updates.

    Args:
        learning_rate: Rate or schedule.
        momentum: Momentum at first.
        final_momentum: Momentum at last.
        first_epoch: Epoch where it begins to rise.
        last_epoch: Epoch where it stops.
        **kwargs: For `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.5,
        final_momentum=0.7,
        first_epoch=1,
        last_epoch=250,
        **kwargs,
    ):
        super().__init__(learning_rate, momentum=momentum, **kwargs)
        self.final_momentum = final_momentum
        self.first_epoch = first_epoch
        self.last_epoch = last_epoch

    def update_step(self, gradient, variable, learning_rate):
        """v <- mu v - rate g; theta <- theta + v."""
        epoch = ops.cast(self.iterations, "float32") / _UPDATES_PER_EPOCH
        span = self.last_epoch - self.first_epoch
        risen = ops.clip((epoch - self.first_epoch) / span, 0.0, 1.0)
        momentum = self.momentum + (self.final_momentum - self.momentum) * risen
        velocity = self.momentums[self._get_variable_index(variable)]
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        self.assign(velocity, velocity * momentum - rate * gradient)
        self.assign_add(variable, velocity)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "final_momentum": self.final_momentum,
            "first_epoch": self.first_epoch,
            "last_epoch": self.last_epoch,
        }
