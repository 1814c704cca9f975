"""SAGAN: self-attention lets every point of an image see all others.

Zhang et al. 2018, arXiv 1805.08318. The networks are BigGAN's with one table of gains
and offsets per normalisation (github.com/brain-research/self-attention-gan, and the
SAGAN configuration of github.com/ajbrock/BigGAN-PyTorch).
"""

import keras

from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.models.biggan import BigGAN


@keras.saving.register_keras_serializable("keras_gans")
class SAGAN(BigGAN):
    """A hinge game of spectrally normalised networks with self-attention.

    The discriminator minimises E relu(1 - D(x, y)) + E relu(1 + D(G(z, y'), y')), the
    generator -E D(G(z, y'), y'), with y' uniform over the classes. Both networks are
    spectrally normalised and contain x + gamma o(A g(x)), which starts as the identity.
    The discriminator learns four times as fast as the generator, in place of several
    steps.

    Differs from the authors' code in what its PyTorch equivalent changed: the vectors
    of the spectral normalisation move once for real images and fakes together (theirs
    for real images alone), and all moving statistics have the momentum 0.9 (theirs
    0.999 and 0.9999).

    Args:
        image_shape: `(size, size, channels)` with a size of 16, 32, 64, 128, 256 or
            512.
        latent_dim: Length of z ~ N(0, 1); 128.
        num_classes: Number of classes.
        base_channels: Channels at full resolution of the larger networks; 64.
        attention: Sizes of maps after which self-attention follows; `(32,)`; at 32
            pixels `(16,)`, at 16 `(8,)`. The PyTorch configuration has `(64,)`.
        initializer: `"glorot_uniform"`, `"orthogonal"` or `"normal"`. Tables of gains
            and offsets start at 0.
        discriminator_steps: Discriminator updates per generator update; 1.
        generator: Your own `keras.Model` from `(latents, labels)` to images in
            [-1, 1]; labels are integers of shape `(batch,)`.
        discriminator: Your own from `(images, labels)` to scores `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling; the
            PyTorch configuration has 0.9999.
        ema_start: Generator updates before which the average is the generator itself.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, labels)`; images uint8 or floats in [-1, 1], labels integers in
    [0, num_classes) or one-hot rows.

    Logs: `discriminator_loss`, `generator_loss`.

    Raises:
        ValueError: for a size that the networks cannot make.

    Example:

    >>> gan = SAGAN((32, 32, 3), num_classes=10, base_channels=16)
    >>> gan.compile()
    >>> gan.fit(images, labels, batch_size=64, epochs=50)

    Reference: arXiv 1805.08318, sections 3 and 4.
    """

    reports = ("discriminator_loss", "generator_loss")
    conditioning = "tables"
    shared_dim = None

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_dim=128,
        num_classes=1000,
        base_channels=64,
        attention=None,
        initializer="glorot_uniform",
        discriminator_steps=1,
        generator=None,
        discriminator=None,
        ema_decay=None,
        ema_start=0,
        seed=0,
        **kwargs,
    ):
        # Not BigGAN's constructor, whose conditioning and penalty are no choice here.
        AdversarialModel.__init__(
            self, image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.base_channels = base_channels
        self.attention = None if attention is None else tuple(attention)
        self.initializer = initializer
        self.discriminator_steps = discriminator_steps
        self.ema_start = ema_start
        self.set_networks(
            discriminator=discriminator or self.paper_discriminator,
            generator=generator or self.paper_generator,
        )

    def attention_sizes(self, network=None):
        """Sizes of maps with self-attention, the same in both networks."""
        if self.attention is not None:
            return self.attention
        return {16: (8,), 32: (16,)}.get(self.image_shape[0], (32,))

    def default_optimizers(self):
        """Adam with betas (0, 0.9): 1e-4 for the generator, 4e-4 for the other."""
        rates = {"discriminator": 4e-4, "generator": 1e-4}
        return {
            player: keras.optimizers.Adam(rate, 0.0, 0.9, epsilon=1e-8)
            for player, rate in rates.items()
        }

    def generator_penalties(self):
        """None: the generator minimises its score alone."""
        return {}
