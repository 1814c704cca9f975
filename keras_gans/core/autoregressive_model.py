"""`AutoregressiveModel`: each pixel predicted from those before it in raster order."""

import keras
import numpy as np
from keras import ops

from keras_gans.core import gradients, raster_drawing
from keras_gans.core.checks import check_images
from keras_gans.core.likelihood_model import LikelihoodModel
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream
from keras_gans.losses.likelihood import LEVELS, bernoulli_nats, categorical_nats


class AutoregressiveModel(LikelihoodModel):
    """A `LikelihoodModel` of one network, which gives log p(x) of any image exactly.

    The latents of `sample` are the normal numbers that decide pixels, one for each
    pixel and colour: a pixel is white where the number's place in the normal
    distribution lies below the probability of white; of 256 levels it is the one that
    place falls on.

    Args:
        image_shape: `(height, width, channels)`.
        hidden_channels: h; half the channels of the residual stream.
        blocks: Residual blocks, or recurrent layers.
        head_channels: Channels of the two layers before the last.
        levels: 2, 256, or `None` for 2 where images have one channel and 256 otherwise.
        binarization: As for `LikelihoodModel`; only for two levels.
        predictor: Your own causal network; `None` for what `build_predictor` builds.
        ema_decay: As for `LikelihoodModel`, like what follows.
        seed: Integer.
        **kwargs: For `LikelihoodModel`.

    Raises:
        ValueError: for other levels, or a vector instead of an image.
    """

    players = {"model": ("predictor",)}
    reports = ("nats",)
    sampling_networks = ("predictor",)

    def __init__(
        self,
        image_shape=(28, 28, 1),
        hidden_channels=16,
        blocks=7,
        head_channels=32,
        levels=None,
        binarization="dynamic",
        predictor=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        if len(image_shape) != 3 or levels not in (None, 2, LEVELS):
            raise ValueError(
                "Pixels of images (height, width, channels) are predicted, of 2 or "
                f"{LEVELS} levels. Found: {tuple(image_shape)} and {levels}."
            )
        levels = levels or (2 if image_shape[-1] == 1 else LEVELS)
        super().__init__(
            image_shape,
            int(np.prod(image_shape)),
            binarization if levels == 2 else None,
            ema_decay,
            seed,
            **kwargs,
        )
        self.levels = levels
        self.hidden_channels = hidden_channels
        self.blocks = blocks
        self.head_channels = head_channels
        sizes = (self.image_shape, hidden_channels, blocks, head_channels, levels)
        self.set_networks(predictor=predictor or (lambda: self.build_predictor(*sizes)))

    def build_predictor(
        self, image_shape, hidden_channels, blocks, head_channels, levels
    ):
        """The paper's network, of these sizes."""
        raise NotImplementedError

    def check_network(self, name, network):
        """The predictor makes logits of images."""
        if not hasattr(network, "inputs"):
            return
        levels = () if self.levels == 2 else (self.levels,)
        shapes = network.inputs[0].shape[1:], network.outputs[0].shape[1:]
        if shapes != (self.image_shape, (*self.image_shape, *levels)):
            raise ValueError(
                f"The predictor makes logits {(*self.image_shape, *levels)} of images "
                f"{self.image_shape}. Found: {shapes[1]} of {shapes[0]}."
            )

    def default_optimizers(self):
        """RMSprop without momentum, as in the paper; the rate 1e-3 is ours."""
        return {"model": keras.optimizers.RMSprop(1e-3)}

    def train_step(self, data):
        """One update on -log p(x)."""
        images = self.unpack(data)

        def model_losses():
            logits = self.in_training("predictor")(images)
            return {"nats": ops.mean(self.nats_given(images, logits))}

        self.update("model", model_losses)
        return self.logs()

    def nats_given(self, images, logits):
        """-log p(x) of images whose logits are given, float32 `(batch,)`."""
        unit = 0.5 * (images + 1.0)
        if self.levels == 2:
            return bernoulli_nats(unit, logits)
        levels = ops.cast(ops.round(unit * (LEVELS - 1)), "int32")
        return categorical_nats(levels, logits)

    def nats_of(self, images, seed, first_row, draws):
        """-log p(x)."""
        return {"nats": self.nats_given(images, self.sampler(images, training=False))}

    def call(self, inputs, training=None):
        """Images that these latents decide."""
        return self.drawn(inputs)

    def drawn(self, latents, known=None, rows=0):
        """Images that latents decide, below rows that are known.

        Args:
            latents: `(batch, latent_dim)`.
            known: float32 `(batch, *image_shape)` in [-1, 1], or `None`.
            rows: Number of its rows to be kept, an integer tensor.

        Returns:
            float32 tensor `(batch, *image_shape)` in [-1, 1].
        """
        noise = ops.reshape(ops.cast(latents, "float32"), (-1, *self.image_shape))
        if known is None:
            known = -ops.ones_like(noise)
        # Traced once: op by op, pixel after pixel, it would take far longer.
        draw = self.__dict__.get("_compiled")
        if draw is None:
            draw = gradients.compiled(self._values, self.sampler.variables)
            self.__dict__["_compiled"] = draw
        rows = ops.convert_to_tensor(rows, dtype="int32")
        return 2.0 * draw(noise, 0.5 * (known + 1.0), rows) - 1.0

    def chain_of(self, network):
        """The `keras_gans.core.raster.Chain` of the paper's network, else `None`.

        Args:
            network: The predictor, or its moving average.
        """

    def _values(self, noise, known, rows):
        """`drawn`, of values in [0, 1]."""
        network = self.sampler
        chain = None if "predictor" in self._own_networks else self.chain_of(network)
        if chain is not None:
            return raster_drawing.draw(chain, self.decide, noise, known, rows)

        def logits_of(values):
            images = 2.0 * values - 1.0
            return ops.cast(network(images, training=False), "float32")

        return raster_drawing.draw_by_whole_passes(
            logits_of, self.decide, noise, known, rows
        )

    def decide(self, logits, noise):
        """The value in [0, 1] that a normal number picks.

        Args:
            logits: `(...)`, or `(..., 256)`.
            noise: `(...)`.
        """
        place = 0.5 * (1.0 + ops.erf(noise * 0.5**0.5))
        logits = ops.cast(logits, "float32")
        if self.levels == 2:
            return ops.cast(place < ops.sigmoid(logits), "float32")
        below = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)[..., :-1]
        passed = ops.cast(below <= place[..., None], "float32")
        return ops.sum(passed, axis=-1) / (LEVELS - 1)

    def complete(self, images, rows, seed=0, batch_size=64):
        """Images whose first rows are given and whose others are drawn.

        Args:
            images: uint8, or floats in [-1, 1], `(num_images, *image_shape)`; grey
                levels are drawn black or white where the system's pixels are.
            rows: Rows to be kept.
            seed: Integer in [0, 2**63), of the other rows.
            batch_size: Images at a time.

        Returns:
            numpy float32 array of their shape, in [-1, 1].

        Raises:
            ValueError: for images of another shape or range, or rows that they lack.
        """
        check_images(images, self.image_shape)
        if not 0 <= rows <= self.image_shape[0]:
            raise ValueError(
                f"Rows to be kept are 0 to {self.image_shape[0]}. Found: {rows}."
            )
        images = self.as_modelled(images, seed)
        made = []
        for start in range(0, len(images), batch_size):
            part = scaled(ops.convert_to_tensor(images[start : start + batch_size]))
            latents = self.draw_latents(len(part), CounterStream(seed, start))
            made.append(ops.convert_to_numpy(self.drawn(latents, part, rows)))
        return np.concatenate(made)
