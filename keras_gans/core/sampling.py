"""How an `AdversarialModel` is asked for images."""

import secrets

import numpy as np
from keras import ops

from keras_gans.core.checks import check_attributes, check_labels
from keras_gans.core.random import CounterStream


class Sampling:
    """The sampling half of `AdversarialModel`; see there.

    Attributes:
        label_width: Length of the vector of attributes that takes the place of an
            integer class; `None` for systems with classes, or without labels.
        truncates_style: Whether a truncation is not a bound of the latents but the
            psi of styles, which pulls them towards their mean.
        serves_truncation: Whether an exported model takes a truncation too.
    """

    label_width = None
    truncates_style = False
    serves_truncation = False

    @property
    def is_conditional(self):
        """Whether images are made for a label: a class, or a vector of attributes."""
        return self.num_classes is not None or self.label_width is not None

    def call(self, inputs, training=None):
        """Images of the sampling network, in inference mode unless told otherwise.

        Args:
            inputs: Latents `(batch, latent_dim)`, or `(latents, labels)`.
            training: Whether the network runs in training mode.

        Returns:
            float32 images in the data range of the system.
        """
        if isinstance(inputs, list):
            inputs = tuple(inputs)
        images = self.sampler(inputs, training=bool(training))
        return ops.cast(images, "float32")

    def draw_latents(self, num, stream, truncation=None):
        """Latents of the paper's prior.

        Args:
            num: Number of rows; integer or scalar tensor.
            stream: A `SeedStream` or `CounterStream`.
            truncation: Largest magnitude of a coordinate; `None` for no limit.

        Returns:
            float32 tensor `(num, latent_dim)`, standard normal by default.
        """
        truncation = None if self.truncates_style else truncation
        return stream.normal((num, self.latent_dim), truncation)

    def images_of(self, inputs, truncation=None):
        """What `sample` and a served model make of latents.

        Args:
            inputs: As for `call`.
            truncation: Only for systems that truncate styles.

        Returns:
            float32 images `(batch, *image_shape)`.
        """
        return self.call(inputs, training=False)

    def sample(
        self, num_images, seed=None, labels=None, truncation=None, batch_size=64
    ):
        """Draws images from the sampling network.

        Image i depends on `(seed, i)` and its label alone: not on `num_images`,
        `batch_size`, the backend or what was sampled before.

        Args:
            num_images: Number of images.
            seed: Integer in [0, 2**63); `None` draws a fresh one.
            labels: Conditional systems: one label for all images, or one for each;
                `None` takes the classes in turn.
            truncation: Largest magnitude of a latent coordinate, for systems with
                normal latents; for systems with styles the factor psi >= 0 of their
                distance from the mean style. Smaller values trade diversity for
                fidelity.
            batch_size: Images computed at a time.

        Returns:
            numpy float32 array `(num_images, *image_shape)`, in [-1, 1].

        Raises:
            ValueError: for a number, seed, label or truncation out of range.
        """
        batches = self.sample_batches(num_images, seed, labels, truncation, batch_size)
        return np.concatenate(list(batches)).astype("float32", copy=False)

    def sample_batches(
        self, num_images, seed=None, labels=None, truncation=None, batch_size=64
    ):
        """The images of `sample`, one batch after the other.

        Args:
            num_images: As for `sample`, like all others.
            seed: Integer.
            labels: Labels.
            truncation: Truncation.
            batch_size: Most images in a batch.

        Returns:
            Iterator of numpy arrays `(batch, *image_shape)`.

        Raises:
            ValueError: as `sample`, at once.
        """
        num_images = _integer("num_images", num_images, 1, 2**31)
        batch_size = _integer("batch_size", batch_size, 1, 2**31)
        seed = (
            secrets.randbits(63) if seed is None else _integer("seed", seed, 0, 2**63)
        )
        truncation = self._check_truncation(truncation)
        labels = self.labels_for(num_images, labels)

        def batch(start):
            count = min(batch_size, num_images - start)
            stream = CounterStream(seed, first_row=start)
            inputs = self.draw_latents(count, stream, truncation)
            if labels is not None:
                inputs = (inputs, ops.convert_to_tensor(labels[start : start + count]))
            return ops.convert_to_numpy(self.images_of(inputs, truncation))

        return map(batch, range(0, num_images, batch_size))

    def served(self):
        """What `export` writes; see `keras_gans.core.served_samples`."""
        from keras_gans.core.served_samples import served_samples

        return served_samples(self)

    def pictures_of(self, samples):
        """Samples as pictures for grids and files; systems of other data draw them.

        Args:
            samples: What `sample` returned.

        Returns:
            Array `(num_images, height, width, 1 or 3)`, one picture for each: uint8, or
            floats in [-1, 1].
        """
        return samples

    def evaluate_samples(self, data, seed=0, truncation=None, **options):
        """Measures samples, as they are served, against real images.

        Args:
            data: Name of a data set, uint8 images, or `(images, labels)`.
            seed: Integer, of the samples.
            truncation: As for `sample`.
            **options: Those of `keras_gans.metrics.Evaluator`: `split`, `training`,
                `extractor`, `resize`, `num_samples`, `k`, `metrics`, `draws`,
                `progress`.

        Returns:
            `keras_gans.metrics.Evaluation`; printed, it is a table.

        Raises:
            ValueError: as `Evaluator`.

        Example:

        >>> found = gan.evaluate_samples("mnist")
        >>> found["frechet_distance"].value
        """
        from keras_gans.metrics import evaluate_samples

        return evaluate_samples(self, data, seed, truncation, **options)

    def _check_truncation(self, truncation):
        if truncation is None:
            return None
        truncation = float(truncation)
        if self.truncates_style and truncation == 0:
            return truncation  # the image of the mean style
        if not truncation > 0:
            raise ValueError(f"truncation is a positive number. Found: {truncation}.")
        return truncation

    def default_labels(self, num_images):
        """The labels of `sample` when none are given: the classes in turn.

        Systems with attributes say here which vectors `(num_images, label_width)`
        stand for their data.
        """
        if self.label_width is not None:
            turn = np.arange(num_images) % self.label_width
            return np.eye(self.label_width, dtype="float32")[turn]
        return np.arange(num_images, dtype="int32") % self.num_classes

    def labels_for(self, num_images, labels):
        """One label per image, of what `sample` takes; `None` if unconditional.

        Args:
            num_images: Number of images.
            labels: As for `sample`.

        Returns:
            int32 array `(num_images,)`, or float32 `(num_images, label_width)`, or
            `None`.

        Raises:
            ValueError: as `sample`.
        """
        if not self.is_conditional:
            if labels is not None:
                raise ValueError(
                    f"{type(self).__name__} is unconditional: it takes no labels."
                )
            return None
        if labels is None:
            return self.default_labels(num_images)
        labels = np.asarray(labels)
        if self.label_width is not None:
            if labels.ndim == 1:
                labels = np.broadcast_to(labels, (num_images, *labels.shape))
            if len(labels) != num_images:
                raise ValueError(f"{num_images} images need as many attribute rows.")
            check_attributes(labels, self.label_width)
            return np.array(labels, dtype="float32")
        if labels.ndim == 0:
            labels = np.full(num_images, labels)
        if labels.shape != (num_images,):
            raise ValueError(
                f"{num_images} images need one label, or {num_images}. Found the shape "
                f"{labels.shape}."
            )
        check_labels(labels, self.num_classes)
        return labels.astype("int32")


def _integer(name, value, low, high):
    if isinstance(value, bool) or int(value) != value or not low <= value < high:
        raise ValueError(f"{name} is an integer in [{low}, {high}). Found: {value!r}.")
    return int(value)
