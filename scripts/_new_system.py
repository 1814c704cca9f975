"""The texts of the stubs that `scripts/new_system` writes."""

MODEL = '''\
"""$title: TODO the paper's idea in one line.

TODO authors and year, arXiv 0000.00000. TODO whose networks these are.
"""

import math

import keras
from keras import layers

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel


@keras.saving.register_keras_serializable("keras_gans")
class $name(AdversarialModel):
    """TODO one line with the idea.

    The discriminator minimises E sp(-D(x)) + E sp(D(G(z))), the generator
    E sp(-D(G(z))), with sp(t) = log(1 + e^t).

    TODO where this differs from the paper, and why.

    Args:
        image_shape: Shape of one image, of any size.
        latent_dim: Length of z ~ N(0, 1); 100.
        hidden_units: Width of the hidden layer of each network; 256.
        generator: Your own `keras.Model` from `(batch, latent_dim)` to images in
            [-1, 1]; `None` for the paper's.
        discriminator: Your own from images to logits `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored.

    Logs: `discriminator_loss`, `generator_loss`.

    Example:

    >>> gan = $name(image_shape=(28, 28, 1))
    >>> gan.compile()
    >>> gan.fit(images, batch_size=64, epochs=20)

    Reference: arXiv 0000.00000, TODO the equation or algorithm number.
    """

    players = {"discriminator": ("discriminator",), "generator": ("generator",)}
    reports = ("discriminator_loss", "generator_loss")

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        hidden_units=256,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        self.hidden_units = hidden_units
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, hidden_units)),
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, hidden_units)),
        )

    def default_optimizers(self):
        """TODO the paper's optimizers, and the section that names them."""
        return {
            player: keras.optimizers.Adam(2e-4, beta_1=0.5) for player in self.players
        }

    def train_step(self, data):
        """One update of the discriminator, then one of the generator."""
        real = self.unpack(data)
        fake = self.generate(real, training=True)

        def discriminator_losses():
            discriminator = self.in_training("discriminator")
            loss = losses.non_saturating.discriminator(
                discriminator(real), discriminator(fake)
            )
            return {"discriminator_loss": loss}

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            fake = self.generate(real, training=True)
            discriminator = self.in_training("discriminator")
            return {
                "generator_loss": losses.non_saturating.generator(discriminator(fake))
            }

        self.update("generator", generator_losses)
        return self.logs()


def build_generator(image_shape, latent_dim, hidden_units):
    """z -> hidden layer -> tanh pixels."""
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(hidden_units, "relu", name="hidden")(latents)
    x = layers.Dense(math.prod(image_shape), name="pixels")(x)
    x = layers.Activation("tanh", dtype="float32", name="tanh")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_shape, hidden_units):
    """Pixels -> hidden layer -> one logit."""
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten(name="flat")(images)
    x = layers.Dense(hidden_units, name="hidden")(x)
    x = layers.LeakyReLU(0.2, name="hidden_relu")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")
'''

TEST = """\
from keras_gans.models.$module import $name
from tests.contract import SystemContract, count


class Test$name(SystemContract):
    system = $name
    tiny = {"image_shape": (4, 4, 1), "latent_dim": 3, "hidden_units": 4}


def test_parameter_counts():
    # TODO those of the paper or its reference. Then add its golden forward values, its
    # golden train steps, and two to four checks of its own mathematics.
    gan = $name((28, 28, 1))
    assert (count(gan.generator), count(gan.discriminator)) == (227_344, 201_217)
"""

RECIPE = """\
# TODO what this draws, and how long the training takes on which machine.
# Retrain with: scripts/train_zoo $preset --runs RUNS
system = "$module"

[arguments]
image_shape = [32, 32, 1]
seed = 0

[data]
name = "digits"

[fit]
batch_size = 64
epochs = 60
"""

CARD = """\
# $preset

TODO one paragraph: what it draws, and by which system. It is the preset's description.

Trained on the digits that scikit-learn ships, 32x32, grey; TODO their licence.

![Samples](samples.png)

![Paths between latents](interpolation.png)

## How it was made

`scripts/train_zoo $preset --runs RUNS`, seed 0. TODO hardware and time.

![Losses of each epoch](curves.png)

## Figures

<!-- figures: scripts/train_zoo -->
<!-- end of figures -->

TODO what they say.

## Deviations from the paper

TODO each, and why.
"""
