"""`AdversarialModel`: a system that draws images from latents."""

import keras
from keras import ops

from keras_gans.core import checks, precision
from keras_gans.core.pixels import scaled
from keras_gans.core.sampling import Sampling
from keras_gans.core.system import System


class AdversarialModel(Sampling, System):
    """A `System` whose sampling network makes images of latents, and of labels.

    Args:
        image_shape: `(height, width, channels)` of the data, or the shape of one
            vector, `(features,)`.
        latent_dim: Length of a latent vector.
        num_classes: Number of classes of a class-conditional system, else `None`.
        ema_decay: As for `System`, like what follows.
        seed: Integer.
        **kwargs: `augmentation`.
    """

    def __init__(
        self,
        image_shape,
        latent_dim,
        num_classes=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(image_shape, ema_decay, seed, **kwargs)
        self.latent_dim = latent_dim
        self.num_classes = num_classes

    def check_network(self, name, network):
        """Checks the shapes of the network that samples."""
        if name in self.sampling_networks:
            checks.check_sampling_network(network, self.image_shape, self.latent_dim)

    def check_batch(self, x, y):
        """Checks images, and labels where the system is conditional."""
        checks.check_arrays(self, x, y)

    def arrays_of(self, x, y):
        """Images, and labels where the system is conditional."""
        self.check_batch(x, y)
        return (x, y) if self.is_conditional else x

    def unpack(self, data):
        """The real batch, ready for the networks.

        Args:
            data: What the data set yields: images, or `(images, labels)`. `uint8`
                images are scaled to [-1, 1] here, on the device; labels are integers
                or one-hot. Labels that the system does not use are dropped.

        Returns:
            float32 images; for a conditional system `(images, labels)` with int32
            labels of shape `(batch,)`, or float32 attributes `(batch, label_width)`.
        """
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        images = scaled(images)
        if self.label_width is not None:
            return images, ops.cast(labels, "float32")
        if self.num_classes is None:
            return images
        if len(labels.shape) == 2:
            labels = ops.argmax(labels, axis=-1)
        return images, ops.cast(labels, "int32")

    def generate(self, like, training):
        """Fakes, in the form and number of the real batch `like`.

        Args:
            like: What `unpack` or `split` returned. A class-conditional system takes
                its labels for the fakes too.
            training: Whether the generator runs in training mode.

        Returns:
            Images, or `(images, labels)`.
        """
        labels = like[1] if self.is_conditional else None
        count = ops.shape(keras.tree.flatten(like)[0])[0]
        latents = self.draw_latents(count, self.seeds)
        training = training and not self.evaluating
        if labels is None:
            return precision.as_float32(self.generator(latents, training=training))
        images = self.generator((latents, labels), training=training)
        return precision.as_float32(images), labels
