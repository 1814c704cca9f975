"""VGAN's prediction: what happens after a picture.

Vondrick, Pirsiavash and Torralba 2016, arXiv 1609.02612, section 4.4;
`main_conditional` of the authors' code.
"""

import keras

from keras_gans.core.videos import VideoPredictor
from keras_gans.models.vgan.networks import build_predictor
from keras_gans.models.vgan.system import (
    SceneDynamics,
    check_arguments,
    first_frame_error,
)


@keras.saving.register_keras_serializable("keras_gans")
class VGANPrediction(SceneDynamics, VideoPredictor):
    """The two streams of `VGAN`, of a code of the first frame in the place of latents.

    The discriminator plays as in `VGAN`. The generator minimises
    E CE(D(G(x_0)), 0) + w E |G(x_0)[t=0] - x_0|: its videos look real, and begin with
    the frame that they were made of. There is no noise, and nothing asks for small
    masks.

    Args:
        image_shape: As for `VGAN`, like all that is not named here.
        base_channels: 128, twice VGAN's; the encoder has as many.
        first_frame_weight: w; 10.
        streams: As for `VGAN`.
        instance_noise: As for `VGAN`.
        initial_stddev: As for `VGAN`.
        generator: Your own `keras.Model` from frames `(height, width, channels)` in
            [-1, 1] to what a generator of `VGAN` returns.
        discriminator: As for `VGAN`.
        ema_decay: Decay of a moving average of the generator, used for predictions.
        seed: Integer from which all random numbers follow.

    Trains on: videos, as `VGAN`; their first frames are what it is given.

    Logs: `discriminator_loss`, `generator_loss`, and `first_frame_loss`, with its
    weight.

    Raises:
        ValueError: as `VGAN`.

    Example:

    >>> gan = VGANPrediction(image_shape=videos.shape[1:], base_channels=32)
    >>> gan.compile()
    >>> gan.fit(videos, batch_size=16, epochs=20)
    >>> films = gan.predict_future(pictures)

    Reference: arXiv 1609.02612, section 4.4.
    """

    reports = ("discriminator_loss", "generator_loss", "first_frame_loss")

    def __init__(
        self,
        image_shape=(32, 64, 64, 3),
        base_channels=128,
        first_frame_weight=10.0,
        streams=2,
        instance_noise=0.0,
        initial_stddev=0.01,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(image_shape, ema_decay=ema_decay, seed=seed, **kwargs)
        check_arguments(streams, first_frame_weight, instance_noise, initial_stddev)
        self.first_frame_weight = first_frame_weight
        self.set_players(
            *(base_channels, streams, instance_noise, initial_stddev),
            generator=generator
            or (
                lambda: build_predictor(
                    self.image_shape, base_channels, streams, initial_stddev
                )
            ),
            discriminator=discriminator,
        )

    def inputs_for(self, real):
        """The first frames."""
        return real[:, 0]

    def scene_loss(self, scene, real):
        """w E |G(x_0)[t=0] - x_0|."""
        error = first_frame_error(scene.videos, real[:, 0])
        return {"first_frame_loss": self.first_frame_weight * error}

    def parts(self, frames, batch_size=16):
        """Predictions, and the streams that they are composed of.

        Args:
            frames: As for `predict_future`.
            batch_size: Videos computed at a time.

        Returns:
            `Scene` of numpy arrays.
        """
        return self.scene(self.as_frames(frames), batch_size)
