"""A history of generated images, from which a discriminator is also fed."""

import keras
from keras import ops

from keras_gans.core import gradients


@keras.saving.register_keras_serializable("keras_gans")
class ImagePool(keras.layers.Layer):
    """Keeps images, and hands out old ones in the place of new ones.

    The first `size` images are kept and handed on. Of the later ones each is, with
    chance one half, exchanged for a random one of those kept. The images are part of
    the model's state: a resumed training goes on with them. Replicas share one pool,
    which sees their images in turn.

    Args:
        size: Number of images kept; 0 hands on what comes.
        image_shape: `(height, width, channels)`.
        **kwargs: For `keras.layers.Layer`.

    Reference: Shrivastava et al. 2016, arXiv 1612.07828, section 2.3; Zhu et al. 2017,
    arXiv 1703.10593, section 4.
    """

    def __init__(self, size, image_shape, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.size = size
        self.image_shape = tuple(image_shape)
        kept = {"initializer": "zeros", "trainable": False, "autocast": False}
        kept["aggregation"] = "only_first_replica"
        self.images = self.add_weight((size, *self.image_shape), name="images", **kept)
        self.filled = self.add_weight((), dtype="int32", name="filled", **kept)
        self.built = True

    def call(self, inputs, seeds):
        """New images in, as many out, old ones among them.

        Args:
            inputs: float32 `(batch, *image_shape)`.
            seeds: Stream of the draws.
        """
        if self.size == 0:
            return inputs
        count = ops.shape(inputs)[0]
        draws = seeds.uniform((count, 2))
        everyone, draws = gradients.gathered(inputs), gradients.gathered(draws)

        def one(i, state):
            images, filled, out = state
            new, coin, spot = everyone[i], draws[i, 0], draws[i, 1]
            place = ops.cast(spot * self.size, "int32")
            place = ops.where(filled < self.size, filled, place)
            place = ops.minimum(place, self.size - 1)
            keeps = (filled < self.size) | (coin > 0.5)
            hands_out = (filled >= self.size) & (coin > 0.5)
            old = images[place]
            put = ops.where(keeps, new, old)
            start = (place, *(0,) * len(self.image_shape))
            images = ops.slice_update(images, start, put[None])
            given = ops.where(hands_out, old, new)
            out = ops.slice_update(out, (i, *(0,) * len(self.image_shape)), given[None])
            return images, ops.minimum(filled + 1, self.size), out

        start = ops.convert_to_tensor(self.images), ops.convert_to_tensor(self.filled)
        images, filled, out = ops.fori_loop(
            0, ops.shape(everyone)[0], one, (*start, everyone)
        )
        self.images.assign(images)
        self.filled.assign(filled)
        first = gradients.replica().index * count
        return ops.slice(out, (first, 0, 0, 0), (count, *self.image_shape))

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "image_shape": self.image_shape,
        }
