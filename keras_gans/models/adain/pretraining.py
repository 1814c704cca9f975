"""How an encoder of our own comes to see, where no published weights are at hand."""

import keras
import numpy as np
from keras import layers, ops

from keras_gans.core import checks, gradients
from keras_gans.core.choices import check_choice
from keras_gans.core.moving_average import copy_weights
from keras_gans.core.random import seeded
from keras_gans.data import ArrayBatches
from keras_gans.models.adain.networks import normalize_activations, widths


class Pretraining:
    """The part of `AdaIN` that trains f; see there."""

    def take_pretrained(self, other):
        """Takes f of another `AdaIN`, in place of `pretrain`.

        Args:
            other: Of as many stages and channels.

        Raises:
            ValueError: if its f is of another size.
        """
        theirs = getattr(other, "encoder", None)
        if theirs is None or widths(theirs) != widths(self.encoder):
            found = type(other).__name__ if theirs is None else widths(theirs)
            raise ValueError(
                f"An encoder with maps of {widths(self.encoder)} channels is looked "
                f"for. Found: {found}."
            )
        copy_weights(theirs, self.encoder)

    def pretrain(
        self,
        images,
        labels=None,
        batch_size=64,
        epochs=1,
        objective="classes",
        **kwargs,
    ):
        """Trains f on pictures, where the weights of a good one are not at hand.

        A short training on classes throws away what they do not need, such as colours
        and outlines: the decoder then learns for long, and draws streaks. One on the
        pictures themselves keeps all, and begins the decoder's training.

        In the end f is scaled by `normalize_activations`.

        Args:
            images: uint8 or floats in [-1, 1], `(num_images, *image_shape)`.
            labels: Integers from 0 on; only for classes.
            batch_size: Pictures per update.
            epochs: Passes over them.
            objective: `"classes"`, told by a classifier that is then dropped from the
                means of all phi_i, such that none of them loses channels; or
                `"pictures"`, drawn again by g from phi_s alone.
            **kwargs: The other arguments of `keras.Model.fit`.

        Returns:
            The `History`, with `loss`, and for classes `accuracy`.

        Raises:
            ValueError: for images, labels or an objective that do not fit.
        """
        check_choice("objective", objective, ("classes", "pictures"))
        checks.check_images(images, self.image_shape)
        of_classes = objective == "classes"
        if of_classes:
            classes = int(np.max(labels)) + 1
            checks.check_labels(labels, classes)
        # Bytes are scaled batch by batch: as floats they would fill the memory.
        is_bytes = images.dtype == np.uint8
        scale, offset = (1 / 255, 0.0) if is_bytes else (0.5, 0.5)
        steps = 1 + len(images) // batch_size * epochs
        rate = _warm_then_falling(1e-3, steps)
        inputs = keras.Input(self.image_shape, dtype="uint8" if is_bytes else "float32")
        with gradients.scope_of(self), seeded(f"{self.seed}/pretrain"):
            pictures = layers.Rescaling(scale, offset)(inputs)
            if of_classes:
                both = self._classifier(inputs, pictures, classes, rate)
            else:
                both = self._autoencoder(inputs, pictures, rate)
        batches = ArrayBatches(
            (images, labels if of_classes else images[:, 0, 0, 0]),
            batch_size,
            seed=self.seed,
        )
        # The batches are shuffled already; Keras would use Python's random state.
        history = both.fit(batches, epochs=epochs, shuffle=False, **kwargs)
        some = images[:: -(-len(images) // 512)].astype("float32")
        means = normalize_activations(self.encoder, scale * some + offset)
        if not of_classes:
            first = next(la for la in self.decoder.layers if la.weights)
            first.kernel.assign(ops.convert_to_numpy(first.kernel) * means[:, None])
            if self.keeps_average:
                copy_weights(self.decoder, self.averaged("decoder"))
        return history

    def _classifier(self, inputs, pictures, classes, rate):
        logits = self._classes_of(pictures, classes)
        both = keras.Model(inputs, logits)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        both.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
        return both

    def _autoencoder(self, inputs, pictures, rate):
        made = self.decoder(self.encoder(pictures)[-1])
        error = ops.mean(ops.square(made - pictures), axis=(1, 2, 3))
        both = keras.Model(inputs, error)
        # The loss is what the model returns: targets would have to be scaled again.
        both.compile(keras.optimizers.Adam(rate), lambda _, found: found)
        return both

    def _classes_of(self, pictures, classes):
        x = layers.RandomFlip("horizontal", seed=self.seed)(pictures)
        means = [layers.GlobalAveragePooling2D()(maps) for maps in self.encoder(x)]
        x = layers.Dropout(0.3, seed=self.seed)(layers.Concatenate()(means))
        return layers.Dense(classes, dtype="float32")(x)


def _warm_then_falling(rate, steps):
    warm = 1 + steps // 20
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm + 1, warmup_target=rate, warmup_steps=warm
    )
