"""How a `System` is fed: `fit` and `evaluate`, and what they accept."""

import keras

from keras_gans.core import checks
from keras_gans.data import ArrayBatches


class Feeding:
    """The feeding half of `System`; see there.

    Attributes:
        step_batch_size: Samples that a step of the last `fit` reads, over all replicas;
            `None` if it is not known.
    """

    step_batch_size = None

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

    def fed(self, x, y):
        """What `fit` was given, as arrays or as a data set: here as it is.

        Systems that take something else, such as tables, make arrays of it here.

        Args:
            x: As for `fit`.
            y: As for `fit`.
        """
        return x, y

    @property
    def data_shape(self):
        """Shape of what comes first in a sample of the data."""
        return self.image_shape

    def check_shape(self, shape):
        """Checks what comes first in the batches of a `tf.data.Dataset`.

        Args:
            shape: Its shape, with the batch axis, whose size may be unknown.

        Raises:
            ValueError: for another shape than `data_shape` after that axis.
        """
        checks.check_shape((1, *shape[1:]), self.data_shape)

    def check_batch(self, x, y):
        """Checks what `fit` was given, an array or the first batch of a data set.

        Args:
            x: As for `fit`.
            y: As for `fit`.

        Raises:
            ValueError: naming what was found and the fix.
        """
        raise NotImplementedError

    def arrays_of(self, x, y):
        """The arrays whose rows make the batches of `fit(x, y)`, once checked.

        Args:
            x: As for `fit`.
            y: As for `fit`.

        Returns:
            Arrays, nested as `unpack` takes them; of one length, unless the system
            makes batches of its own of them (`batches_of`).

        Raises:
            ValueError: as `check_batch`.
        """
        raise NotImplementedError

    def batches_of(self, arrays, size, shuffle):
        """Batches of arrays.

        Args:
            arrays: What `arrays_of` returned.
            size: Samples in a batch.
            shuffle: Whether each epoch has an order of its own.

        Returns:
            A `keras.utils.PyDataset`; with a method `set_epoch`, its order survives a
            restart.
        """
        return ArrayBatches(arrays, size, shuffle=shuffle, seed=self.seed)

    def _as_batches(self, x, y, batch_size, shuffle):
        x, y = self.fed(x, y)
        if checks.is_array(x):
            arrays = self.arrays_of(x, y)
            size = (32 if batch_size is None else batch_size) * self.updates_per_batch
            count = max(map(len, keras.tree.flatten(arrays)))
            if not shuffle and count < size:
                # Validation data may be smaller than a training batch.
                size = count - count % self.updates_per_batch
            checks.check_batch_size(self, size)
            return self.batches_of(arrays, size, shuffle), size
        if y is not None or batch_size is not None:
            raise ValueError("y and batch_size go with arrays; a data set has its own.")
        return x, checks.check_data_set(self, x)


def _with_callback(callbacks, extra):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(extra)
        return callbacks
    if callbacks is None:
        return [extra]
    return [extra, *keras.tree.flatten(callbacks)]
