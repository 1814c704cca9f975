"""What goes into pix2pixHD and comes out: maps of integers, looks, images."""

import numpy as np
from keras import ops

from keras_gans.core import checks
from keras_gans.core.image_translator import ImageTranslator
from keras_gans.core.pixels import scaled
from keras_gans.models.pix2pixhd import instances as by_instance
from keras_gans.models.pix2pixhd import maps as label_maps


class FromLabelMaps(ImageTranslator):
    """The half of `Pix2PixHD` that is fed and asked; see there."""

    @staticmethod
    def needs_instances(instance_edges=True, feature_channels=0, **arguments):
        """Whether a system of these arguments takes instance maps.

        Args:
            instance_edges: As for `Pix2PixHD`.
            feature_channels: As for `Pix2PixHD`.
            **arguments: Its others, which do not matter.
        """
        return bool(instance_edges or feature_channels)

    @property
    def takes_instances(self):
        """Whether instance maps belong to the sources."""
        return self.needs_instances(self.instance_edges, self.feature_channels)

    def channels_of(self, labels, instances=None):
        """What discriminators see of the sources, and the generator without looks.

        Args:
            labels: int32 tensor `(batch, h, w)`.
            instances: The same, where there are instance maps.
        """
        channels = label_maps.one_hot(labels, self.num_labels)
        if not self.instance_edges:
            return channels
        return joined(channels, label_maps.boundaries(instances))

    def small(self, maps):
        """Maps of the size at which the trunk works.

        Args:
            maps: float32 tensor `(batch, h, w, channels)`.
        """
        for _ in range(self.enhancers):
            maps = self.halved(maps)
        return maps

    def check_shape(self, shape):
        """Checks the shape of the label maps of a `tf.data.Dataset`."""
        shape = shape[:-1] if len(shape) == 4 and shape[-1] == 1 else shape
        checks.check_shape(shape, self.image_shape[:2])

    def check_batch(self, x, y):
        """Checks label maps, instance maps where they are needed, and images."""
        parts = parts_of(x)
        if y is None or len(parts) != 1 + self.takes_instances:
            call = "(labels, instances)" if self.takes_instances else "labels"
            raise ValueError(f"This Pix2PixHD learns so: call fit({call}, images).")
        self._check_maps(parts, self.image_shape[:2])
        checks.check_images(y, self.image_shape)
        if len(parts[0]) != len(y):
            raise ValueError(f"There are {len(parts[0])} maps and {len(y)} images.")

    def arrays_of(self, x, y):
        """Sources and images, row by row, once checked; maps without a last axis."""
        self.check_batch(x, y)
        parts = tuple(
            part.reshape(part.shape[:3]) for part in map(np.asarray, parts_of(x))
        )
        return (parts if self.takes_instances else parts[0]), y

    def _check_maps(self, parts, sides=None):
        label_maps.check_map("label", parts[0], self.num_labels)
        if self.takes_instances:
            label_maps.check_map("instance", parts[1])
        sides = tuple(parts[0].shape[1:3]) if sides is None else sides
        expected = (len(parts[0]), *sides)
        if len(parts) > 2 and parts[2].shape[-1] != self.feature_channels:
            raise ValueError(
                f"Looks have {self.feature_channels} channels. Found: "
                f"{tuple(parts[2].shape)}."
            )
        for part in parts:
            if tuple(part.shape[:3]) != expected:
                raise ValueError(
                    f"All maps are of one size, {expected} here. Found: "
                    f"{tuple(part.shape[:3])}."
                )

    def unpack(self, data):
        """The batch, ready for the networks.

        Args:
            data: `(labels, images)` or `((labels, instances), images)`.

        Returns:
            `(sources, images)`: a tuple of int32 maps `(batch, h, w)`, and float32
            images in [-1, 1].
        """
        sources, images = data[:2]
        return tuple(map(label_maps.as_map, parts_of(sources))), scaled(images)

    def call(self, inputs, training=None):
        """Images of the generator, in inference mode unless told else.

        Args:
            inputs: As for `translate`; features belong to it if there is an encoder.
            training: Whether the network runs in training mode.

        Returns:
            float32 images in [-1, 1].
        """
        sources, features = self._split(inputs)
        given, training = self.channels_of(*sources), bool(training)
        if self.feature_channels:
            if features is None:
                raise ValueError("Inputs are (labels, instances, features).")
            given = joined(given, ops.cast(features, "float32"))

        def fine():
            return ops.cast(self.sampler(given, training=training), "float32")

        def coarse():
            x = self.sampler.get_layer("trunk")(self.small(given), training=training)
            x = self.averaged("trunk_head")(x, training=training)
            factor = 2**self.enhancers
            return ops.repeat(ops.repeat(x, factor, axis=1), factor, axis=2)

        if not self.enhancers:
            return fine()
        return ops.cond(self.steps < self.global_steps, coarse, fine)

    def _split(self, inputs):
        count = 1 + self.takes_instances
        parts = parts_of(inputs)
        sources = tuple(label_maps.as_map(part) for part in parts[:count])
        return sources, (parts[count] if len(parts) > count else None)

    def translated(self, images, stream):
        """As in `ImageTranslator`, of maps.

        Args:
            images: What `translate` takes; see `check_sources`.
            stream: A `CounterStream`, of the choice of looks.
        """
        sources, features = self._split(images)
        if self.feature_channels and features is None:
            centres = ops.convert_to_tensor(self.centres)
            counts = ops.convert_to_tensor(self.centre_counts)
            features = by_instance.drawn(*sources, centres, counts, stream)
        return self.call(_with_features(sources, features), training=False)

    def check_sources(self, images):
        """Checks what `translate` was given.

        Args:
            images: `labels`, or `(labels, instances)`, as for `fit` but of any size
                that the networks can take. With an encoder, also `(labels, instances,
                features)`, of what `encode_features` returned; without features, each
                instance has one of the looks of `cluster_features`, at random.

        Raises:
            ValueError: for maps of another kind or size.
        """
        parts, count = parts_of(images), 1 + self.takes_instances
        if len(parts) != count and not (self.feature_channels and len(parts) == 3):
            what = "(labels, instances)" if self.takes_instances else "labels"
            raise ValueError(f"Images are made of {what}. Found: {len(parts)} maps.")
        self._check_maps(parts)
        self.check_size(parts[0].shape[1:3])
        if len(parts) == count and self.feature_channels:
            self._check_clusters()

    def as_sources(self, part):
        """Maps as they are."""
        return part

    def _check_clusters(self):
        if not ops.convert_to_numpy(self.centre_counts).any():
            raise ValueError(
                "There are no looks to choose from yet: call cluster_features first, "
                "or give features of encode_features."
            )

    def encode_features(self, images, instances, batch_size=16):
        """The look of each instance of images.

        Args:
            images: uint8, or floats in [-1, 1].
            instances: Their instance maps.
            batch_size: Images computed at a time.

        Returns:
            numpy float32 array `(num_images, height, width, feature_channels)`.

        Raises:
            ValueError: without an encoder, or as `fit`.
        """
        if not self.feature_channels:
            raise ValueError("There is no encoder: set feature_channels.")
        checks.check_images(images, (*images.shape[1:3], self.image_shape[-1]))
        label_maps.check_map("instance", instances)
        self.check_size(images.shape[1:3])
        found = []
        for start in range(0, len(images), batch_size):
            rows = slice(start, start + batch_size)
            part = scaled(ops.convert_to_tensor(images[rows]))
            features = self.averaged("encoder")(part, training=False)
            features = ops.cast(features, "float32")
            parts = by_instance.pooled(features, label_maps.as_map(instances[rows]))
            found.append(ops.convert_to_numpy(parts))
        return np.concatenate(found)

    def cluster_features(self, sources, images, batch_size=16):
        """Keeps the most frequent looks of each class, from which `translate` chooses.

        Up to `num_clusters` centres of k-means for each class, of its instances that
        cover more than 1/64 of an image. They are part of the model's state.

        Args:
            sources: `(labels, instances)`, as for `fit`.
            images: As for `fit`.
            batch_size: Images computed at a time.

        Raises:
            ValueError: without an encoder, or as `fit`.

        Reference: arXiv 1711.11585, section 3.4.
        """
        features = self.encode_features(images, sources[1], batch_size)
        self._check_maps(sources, images.shape[1:3])
        labels, instances = (
            ops.convert_to_numpy(label_maps.as_map(part)) for part in sources
        )
        found = [
            look
            for image in zip(features, labels, instances, strict=True)
            for look in by_instance.looks(*image)
        ]
        size = self.num_labels, self.num_clusters, self.feature_channels
        centres, counts = by_instance.centres_of(found, *size)
        self.centres.assign(centres)
        self.centre_counts.assign(counts)

    def served(self):
        """What `export` writes; see `keras_gans.core.served_label_maps`."""
        from keras_gans.core.served_label_maps import served_label_maps

        return served_label_maps(self)


def joined(*parts):
    """Maps side by side in one, channel by channel."""
    return ops.concatenate(parts, axis=-1)


def parts_of(sources):
    """Maps one by one.

    Args:
        sources: One array or tensor, or several in a tuple or list.
    """
    return tuple(sources) if isinstance(sources, (tuple, list)) else (sources,)


def _with_features(sources, features):
    return sources if features is None else (*sources, features)
