"""How an `AdversarialModel` is fed: batches in, `fit`, `evaluate`, steps."""

import contextlib

import keras
from keras import ops

from keras_gans.core import checks, gradients, precision
from keras_gans.core.stages import Stages
from keras_gans.data import ArrayBatches


class Training(Stages):
    """The training half of `AdversarialModel`; see there.

    Attributes:
        step_batch_size: Samples that a step of the last `fit` reads, over all replicas;
            `None` if it is not known.
    """

    step_batch_size = None

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

    def split(self, batch, count):
        """`count` equal parts of a batch, one after the other."""
        parts = [ops.split(part, count) for part in keras.tree.flatten(batch)]
        return [
            keras.tree.pack_sequence_as(batch, list(p))
            for p in zip(*parts, strict=True)
        ]

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

    def in_training(self, name, in_float32=False):
        """The network called `name` as a function of its inputs, in training mode.

        What it returns is float32, also from a network that ends in half precision.
        A judge sees its images through the system's augmentation, if it has one.

        Args:
            name: Name of a network.
            in_float32: Whether it computes in float32 whatever the precision of the
                training, as penalties on slopes need it.

        Returns:
            Function of the network's inputs and of `is_real`: whether these are real
            images, or the slice of rows that are, from whose scores an adaptive
            augmentation learns.
        """
        network = getattr(self, name)
        training = not self.evaluating
        augment = self.augmentation if name in self.judges and training else None

        def run(inputs, is_real=False):
            if augment is not None:
                inputs = self._augmented(inputs)
            precise = precision.in_float32(network)
            with precise if in_float32 else contextlib.nullcontext():
                scores = precision.as_float32(network(inputs, training=training))
            if is_real is not False and hasattr(augment, "observe"):
                rows = slice(None) if is_real is True else is_real
                augment.observe(keras.tree.flatten(scores)[0][rows])
            return scores

        return run

    def _augmented(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            return self.augmentation(inputs, self.seeds)
        images, *labels = inputs
        return (self.augmentation(images, self.seeds), *labels)

    @property
    def seeds(self):
        """The stream from which a `train_step` draws."""
        return self.evaluation_seeds if self.evaluating else self.training_seeds

    def test_step(self, data):
        """`train_step` without its updates: the same terms, in inference mode."""
        self.evaluating = True
        try:
            return self.train_step(data)
        finally:
            self.evaluating = False

    def make_train_function(self, force=False):
        """As in Keras, for a `train_step(data)` on every backend."""
        if self.train_function is None or force:
            self.train_function = self.function_of_stages(self._traced_train)

    def make_test_function(self, force=False):
        """As in Keras, for a `test_step(data)` on every backend."""
        if self.test_function is None or force:
            self.test_function = self.function_of_stages(self._traced_test)

    def _traced_train(self):
        with _adapted(self, "train"):
            super().make_train_function(force=True)
        return self.train_function

    def _traced_test(self):
        with _adapted(self, "test"):
            super().make_test_function(force=True)
        return self.test_function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built by the constructor and compile(). Under a strategy Keras
        # would still reduce a batch over replicas, which fails for tuple batches on
        # several hosts (keras issue 20585).
        pass

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        *,
        shuffle=True,
        callbacks=None,
        validation_data=None,
        validation_batch_size=None,
        **kwargs,
    ):
        """`keras.Model.fit`, checked, and reproducible from the model's seed.

        Args:
            x: Images (uint8, or floats in [-1, 1]) as an array, a `tf.data.Dataset` or
                a `keras.utils.PyDataset`. Data sets yield the whole batch of a
                step: `updates_per_batch` times the paper's batch.
            y: Labels, for class-conditional systems; with arrays only.
            batch_size: Images per update (default 32). A system that plays k critic
                steps on fresh data reads k times as many per step.
            epochs: Passes over the data.
            shuffle: Whether arrays are shuffled, in an order that depends on the
                model's seed and the epoch alone; the last incomplete batch is dropped.
            callbacks: As in Keras.
            validation_data: As in Keras; see `evaluate`.
            validation_batch_size: As `batch_size`.
            **kwargs: The other arguments of `keras.Model.fit`.

        Raises:
            ValueError: for data that the system cannot train on, naming what was found
                and the fix.
        """
        if not self.compiled:
            raise ValueError("Call compile() before fit().")
        for name in ("sample_weight", "class_weight", "validation_split"):
            if kwargs.pop(name, None) is not None:
                raise ValueError(f"A GAN's losses use no {name}; leave it out.")
        if checks.is_array(x) and kwargs.get("steps_per_epoch"):
            raise ValueError(
                "With arrays an epoch is one pass over them: leave steps_per_epoch "
                "out, or pass a tf.data.Dataset."
            )
        x, self.step_batch_size = self._as_batches(x, y, batch_size, shuffle)
        if validation_data is not None:
            a, b, _ = keras.utils.unpack_x_y_sample_weight(validation_data)
            validation_data, _ = self._as_batches(
                a, b, validation_batch_size or batch_size, shuffle=False
            )
        if hasattr(x, "set_epoch"):
            order = keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: x.set_epoch(epoch)
            )
            callbacks = _with_callback(callbacks, order)
        return super().fit(
            x,
            epochs=epochs,
            shuffle=False,
            callbacks=callbacks,
            validation_data=validation_data,
            **kwargs,
        )

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """Means of `reports` over a data set, without training.

        The networks run in inference mode on noise that starts over at each call, so
        that two evaluations of the same weights are equal.
        """
        if not kwargs.get("_use_cached_eval_dataset"):
            (x, _), y = self._as_batches(x, y, batch_size, shuffle=False), None
        self.evaluation_seeds.rewind()
        return super().evaluate(x, y, **kwargs)

    def check_batch(self, x, y):
        """Checks what `fit` was given, an array or the first batch of a data set.

        Systems with data of another form override this and `arrays_of`.

        Args:
            x: Images.
            y: Labels, or `None`.

        Raises:
            ValueError: naming what was found and the fix.
        """
        checks.check_arrays(self, x, y)

    def arrays_of(self, x, y):
        """The arrays whose rows make the batches of `fit(x, y)`, once checked.

        Args:
            x: As for `fit`.
            y: As for `fit`.

        Returns:
            Arrays of one length, nested as `unpack` takes them.

        Raises:
            ValueError: as `check_batch`.
        """
        self.check_batch(x, y)
        return (x, y) if self.is_conditional else x

    def _as_batches(self, x, y, batch_size, shuffle):
        if checks.is_array(x):
            x = self.arrays_of(x, y)
            size = (32 if batch_size is None else batch_size) * self.updates_per_batch
            first = keras.tree.flatten(x)[0]
            if not shuffle and len(first) < size:
                # Validation data may be smaller than a training batch.
                size = len(first) - len(first) % self.updates_per_batch
            checks.check_batch_size(self, size)
            batches = ArrayBatches(x, size, shuffle=shuffle, seed=self.seed)
            return batches, size
        if y is not None or batch_size is not None:
            raise ValueError("y and batch_size go with arrays; a data set has its own.")
        return x, checks.check_data_set(self, x)


def scaled(images):
    """uint8 images as float32 in [-1, 1]; floats as they are."""
    if keras.backend.standardize_dtype(images.dtype) == "uint8":
        return ops.cast(images, "float32") / 127.5 - 1.0
    return ops.cast(images, "float32")


def _with_callback(callbacks, extra):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(extra)
        return callbacks
    if callbacks is None:
        return [extra]
    return [extra, *keras.tree.flatten(callbacks)]


class _adapted:
    """Lets Keras read `train_step` or `test_step` in its backend's own signature."""

    def __init__(self, model, kind):
        self._model, self._kind = model, kind

    def __enter__(self):
        name = f"{self._kind}_step"
        step = getattr(self._model, name)
        adapted = gradients.as_keras_step(self._model, self._kind, step)
        # Straight into the instance: Keras would try to track an attribute.
        self._model.__dict__[name] = adapted

    def __exit__(self, *exception):
        del self._model.__dict__[f"{self._kind}_step"]
