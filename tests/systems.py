"""The smallest models that still play a game, for tests that need just any system."""

import keras
import numpy as np

import keras_gans as kg
from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel


def tiny_gan(**changes):
    arguments = {"image_shape": (4, 4, 1), "latent_dim": 3, "hidden_units": 4}
    return kg.GAN(**{**arguments, "maxout_units": 2, **changes})


def tiny_cgan(**changes):
    return kg.CGAN(
        **{"image_shape": (4, 4, 1), "latent_dim": 3, "num_classes": 3, **changes}
    )


def tiny_dcgan(**changes):
    arguments = {"image_shape": (8, 8, 1), "latent_dim": 3, "base_channels": 2}
    return kg.DCGAN(**{**arguments, **changes})


def images(count, side=4, channels=1):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side, side, channels)).astype("uint8")


@keras.saving.register_keras_serializable("keras_gans_tests")
class Translation(AdversarialModel):
    """One convolution from source to target images: data of the form (source, target).

    A latent per image is all that is random.
    """

    reports = ("discriminator_loss", "generator_loss")

    def __init__(self, image_shape=(4, 4, 1), latent_dim=3, seed=0, **kwargs):
        super().__init__(image_shape, latent_dim, seed=seed, **kwargs)
        self.set_networks(
            discriminator=lambda: self._network("discriminator", 1, "valid"),
            translator=lambda: self._network("translator", image_shape[-1], "same"),
        )

    players = {"discriminator": ("discriminator",), "generator": ("translator",)}
    sampling_networks = ()

    def _network(self, name, channels, padding):
        images = keras.Input(self.image_shape)
        x = keras.layers.Conv2D(channels, 3, padding=padding)(images)
        x = keras.layers.BatchNormalization()(x)
        return keras.Model(images, x, name=name)

    def default_optimizers(self):
        return {player: keras.optimizers.SGD(0.01) for player in self.players}

    def unpack(self, data):
        source, target = data
        return super().unpack(source), super().unpack(target)

    def train_step(self, data):
        source, target = self.unpack(data)

        def both_losses():
            made = self.in_training("translator")(source)
            score = self.in_training("discriminator")
            game = losses.least_squares
            return {
                "discriminator": {
                    "discriminator_loss": game.discriminator(score(target), score(made))
                },
                "generator": {"generator_loss": game.generator(score(made))},
            }

        self.update_together(both_losses)
        return self.logs()


def tiny_stylegan2(**changes):
    arguments = {"image_shape": (8, 8, 1), "latent_dim": 4, "style_dim": 4}
    sizes = {"channel_base": 16, "max_channels": 4, "mapping_layers": 2}
    return kg.StyleGAN2(**{**arguments, **sizes, **changes})
