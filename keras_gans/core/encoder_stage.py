"""`EncoderStage`: a GAN is trained first, then the encoder that inverts it."""

from keras import ops

from keras_gans.core import checks


class EncoderStage:
    """The part of a staged `AdversarialModel` whose second stage is its encoder's.

    To be named before the class of the GAN. `stage_counter` is `"steps"`, the first
    stage is called `"gan"` and lasts `gan_steps` steps.
    """

    stage_counter = "steps"

    def check_network(self, name, network):
        """Checks that the encoder makes what the generator takes, and the others."""
        if name == "encoder":
            checks.check_encoder(network, self.image_shape, self.latent_dim)
        else:
            super().check_network(name, network)

    def fit_encoder(self, x, y=None, **kwargs):
        """Goes over to the encoder's stage, whenever the GAN is good enough.

        Args:
            x: As for `fit`.
            y: As for `fit`.
            **kwargs: As for `fit`.

        Returns:
            As `fit`.
        """
        self.steps.assign(ops.maximum(self.steps, self.gan_steps))
        return self.fit(x, y, **kwargs)

    def check_encoder_stage(self):
        """Refuses to answer what the encoder is asked while the GAN is trained.

        Raises:
            ValueError: in the first stage.
        """
        if self.stage == "gan":
            steps = int(ops.convert_to_numpy(self.steps))
            raise ValueError(
                f"The encoder is not trained yet: {steps} of {self.gan_steps} steps of "
                "the GAN are done. Go on with fit(), or call fit_encoder()."
            )
