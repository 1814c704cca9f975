"""What systems share whose generator maps latents to styles and makes images of them.

Such a generator has three parts: `mapping`, a network from latents (and labels) to
styles w; `styles`, a `StyleAverage` that hands them to the layers; and `synthesis`, a
network from the styles of all layers to images.
"""

import numpy as np
from keras import ops

from keras_gans.core import precision

PARTS = ("mapping", "styles", "synthesis")


class StyleBased:
    """Mixin for `AdversarialModel`: styles of the sampling network, and in training.

    Attributes:
        truncation_layers: Number of layers, from the first, whose styles a truncation
            moves; `None` for all.
        half_life: Images after which the moving average has forgotten half; `None` for
            what the ADA code takes, 10,000 for a batch of 32.
        ramp_up: Largest half-life as a fraction of the images seen; `None` for no such
            limit.
    """

    truncates_style = serves_truncation = keeps_average = True
    truncation_layers = ramp_up = None

    def map(self, latents, labels=None, truncation=None):
        """Styles of latents, for each layer of the sampling network.

        Args:
            latents: `(batch, latent_dim)`.
            labels: One per row, for conditional systems; `None` is the first class.
            truncation: psi >= 0, which pulls the styles towards their mean; `None`
                leaves them.

        Returns:
            float32 tensor `(batch, layers, style_dim)`.
        """
        inputs = ops.convert_to_tensor(latents, "float32")
        if self.is_conditional:
            if labels is None:
                labels = np.repeat(self.default_labels(1), inputs.shape[0], axis=0)
            inputs = (inputs, ops.convert_to_tensor(labels))
        mapping, broadcast = (self.sampler.get_layer(name) for name in PARTS[:2])
        styles = broadcast(mapping(inputs, training=False), training=False)
        if truncation is None:
            return styles
        return broadcast.truncated(styles, truncation, self.truncation_layers)

    def synthesize(self, styles):
        """Images of styles, by the sampling network with its fixed noise.

        Args:
            styles: `(batch, layers, style_dim)`, as `map` returns them.

        Returns:
            float32 images `(batch, *image_shape)`, clipped to [-1, 1] from linear
            outputs.
        """
        images = self.sampler.get_layer("synthesis")(styles, training=False)
        return ops.clip(ops.cast(images, "float32"), -1.0, 1.0)

    def mix(self, latents_a, latents_b, cutoff, labels=None, truncation=None):
        """Images with the coarse styles of one row and the fine styles of another.

        Args:
            latents_a: `(batch, latent_dim)`, for the layers before `cutoff`.
            latents_b: The same, for the others.
            cutoff: Integer in [0, layers]; 0 gives the images of `latents_b`.
            labels: As for `map`, like truncation.
            truncation: psi.

        Returns:
            float32 images `(batch, *image_shape)`.
        """
        ends = [self.map(z, labels, truncation) for z in (latents_a, latents_b)]
        styles = ops.concatenate([ends[0][:, :cutoff], ends[1][:, cutoff:]], axis=1)
        return self.synthesize(styles)

    def images_of(self, inputs, truncation=None):
        """What `sample` and a served model make of latents.

        Args:
            inputs: Latents, or `(latents, labels)`.
            truncation: As for `map`.

        Returns:
            float32 images `(batch, *image_shape)`.
        """
        if truncation is None:
            return self.call(inputs, training=False)
        latents, labels = inputs if isinstance(inputs, tuple) else (inputs, None)
        return self.synthesize(self.map(latents, labels, truncation))

    def note_batch(self, images):
        """Keeps how many images the step sees, for `average_decay`."""
        # Past Keras, which would try to track it.
        object.__setattr__(self, "_images_in_step", self.images_in(images))

    def average_decay(self):
        """0.5 ^ (batch / half-life), or the fixed `ema_decay`."""
        if self.ema_decay is not None:
            return self.ema_decay
        batch = ops.cast(self._images_in_step, "float32")
        half_life = self.half_life or batch * (10_000 / 32)
        if self.ramp_up is not None:
            seen = batch * ops.cast(self.iterations, "float32")
            half_life = ops.minimum(half_life, self.ramp_up * seen)
        return ops.power(0.5, batch / ops.maximum(half_life, 1e-8))

    def styles_in_training(self, inputs, layers=None):
        """Styles of the generator in training, which move its mean style; some mixed.

        With probability `style_mixing` the whole batch takes the styles from some layer
        on from other latents. Draws, in this order and only if there is any mixing:
        other latents, then one row of two uniform numbers, of which the first decides
        and the second places the change in [1, layers).

        Args:
            inputs: Latents, or `(latents, labels)`.
            layers: Number of layers in use, an integer or a scalar tensor; `None` for
                all.

        Returns:
            `(batch, all layers, style_dim)`.
        """
        training = not self.evaluating
        mapping, broadcast = (self.generator.get_layer(n) for n in PARTS[:2])
        styles = broadcast(mapping(inputs, training=training), training=training)
        if not self.style_mixing:
            return styles
        latents, *labels = inputs if isinstance(inputs, tuple) else (inputs,)
        others = self.draw_latents(ops.shape(latents)[0], self.seeds)
        others = (others, *labels) if labels else others
        others = broadcast(mapping(others, training=training), training=False)
        coin, place = ops.unstack(self.seeds.uniform((1, 2))[0], num=2)
        count = ops.cast(broadcast.count if layers is None else layers, "float32")
        cutoff = ops.floor(1.0 + place * (count - 1.0))
        cutoff = ops.where(coin < self.style_mixing, cutoff, float(broadcast.count))
        first = ops.arange(broadcast.count, dtype="float32") < cutoff
        return ops.where(first[None, :, None], styles, others)

    def synthesize_in_training(self, styles):
        """Images of styles, by the generator in training with fresh noise.

        Args:
            styles: `(batch, layers, style_dim)`.

        Returns:
            float32 images `(batch, *image_shape)`.
        """
        synthesis = self.generator.get_layer("synthesis")
        images = synthesis(styles, training=not self.evaluating)
        return precision.as_float32(images)


def check_parts(generator):
    """Raises `ValueError` unless a generator has the three parts named above."""
    found = [layer.name for layer in generator.layers]
    if missing := [name for name in PARTS if name not in found]:
        raise ValueError(
            f"A style-based generator has layers called {', '.join(PARTS)}. This one "
            f"lacks {', '.join(missing)}: build it like build_generator does."
        )
